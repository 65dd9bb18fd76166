/* SPDX-License-Identifier: Apache-2.0 */

/* The category table's speed by its size. usage() says what it prints. */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cpu.h"
#include "tables/category.h"

#define BURST     32u
#define PROBES    (1u << 20) /* keys of one round, more than caches hold */
#define KEY_MAX   32u
#define NAMES     3000u
#define CHANGES   100000u
#define REVISIONS 20u

struct options {
	const char *entries, *folder;
	unsigned rounds, probes;
	int texts, digits, absent, verify, view;
};

static uint64_t random_state = 88172645463325252u;

/* xorshift64* (Vigna 2016). */
static uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static void usage(FILE *out)
{
	fputs("category-bench [option]...\n\n"
	      "Writes tables of random keys as TSV, loads them, saves them prebuilt and loads that; then looks keys up "
	      "in bursts of 32 as a\n"
	      "worker does: hash and prefetch all, find all, read the fragments. Prints seconds, and nanoseconds of "
	      "thread CPU time a look-up\n"
	      "(best round).\n\n"
	      "  --entries N,N...  sizes (default 100000,1000000,10000000)\n"
	      "  --keys KIND       numbers (default), the same as digits, or texts of 13 to 22 bytes\n"
	      "  --absent PERCENT  share of look-ups for keys that are not there (default 0)\n"
	      "  --overlay         look through an overlay of 100,000 changes too\n"
	      "  --rounds N        of 2^20 look-ups (default 20)\n"
	      "  --probes N        look-ups a round; with --rounds 1 a short run for callgrind, to be collected within "
	      "look_up\n"
	      "  --verify          look up every key, and a million that are not there\n"
	      "  --folder PATH     for the files (default /tmp); they are removed\n",
		out);
}

/* The i-th key. An odd multiplier scatters the numbers and keeps them different. */
static struct slice make_key(const struct options *options, char key[KEY_MAX], uint64_t i)
{
	uint64_t number = i * UINT64_C(0x9e3779b97f4a7c15) >> 24 << 24 | i;
	int len = options->texts ? snprintf(key, KEY_MAX, "item:%0*llx", 8 + (int)(i % 10), (unsigned long long)i)
				 : snprintf(key, KEY_MAX, "%llu", (unsigned long long)number);

	return (struct slice){(const uint8_t *)key, (uint32_t)len};
}

static struct category_key hash_key(const struct options *options, const struct category *category, uint64_t i)
{
	char key[KEY_MAX];

	return category_key_text(category, make_key(options, key, i));
}

static void write_text(const struct options *options, const char *path, uint64_t entries)
{
	FILE *file = fopen(path, "wb");
	char key[KEY_MAX];

	if (file == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	for (uint64_t i = 0; i < entries; i++) {
		struct slice text = make_key(options, key, i);

		fprintf(file, "%.*s\tcategory %u\n", (int)text.len, key, (unsigned)(i % NAMES));
	}
	if (fclose(file) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static struct category *load(const char *path, double *seconds)
{
	struct category_config config = {
		.path = path, .name = "category", .budget_bytes = UINT64_C(4) << 30, .node = MEMORY_ANY_NODE};
	uint64_t begin = cpu_wall_ns();
	struct category *category;
	struct error error;

	if (category_new(&category, &config, &error) != 0) {
		fprintf(stderr, "category-bench: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
	*seconds = (double)(cpu_wall_ns() - begin) / 1e9;
	return category;
}

static double save(const struct category *category, const char *path)
{
	uint64_t begin = cpu_wall_ns();
	struct error error;

	if (category_save(category, path, &error) != 0) {
		fprintf(stderr, "category-bench: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
	return (double)(cpu_wall_ns() - begin) / 1e9;
}

/* What is looked up: texts one behind the other, or numbers. */
struct probes {
	unsigned count;
	char (*texts)[KEY_MAX];
	uint8_t *lens;
	uint64_t *numbers;
};

static void make_probes(const struct options *options, struct probes *probes, uint64_t entries)
{
	probes->count = options->probes / BURST * BURST;
	probes->texts = calloc(probes->count, sizeof(*probes->texts));
	probes->lens = calloc(probes->count, 1);
	probes->numbers = calloc(probes->count, sizeof(*probes->numbers));
	if (probes->texts == NULL || probes->lens == NULL || probes->numbers == NULL)
		exit(EXIT_FAILURE);
	for (unsigned i = 0; i < probes->count; i++) {
		uint64_t which = random_next() % entries;

		if (random_next() % 100 < (uint64_t)options->absent)
			which += entries;
		probes->lens[i] = (uint8_t)make_key(options, probes->texts[i], which).len;
		probes->numbers[i] = strtoull(probes->texts[i], NULL, 10);
	}
}

static void free_probes(struct probes *probes)
{
	free(probes->texts);
	free(probes->lens);
	free(probes->numbers);
}

/* One round; returns a sum, so that nothing of it is left out. */
__attribute__((noinline)) static uint64_t look_up(const struct options *options, const struct category *category,
	const struct category_overlay *overlay, const struct probes *probes)
{
	struct category_key keys[BURST];
	uint64_t sum = 0;

	for (unsigned first = 0; first < probes->count; first += BURST) {
		for (unsigned i = 0; i < BURST; i++) {
			struct slice text = {(const uint8_t *)probes->texts[first + i], probes->lens[first + i]};

			keys[i] = options->texts || options->digits
					  ? category_key_text(category, text)
					  : category_key_number(category, probes->numbers[first + i]);
			category_view_prefetch(category, overlay, keys[i]);
		}
		for (unsigned i = 0; i < BURST; i++) {
			struct slice fragment = category_view_find(category, overlay, keys[i]);

			sum += fragment.len + fragment.data[fragment.len - 2];
		}
	}
	return sum;
}

static double measure(const struct options *options, const struct category *category,
	const struct category_overlay *overlay, const struct probes *probes)
{
	static volatile uint64_t sink;
	double best = 1e18;

	for (unsigned round = 0; round < options->rounds; round++) {
		uint64_t begin = cpu_thread_ns();
		double took;

		sink = look_up(options, category, overlay, probes);
		took = (double)(cpu_thread_ns() - begin) / probes->count;
		best = took < best ? took : best;
	}
	(void)sink;
	return best;
}

static void verify(const struct options *options, const struct category *category, uint64_t entries)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < entries; i++)
		wrong += category_find(category, hash_key(options, category, i)) != i % NAMES + 1;
	for (uint64_t i = entries; i < entries + 1000000; i++)
		wrong += category_find(category, hash_key(options, category, i)) != CATEGORY_UNKNOWN;
	printf("  verified: %llu keys and 1000000 absent ones, %llu wrong\n", (unsigned long long)entries,
		(unsigned long long)wrong);
	if (wrong != 0)
		exit(EXIT_FAILURE);
}

static struct category_overlay *change(const struct category *category, const struct category_overlay *before,
	const char *lines, size_t len, double *milliseconds)
{
	struct category_overlay *overlay;
	uint64_t begin = cpu_wall_ns();
	struct error error;
	struct category_tally tally = {0};

	if (category_overlay_new(&overlay, category, before, (struct slice){(const uint8_t *)lines, (uint32_t)len},
		    2 * CHANGES, &tally, &error) != 0 ||
		tally.bad != 0) {
		fprintf(stderr, "category-bench: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
	*milliseconds = (double)(cpu_wall_ns() - begin) / 1e6;
	return overlay;
}

/* One more line over an overlay, as the next revision has it; the longest and the shortest time of some. */
static struct category_overlay *revise(const struct category *category, struct category_overlay *overlay)
{
	double longest = 0, shortest = 1e9;

	for (unsigned i = 0; i < REVISIONS; i++) {
		struct category_overlay *next;
		double took;
		char line[32];

		next = change(category, overlay, line, (size_t)snprintf(line, sizeof(line), "delete\t%u\n", i), &took);
		category_overlay_free(overlay);
		overlay = next;
		longest = took > longest ? took : longest;
		shortest = took < shortest ? took : shortest;
	}
	printf("one more line %.2f to %.2f ms, ", shortest, longest);
	return overlay;
}

/* An overlay, and how long it, the next ones and a merge take. */
static struct category_overlay *make_overlay(
	const struct options *options, const struct category *category, uint64_t entries)
{
	char *lines = malloc(CHANGES * 64), *end = lines, key[KEY_MAX];
	struct category_overlay *overlay;
	struct category *merged;
	struct error error;
	double all;
	uint64_t begin;

	if (lines == NULL)
		exit(EXIT_FAILURE);
	for (uint64_t i = 0; i < CHANGES; i++) {
		struct slice text = make_key(options, key, i * 2 % (entries + CHANGES));

		end += sprintf(end, "set\t%.*s\tcategory %u\n", (int)text.len, key, (unsigned)(i % NAMES));
	}
	overlay = change(category, NULL, lines, (size_t)(end - lines), &all);
	free(lines);
	printf("  overlay of %zu: %.1f ms, ", category_overlay_count(overlay), all);
	overlay = revise(category, overlay);
	begin = cpu_wall_ns();
	if (category_merge(&merged, category, overlay, &error) != 0)
		exit(EXIT_FAILURE);
	printf("merged in %.2f s\n", (double)(cpu_wall_ns() - begin) / 1e9);
	category_free(merged);
	return overlay;
}

static void report(const struct options *options, uint64_t entries)
{
	struct category *category;
	struct category_overlay *overlay = NULL;
	struct category_info info;
	struct probes probes;
	char text[256], prebuilt[256];
	double built, saved, loaded;

	(void)snprintf(text, sizeof(text), "%s/category-bench-%d.tsv", options->folder, (int)getpid());
	(void)snprintf(prebuilt, sizeof(prebuilt), "%s/category-bench-%d.table", options->folder, (int)getpid());
	write_text(options, text, entries);
	category = load(text, &built);
	(void)unlink(text);
	saved = save(category, prebuilt);
	category_free(category);
	category = load(prebuilt, &loaded);
	(void)unlink(prebuilt);
	category_describe(category, &info);
	printf("%llu entries: %.0f MiB, built in %.2f s, saved in %.2f s, loaded prebuilt in %.2f s\n",
		(unsigned long long)info.entries, (double)info.bytes / (1 << 20), built, saved, loaded);
	if (options->verify)
		verify(options, category, entries);
	if (options->view)
		overlay = make_overlay(options, category, entries);
	make_probes(options, &probes, entries);
	printf("  look-up %.1f ns\n", measure(options, category, overlay, &probes));
	fflush(stdout);
	free_probes(&probes);
	category_overlay_free(overlay);
	category_free(category);
}

static int read_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {{"entries", 1, NULL, 'e'}, {"keys", 1, NULL, 'k'},
		{"absent", 1, NULL, 'a'}, {"overlay", 0, NULL, 'o'}, {"rounds", 1, NULL, 'r'}, {"probes", 1, NULL, 'p'},
		{"verify", 0, NULL, 'v'}, {"folder", 1, NULL, 'f'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		unsigned number = optarg != NULL ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (option) {
		case 'e':
			options->entries = optarg;
			break;
		case 'k':
			options->texts = strcmp(optarg, "texts") == 0;
			options->digits = strcmp(optarg, "digits") == 0;
			break;
		case 'a':
			options->absent = (int)number;
			break;
		case 'o':
			options->view = 1;
			break;
		case 'r':
			options->rounds = number;
			break;
		case 'p':
			options->probes = number;
			break;
		case 'v':
			options->verify = 1;
			break;
		case 'f':
			options->folder = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options options = {
		.entries = "100000,1000000,10000000", .folder = P_tmpdir, .rounds = 20, .probes = PROBES};
	const char *at;

	if (read_options(&options, argc, argv) != 0) {
		usage(stderr);
		return 64;
	}
	for (at = options.entries; *at != '\0';) {
		char *end;
		uint64_t entries = strtoull(at, &end, 10);

		if (end == at || entries == 0) {
			usage(stderr);
			return 64;
		}
		report(&options, entries);
		at = *end == ',' ? end + 1 : end;
	}
	return EXIT_SUCCESS;
}
