/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What judging an event costs, by kinds of rules and by their number. The members are found already: the scanner's part
 * is json-bench's. Events are random, so that a branch which depends on values is missed as often as in life. Prints
 * the best round's CPU time of the thread for each judgement; --once judges each event once and prints no times, for
 * callgrind.
 */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "cpu.h"
#include "tables/rules.h"
#include "wire/event.h"

#define EVENTS    8192u
#define RULES     1000u
#define TEXTS_MAX 96u /* bytes of an event's values */

enum { COUNTRY, AMOUNT, PAGE, USER, CLIENT, MEMBERS };

static const char *const names[MEMBERS] = {"country", "amount", "page", "user.id", "ip"};

/* All of an event side by side, as it is in the cache when the scanner has just read it. */
struct bench_event {
	struct rules_event event;
	struct json_member members[MEMBERS];
	char texts[TEXTS_MAX];
};

static struct bench_event events[EVENTS];
static uint64_t random_state = 1;

static uint32_t below(uint32_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % bound);
}

/* The member's text, behind those of the others. */
__attribute__((format(printf, 4, 5))) static void set(
	struct bench_event *event, unsigned member, uint32_t *used, const char *format, ...)
{
	char *text = event->texts + *used;
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(text, TEXTS_MAX - *used, format, arguments);
	va_end(arguments);
	event->members[member] = (struct json_member){
		.kind = member == AMOUNT ? JSON_NUMBER : JSON_STRING, .value = {(const uint8_t *)text, (uint32_t)len}};
	*used += (uint32_t)len;
}

static void make_event(struct bench_event *event)
{
	static const char *const tails[] = {"home", "search", "checkout/summary", "profile", "help/contact-us", ""};
	uint32_t used = 0;

	set(event, COUNTRY, &used, "%c%c", 'A' + (int)below(16), 'A' + (int)below(16));
	set(event, AMOUNT, &used, "%u", below(below(4) == 0 ? 10000000 : 10000));
	set(event, PAGE, &used, "/shop%u/%s", below(200), tails[below(ARRAY_LENGTH(tails))]);
	set(event, USER, &used, "user-%u", below(20000));
	set(event, CLIENT, &used, "%u.%u.%u.%u", 1 + below(220), below(256), below(256), below(256));
	if (below(16) == 0)
		event->members[below(MEMBERS)] = (struct json_member){.kind = JSON_ABSENT};
	event->event = (struct rules_event){.members = event->members,
		.client = address_of_v4(below(UINT32_MAX)),
		.source = address_of_v4(below(UINT32_MAX)),
		.has_client = 1,
		.time_us = INT64_C(1700000000000000) - below(7200) * INT64_C(1000000),
		.receive_us = INT64_C(1700000000000000)};
}

/* --- conditions: the i-th of a kind --- */

static void one_text(char *out, size_t size, unsigned i)
{
	snprintf(out, size, "country == \"%c%c\"", 'A' + i / 16 % 16, 'A' + i % 16);
}

static void one_number(char *out, size_t size, unsigned i)
{
	snprintf(out, size, "amount > %u", 9990 - i * 7 % 9000);
}

static void three_members(char *out, size_t size, unsigned i)
{
	snprintf(out, size, "country == \"%c%c\" and amount >= %u and page starts with \"/shop%u/\"", 'A' + i % 16,
		'A' + i / 16 % 16, i * 13 % 9000, i % 200);
}

static void one_part(char *out, size_t size, unsigned i)
{
	snprintf(out, size, "page contains \"%u/check\"", i % 200);
}

static void one_network(char *out, size_t size, unsigned i)
{
	snprintf(out, size, "@client in %u.%u.0.0/16", 1 + i % 220, i * 7 % 256);
}

static void all_sorts(char *out, size_t size, unsigned i)
{
	snprintf(out, size,
		"country in [\"A%c\", \"B%c\"] and (amount > %u or page ends with \"/home\") and @age < %um and not "
		"sample(user.id, 10%%)",
		'A' + i % 16, 'A' + i / 16 % 16, i * 17 % 9000, 10 + i % 100);
}

static void long_list(char *out, size_t size, unsigned i)
{
	size_t at = (size_t)snprintf(out, size, "user.id in [");

	for (unsigned user = 0; user < 10000; user++)
		at += (size_t)snprintf(out + at, size - at, "\"user-%u\",", user * 2 + i % 2);
	snprintf(out + at - 1, size - at + 1, "]");
}

static const struct sort {
	const char *name;
	void (*write)(char *out, size_t size, unsigned i);
	unsigned counts[4];
} sorts[] = {
	{"text", one_text, {1, 10, 100, 250}},
	{"number", one_number, {1, 10, 100, 1000}},
	{"three-members", three_members, {1, 10, 100, 1000}},
	{"network", one_network, {1, 10, 100, 1000}},
	{"all-sorts", all_sorts, {1, 10, 100, 1000}},
	{"contains", one_part, {1, 10, 100, 0}},
	{"list-of-10000", long_list, {1, 0}},
};

/* --- measuring --- */

static struct rules *make_rules(const struct sort *sort, unsigned count)
{
	size_t size = sort->write == long_list ? 200000 : 256;
	char *buffer = malloc(count * size);
	const char *conditions[RULES];
	struct rules_paths paths = {.count = 0};
	struct rules_error error;
	struct rules *rules;

	if (buffer == NULL)
		exit(EXIT_FAILURE);
	for (unsigned i = 0; i < MEMBERS; i++)
		(void)rules_path_add(&paths, names[i]);
	for (unsigned i = 0; i < count; i++) {
		sort->write(buffer + i * size, size, i);
		conditions[i] = buffer + i * size;
	}
	if (rules_new(&rules, conditions, count, &paths, &error) != 0) {
		fprintf(stderr, "%s: %u: %s\n", conditions[error.rule], error.offset, error.text);
		exit(EXIT_FAILURE);
	}
	free(buffer);
	return rules;
}

static unsigned judge_all(const struct rules *rules)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < EVENTS; i++) {
		for (size_t line = 0; line < sizeof(events[0]); line += CACHE_LINE)
			__builtin_prefetch((const char *)&events[(i + 4) % EVENTS] + line);
		kept += rules_judge(rules, &events[i].event) != RULES_NONE;
	}
	return kept;
}

static double best_ns(const struct rules *rules, unsigned rounds)
{
	static volatile unsigned sink;
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t began = cpu_thread_ns(), took;

		sink = judge_all(rules);
		took = cpu_thread_ns() - began;
		best = took < best ? took : best;
	}
	(void)sink;
	return (double)best / EVENTS;
}

static void report(const struct sort *sort, unsigned rounds)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(sort->counts) && sort->counts[i] > 0; i++) {
		uint64_t began = cpu_thread_ns();
		struct rules *rules = make_rules(sort, sort->counts[i]);
		double made_ms = (double)(cpu_thread_ns() - began) / 1e6;
		unsigned kept = judge_all(rules);

		printf("%-14s %5u rules", sort->name, sort->counts[i]);
		if (rounds > 0)
			printf("  %6.1f ns  made in %6.2f ms", best_ns(rules, rounds), made_ms);
		printf("  %8zu bytes  %4.1f %% of the events match\n", rules_bytes(rules), 100.0 * kept / EVENTS);
		rules_free(rules);
	}
}

int main(int argc, char **argv)
{
	unsigned rounds = 400;
	const char *only = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--once") == 0)
			rounds = 0;
		else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (argv[i][0] != '-')
			only = argv[i];
		else {
			printf("rules-bench [--rounds N] [--once] [SORT]\n  SORT: text number three-members network "
			       "all-sorts "
			       "contains list-of-10000 (default: all)\n");
			return strcmp(argv[i], "--help") == 0 ? 0 : 64;
		}
	}
	for (unsigned i = 0; i < EVENTS; i++)
		make_event(&events[i]);
	for (size_t i = 0; i < ARRAY_LENGTH(sorts); i++)
		if (only == NULL || strcmp(only, sorts[i].name) == 0)
			report(&sorts[i], rounds);
	return 0;
}
