/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The JSON scanner's speed on a mix of 64 event types with their members in shuffled order, against a plain byte loop over
 * the same bytes (the least that a scanner without vectors does). Prints the best of several rounds, which is what a busy
 * machine can still show, and ratios. Argument: rounds (default 15).
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wire/json.h"

#define TYPES    64
#define EVENTS   4096
#define EVENT_MAX 4096
#define MEMBERS  24

struct workload {
	uint8_t *data;
	uint32_t offsets[EVENTS + 1];
};

static uint64_t random_state = 1;

/* xorshift64* (Vigna 2016). */
static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % bound);
}

static int render_member(char *out, size_t size, unsigned member, unsigned type)
{
	static const char *const words[] = {"homepage", "search", "checkout", "profile", "a longer piece of text", "x", "en-US"};

	switch (member) {
	case 0:
		return snprintf(out, size, "\"type\":\"event_%02u\"", type);
	case 1:
		return snprintf(out, size, "\"ts\":17000%08u", random_below(100000000));
	case 2:
		return snprintf(out, size, "\"ip\":\"%u.%u.%u.%u\"", 1 + random_below(220), random_below(256),
			random_below(256), random_below(256));
	case 3:
		return snprintf(out, size, "\"item\":%u", random_below(1u << 30));
	default:
		break;
	}
	switch ((member * 7 + type * 3) % 6) {
	case 0:
		return snprintf(out, size, "\"m%u_%u\":%s", type, member, random_below(2) ? "true" : "false");
	case 1:
		return snprintf(out, size, "\"count_%u\":%u", member, random_below(10000));
	case 2:
		return snprintf(out, size, "\"score_%u\":%u.%03u", member, random_below(10), random_below(1000));
	case 3:
		return snprintf(out, size, "\"tags_%u\":[\"a%u\",\"b\"]", member, random_below(100));
	default:
		return snprintf(out, size, "\"text%u_%u\":\"%s %u\"", member, type, words[random_below(7)], random_below(1000));
	}
}

/* An event of about `mean` bytes. The order of members is the type's own, a quarter of events leave one out. */
static uint32_t render_event(char *out, uint32_t mean, const uint8_t order[TYPES][MEMBERS], unsigned type)
{
	uint32_t target = mean / 2 + random_below(mean), len = 0, left_out = random_below(4 * MEMBERS);

	for (unsigned i = 0; i < MEMBERS; i++) {
		char member[256];
		unsigned which = order[type][i];
		int size = render_member(member, sizeof(member), which, type);

		if ((which > 3 && len + (uint32_t)size > target) || i == left_out)
			continue;
		len += (uint32_t)sprintf(out + len, "%c%s", len == 0 ? '{' : ',', member);
	}
	out[len++] = '}';
	return len;
}

static void make_workload(struct workload *w, uint32_t mean)
{
	uint8_t order[TYPES][MEMBERS];
	uint32_t at = 0;

	w->data = malloc((size_t)EVENTS * EVENT_MAX);
	if (w->data == NULL)
		exit(EXIT_FAILURE);
	for (unsigned type = 0; type < TYPES; type++)
		for (unsigned i = 0; i < MEMBERS; i++) {
			unsigned j = random_below(i + 1);

			order[type][i] = order[type][j];
			order[type][j] = (uint8_t)i;
		}
	for (unsigned i = 0; i < EVENTS; i++) {
		/* Half of the events are of four types, as a Zipf mix has it. */
		unsigned type = random_below(2) ? random_below(4) : random_below(TYPES);

		w->offsets[i] = at;
		at += render_event((char *)w->data + at, mean, order, type);
	}
	w->offsets[EVENTS] = at;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Strings, escapes and depth, byte by byte; returns the bytes up to the object's end. */
static uint32_t byte_loop(const uint8_t *data, uint32_t len)
{
	unsigned depth = 0, in_string = 0, tokens = 0;

	for (uint32_t i = 0; i < len; i++) {
		uint8_t byte = data[i];

		if (in_string) {
			if (byte == '\\')
				i++;
			else if (byte == '"')
				in_string = 0;
		} else if (byte == '"') {
			in_string = 1;
		} else if (byte == '{' || byte == '[') {
			depth++;
		} else if ((byte == '}' || byte == ']') && --depth == 0) {
			return i + 1 + (tokens == 0);
		} else if (byte == ':' || byte == ',') {
			tokens++;
		}
	}
	return 0;
}

static uint64_t run_once(const struct workload *w, const struct json_plan *plan)
{
	struct json_object object;
	uint64_t sum = 0;

	for (unsigned i = 0; i < EVENTS; i++) {
		const uint8_t *data = w->data + w->offsets[i];
		uint32_t len = w->offsets[i + 1] - w->offsets[i], offset = 0;

		if (plan == NULL) {
			sum += byte_loop(data, len);
			continue;
		}
		while (json_next(plan, data, len, &offset, &object) == JSON_FOUND)
			sum += object.members[0].value.len + object.members[1].value.len + object.body.len;
	}
	return sum;
}

static double best_of(const struct workload *w, const struct json_plan *plan, unsigned rounds)
{
	static volatile uint64_t sink;
	double best = 1e18;

	for (unsigned i = 0; i < rounds; i++) {
		double begin = now_ns(), took;

		sink = run_once(w, plan);
		took = (now_ns() - begin) / EVENTS;
		best = took < best ? took : best;
	}
	(void)sink;
	return best;
}

static void make_plan(struct json_plan *plan, int trusted)
{
	static const char *const names[] = {"type", "ts", "ip", "item", "ingest"};

	(void)json_plan_init(plan, trusted);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)json_plan_add(plan, names[i]);
}

static void report(uint32_t mean, unsigned rounds)
{
	static const char *const level_names[] = {"scalar", "sse4.2", "avx2", "avx512"};
	struct json_plan plans[2];
	struct workload w;
	double naive, bytes;

	make_workload(&w, mean);
	make_plan(&plans[0], 0);
	make_plan(&plans[1], 1);
	bytes = (double)w.offsets[EVENTS] / EVENTS;
	naive = best_of(&w, NULL, rounds);
	printf("%.0f B mean: byte loop %.0f ns\n", bytes, naive);
	for (unsigned level = JSON_SCALAR; level <= JSON_AVX512; level++) {
		double validated, trusted;

		if ((unsigned)json_use((enum json_level)level) != level)
			continue;
		validated = best_of(&w, &plans[0], rounds);
		trusted = best_of(&w, &plans[1], rounds);
		printf("  %-7s validated %4.0f ns %5.2f GB/s 1/%.1f of the loop   trusted %4.0f ns %5.2f GB/s 1/%.1f\n",
			level_names[level], validated, bytes / validated, naive / validated, trusted, bytes / trusted,
			naive / trusted);
	}
	free(w.data);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 15;

	report(225, rounds);
	report(512, rounds);
	return 0;
}
