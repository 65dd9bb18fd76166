/* SPDX-License-Identifier: Apache-2.0 */

/* The geo stage's speed: building a table, looking addresses up in bursts of 32, and reading addresses from text. */

#include <arpa/inet.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "cpu.h"
#include "geo_writer.h"
#include "tables/geo.h"

#define BURST   32u
#define LOOKUPS (1u << 20)
#define PLACES  50000u
#define PART    (1u << 16) /* of the addresses, that is timed by itself */
#define CLASSES 5u
#define TEXTS   4096u

static const char usage[] =
	"geo-bench [--prefixes N]... [--family 4|6]... [--rounds N] [--lookups N]\n"
	"\n"
	"Makes databases of N prefixes (default: 10000, 1000000 and 10000000 of each family), "
	"loads them and looks up random\n"
	"addresses inside random prefixes. Prints milliseconds to build, bytes, and nanoseconds of "
	"thread CPU time a look-up, the best\n"
	"of the rounds (default 15), alone and with the fragment read. The files are made in "
	"$TMPDIR (default /tmp), 200 MB at most.\n"
	"\n"
	"Instructions a look-up: divide what this counts by 2 x rounds x lookups (alone, and with the fragment):\n"
	"  valgrind --tool=callgrind --collect-atstart=no --toggle-collect=bench_find geo-bench "
	"--prefixes 1000000 --family 4 \\\n"
	"    --rounds 1 --lookups 65536\n";

static uint64_t random_state = 1;

/* xorshift64* (Vigna 2016). */
static uint64_t random_64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static uint32_t random_below(uint32_t bound)
{
	return (uint32_t)((random_64() >> 32) * bound >> 32);
}

struct bench {
	struct ip_address *prefixes; /* and how long they are, as IPv6 counts them */
	uint8_t *lengths;
	struct ip_address *addresses;
	unsigned count, family, rounds, lookups;
	char path[256];
};

static void *need(void *memory)
{
	if (memory == NULL) {
		fprintf(stderr, "geo-bench: no memory\n");
		exit(EXIT_FAILURE);
	}
	return memory;
}

/* Lengths of prefixes by class, the shorter first: a tenth, a tenth, a fifth, half, a tenth of all. */
static unsigned class_of(unsigned i, unsigned count)
{
	unsigned tenth = (unsigned)((uint64_t)i * 10 / count);

	return tenth < 1 ? 0 : tenth < 2 ? 1 : tenth < 4 ? 2 : tenth < 9 ? 3 : 4;
}

static struct ip_address random_v4(unsigned class, unsigned *length)
{
	static const uint8_t least[CLASSES] = {14, 20, 22, 24, 25}, more[CLASSES] = {6, 2, 2, 1, 8};

	*length = 96u + least[class] + random_below(more[class]);
	return address_of_v4((1 + random_below(223)) << 24 | random_below(1 << 24));
}

/* As registries give them out: /32 in a few blocks, divided by those who have them. */
static struct ip_address random_v6(unsigned class, unsigned *length, unsigned count)
{
	static const uint16_t blocks[] = {0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00, 0x2a00, 0x2400, 0x2600};
	static const uint8_t least[CLASSES] = {29, 33, 40, 48, 56}, more[CLASSES] = {4, 7, 8, 1, 9};
	uint32_t holder = random_below(count / 8 + 1) * 0x9E3779B1u;

	*length = least[class] + random_below(more[class]);
	return (struct ip_address){
		(uint64_t)(((uint32_t)blocks[holder & 7] << 16) + (holder >> 12)) << 32 | random_64() >> 32, 0};
}

static struct ip_address cut(struct ip_address address, unsigned length)
{
	address.high &= length >= 64 ? UINT64_MAX : ~(UINT64_MAX >> length);
	address.low &= length <= 64 ? 0 : length == 128 ? UINT64_MAX : ~(UINT64_MAX >> (length - 64));
	return address;
}

static void make_file(struct bench *bench)
{
	struct geo_writer *writer = geo_writer_new(6, bench->count > 1000000 ? 32 : 28);

	for (unsigned i = 0; i < bench->count; i++) {
		unsigned class = class_of(i, bench->count), length = 0, place = random_below(PLACES);
		struct ip_address prefix =
			bench->family == 4 ? random_v4(class, &length) : random_v6(class, &length, bench->count);
		char city[32], country[3] = {(char)('A' + place % 25), (char)('A' + place / 25 % 10), '\0'};
		struct geo_writer_record record = {.country = country, .city = city, .asn = 1000 + place % 7919};

		(void)snprintf(city, sizeof(city), "City of %u", place);
		bench->prefixes[i] = cut(prefix, length);
		bench->lengths[i] = (uint8_t)length;
		geo_writer_put(writer, bench->prefixes[i], length, &record);
	}
	if (geo_writer_write(writer, bench->path) != 0) {
		perror(bench->path);
		exit(EXIT_FAILURE);
	}
	geo_writer_free(writer);
}

static void make_addresses(struct bench *bench)
{
	for (unsigned i = 0; i < bench->lookups; i++) {
		unsigned which = random_below(bench->count), length = bench->lengths[which];
		struct ip_address host = {random_64(), random_64()}, outside = cut(host, length);

		bench->addresses[i].high = bench->prefixes[which].high | (host.high ^ outside.high);
		bench->addresses[i].low = bench->prefixes[which].low | (host.low ^ outside.low);
	}
}

/* Not static and not inlined, so that callgrind can tell it by its name. */
uint64_t bench_find(const struct geo *geo, const struct ip_address *addresses, unsigned count, int with_fragments);

__attribute__((noinline)) uint64_t bench_find(
	const struct geo *geo, const struct ip_address *addresses, unsigned count, int with_fragments)
{
	uint32_t places[BURST];
	uint64_t sum = 0;

	for (unsigned from = 0; from + BURST <= count; from += BURST) {
		geo_find_burst(geo, addresses + from, BURST, places);
		sum += places[0];
		if (!with_fragments)
			continue;
		for (unsigned i = 0; i < BURST; i++)
			geo_fragment_prefetch(geo, places[i]);
		for (unsigned i = 0; i < BURST; i++) {
			struct slice fragment = geo_fragment(geo, places[i]);

			sum += fragment.data[fragment.len - 1];
		}
	}
	return sum;
}

/* Of all rounds and all parts of the addresses: a part is short, so that some of them are left in peace. */
static double best_of(const struct bench *bench, const struct geo *geo, int with_fragments)
{
	unsigned part = bench->lookups < PART ? bench->lookups : PART;
	static volatile uint64_t sink;
	double best = 1e18;

	for (unsigned i = 0; i < bench->rounds; i++)
		for (unsigned from = 0; from + part <= bench->lookups; from += part) {
			uint64_t begin = cpu_thread_ns();
			double took;

			sink = bench_find(geo, bench->addresses + from, part, with_fragments);
			took = (double)(cpu_thread_ns() - begin) / part;
			best = took < best ? took : best;
		}
	(void)sink;
	return best;
}

static void run(struct bench *bench)
{
	struct geo_config config = {.paths = {bench->path},
		.path_count = 1,
		.fields = GEO_COUNTRY | GEO_CITY | GEO_ASN,
		.budget_bytes = UINT64_C(4) << 30,
		.node = -1};
	const char *folder = getenv("TMPDIR");
	struct error error = {""};
	struct geo_info info;
	struct geo *geo;
	double alone;

	(void)snprintf(bench->path, sizeof(bench->path), "%s/geo-bench-%d.mmdb", folder == NULL ? "/tmp" : folder,
		(int)getpid());
	bench->prefixes = need(calloc(bench->count, sizeof(*bench->prefixes)));
	bench->lengths = need(calloc(bench->count, sizeof(*bench->lengths)));
	bench->addresses = need(calloc(bench->lookups, sizeof(*bench->addresses)));
	make_file(bench);
	make_addresses(bench);
	free(bench->prefixes);
	free(bench->lengths);
	if (geo_new(&geo, &config, &error) != 0) {
		fprintf(stderr, "geo-bench: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
	(void)unlink(bench->path);
	geo_describe(geo, &info);
	alone = best_of(bench, geo, 0);
	printf("%8u prefixes IPv%u: %8llu ranges, %6u places, %6.1f MB, built in %5u ms, %5.1f ns, with fragment %5.1f "
	       "ns\n",
		bench->count, bench->family, (unsigned long long)info.prefixes, info.places, (double)info.bytes / 1e6,
		info.build_ms, alone, best_of(bench, geo, 1));
	fflush(stdout);
	geo_free(geo);
	free(bench->addresses);
}

/* Reading dotted decimal: ours, and libc's. */
static void run_text(unsigned rounds)
{
	static char texts[TEXTS][16];
	static uint8_t lengths[TEXTS];
	double best[2] = {1e18, 1e18};
	uint64_t sum = 0;

	for (unsigned i = 0; i < TEXTS; i++)
		lengths[i] = (uint8_t)snprintf(texts[i], sizeof(texts[i]), "%u.%u.%u.%u", random_below(256),
			random_below(256), random_below(256), random_below(256));
	for (unsigned round = 0; round < rounds * 20; round++)
		for (unsigned which = 0; which < 2; which++) {
			uint64_t begin = cpu_thread_ns();
			double took;

			for (unsigned i = 0; i < TEXTS; i++) {
				struct ip_address address = {0, 0};
				uint8_t bytes[4] = {0};

				if (which == 0)
					(void)address_parse(
						(struct slice){(const uint8_t *)texts[i], lengths[i]}, &address);
				else
					(void)inet_pton(AF_INET, texts[i], bytes);
				sum += address.low + bytes[3];
			}
			took = (double)(cpu_thread_ns() - begin) / TEXTS;
			best[which] = took < best[which] ? took : best[which];
		}
	printf("text of IPv4: address_parse %.1f ns, inet_pton %.1f ns (sum %u)\n", best[0], best[1],
		(unsigned)(sum & 0xFF));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"prefixes", required_argument, NULL, 'p'},
		{"family", required_argument, NULL, 'f'}, {"rounds", required_argument, NULL, 'r'},
		{"lookups", required_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'}, {0}};
	unsigned counts[8] = {10000, 1000000, 10000000}, families[2] = {4, 6}, count_of_counts = 0,
		 count_of_families = 0;
	struct bench bench = {.rounds = 15, .lookups = LOOKUPS};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		unsigned number = optarg == NULL ? 0 : (unsigned)strtoul(optarg, NULL, 10);

		if (option == 'p' && number > 0 && count_of_counts < ARRAY_LENGTH(counts)) {
			counts[count_of_counts++] = number;
		} else if (option == 'f' && (number == 4 || number == 6) &&
			   count_of_families < ARRAY_LENGTH(families)) {
			families[count_of_families++] = number;
		} else if (option == 'r' && number > 0) {
			bench.rounds = number;
		} else if (option == 'l' && number >= BURST) {
			bench.lookups = number;
		} else {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? EXIT_SUCCESS : 64;
		}
	}
	run_text(bench.rounds);
	for (unsigned f = 0; f < (count_of_families == 0 ? 2 : count_of_families); f++)
		for (unsigned c = 0; c < (count_of_counts == 0 ? 3 : count_of_counts); c++) {
			bench.count = counts[c];
			bench.family = families[f];
			run(&bench);
		}
	return EXIT_SUCCESS;
}
