/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crc32.h"
#include "event.h"

#define BUFFER (EVENT_BODY_MAX + EVENT_SLACK)

/* A change of these numbers changes every event: readers with older truths do not know them any more. */
#define GOLDEN512 0x95d4dd5fu
#define GOLDEN225 0xdd48599du

static struct event_maker *make(enum event_preset preset, uint64_t seed, uint32_t types)
{
	struct event_settings settings = {
		.seed = seed,
		.types = types,
		.preset = preset,
		.time_base_us = INT64_C(1767225600000000),
		.time_step_us = 1,
		.pretty_percent = 10,
		.body_max = EVENT_BODY_MAX,
	};
	struct event_maker *maker = NULL;

	assert_int_equal(event_maker_new(&maker, &settings), 0);
	return maker;
}

static void crc32_agrees_with_its_published_check_value(void **state)
{
	(void)state;
	assert_int_equal(crc32_of((const uint8_t *)"123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_of((const uint8_t *)"", 0), 0);
}

/* A hash of the first events: a change of it is a change of every recorded expectation. */
static uint32_t hash_of_events(enum event_preset preset, uint64_t seed)
{
	struct event_maker *maker = make(preset, seed, TYPES_DEFAULT);
	uint8_t body[BUFFER];
	struct generated event;
	uint32_t hash = 0;

	for (uint64_t n = 0; n < 10000; n++) {
		event_make(maker, n, 0, body, &event);
		hash = hash * 31 + crc32_of(body, event.len);
	}
	event_maker_free(maker);
	return hash;
}

static void events_are_the_same_on_every_machine(void **state)
{
	(void)state;
	assert_int_equal(hash_of_events(PRESET_MIX512, 1), GOLDEN512);
	assert_int_equal(hash_of_events(PRESET_MIX225, 1), GOLDEN225);
	assert_int_not_equal(hash_of_events(PRESET_MIX225, 2), GOLDEN225);
}

static void an_event_depends_on_its_number_alone(void **state)
{
	struct event_maker *maker = make(PRESET_MIX512, 7, 600);
	uint8_t first[BUFFER], second[BUFFER];
	struct generated a, b;

	(void)state;
	for (uint64_t n = 500; n-- > 0;) {
		event_make(maker, n, 0, first, &a);
		event_make(maker, n + 1, 0, second, &b);
		event_make(maker, n, 0, second, &b);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(first, second, a.len);
		assert_int_equal(a.time_us, b.time_us);
		assert_int_equal(a.item, b.item);
	}
	event_maker_free(maker);
}

static void check_mean(enum event_preset preset, double mean)
{
	struct event_maker *maker = make(preset, 3, TYPES_DEFAULT);
	uint8_t body[BUFFER];
	struct generated event;
	uint64_t sum = 0;

	for (uint64_t n = 0; n < 50000; n++) {
		event_make(maker, n, 0, body, &event);
		assert_in_range(event.len, EVENT_BODY_MIN, EVENT_BODY_MAX);
		sum += event.len;
	}
	print_message("mean %.2f\n", (double)sum / 50000);
	assert_true((double)sum / 50000 > 0.95 * mean && (double)sum / 50000 < 1.05 * mean);
	event_maker_free(maker);
}

static void bodies_have_the_mean_of_their_preset(void **state)
{
	(void)state;
	check_mean(PRESET_MIX512, 512);
	check_mean(PRESET_MIX225, 225);
}

/* The client address as text must be the address that frames carry. */
static void check_client(const struct generated *event, const char *text)
{
	uint8_t bytes[16] = {0};

	assert_int_equal(inet_pton(event->client.family == ADDRESS_IPV4 ? AF_INET : AF_INET6, text, bytes), 1);
	assert_memory_equal(bytes, event->client.bytes, 16);
}

/* Number of microseconds that the form can tell. */
static void check_time(const struct generated *event, const json_t *ts)
{
	if (json_is_integer(ts)) {
		json_int_t value = json_integer_value(ts);
		int64_t unit = value < INT64_C(10000000000) ? 1000000 : value < INT64_C(10000000000000) ? 1000 : 1;

		assert_true(value == event->time_us / unit);
	} else {
		struct tm tm = {0};
		const char *text = json_string_value(ts), *zone;
		int hours = 0, minutes = 0;

		assert_non_null(text);
		assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
					 &tm.tm_hour, &tm.tm_min, &tm.tm_sec),
			6);
		tm.tm_year -= 1900;
		tm.tm_mon -= 1;
		zone = strpbrk(text + 19, "Z+-");
		assert_non_null(zone);
		if (*zone != 'Z')
			assert_int_equal(sscanf(zone + 1, "%2d:%2d", &hours, &minutes), 2);
		minutes = (hours * 60 + minutes) * (*zone == '-' ? -1 : 1);
		assert_int_equal(timegm(&tm) - minutes * 60, event->time_us / 1000000);
	}
}

static void check_crc(const struct generated *event, uint8_t *body, const char *crc)
{
	char digits[9];

	for (uint32_t i = 0; i < event->len; i++)
		body[i] = body[i] == '\n' ? ' ' : body[i];
	assert_memory_equal(body + event->crc_at, crc, 8);
	memset(body + event->crc_at, '0', 8);
	snprintf(digits, sizeof(digits), "%08x", crc32_of(body, event->len));
	assert_string_equal(digits, crc);
}

static void check_event(const struct event_maker *maker, uint64_t n)
{
	uint8_t body[BUFFER], flat[BUFFER];
	struct generated event, again;
	json_error_t error;
	json_t *root;
	char name[48];

	event_make(maker, n, 0, body, &event);
	root = json_loadb((const char *)body, event.len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		fail_msg("event %lu: %s: %.*s", (unsigned long)n, error.text, (int)event.len, (const char *)body);
	type_name(event.type, name);
	assert_string_equal(json_string_value(json_object_get(root, "type")), name);
	assert_true(json_integer_value(json_object_get(root, "eid")) == (json_int_t)n);
	assert_int_equal(json_object_get(root, "item") != NULL, event.has_item);
	assert_true(!event.has_item || json_integer_value(json_object_get(root, "item")) == (json_int_t)event.item);
	check_client(&event, json_string_value(json_object_get(root, "ip")));
	check_time(&event, json_object_get(root, "ts"));
	assert_int_equal(memchr(body, '\n', event.len) != NULL, event.pretty);
	event_make(maker, n, 1, flat, &again);
	assert_int_equal(event_crc(&event, body), crc32_of(flat, again.len));
	check_crc(&event, body, json_string_value(json_object_get(root, "crc")));
	json_decref(root);
}

static void every_event_is_strict_json_with_true_members(void **state)
{
	(void)state;
	for (int preset = PRESET_MIX512; preset <= PRESET_MIX225; preset++) {
		struct event_maker *maker = make((enum event_preset)preset, 11, TYPES_MAX);

		for (uint64_t n = 0; n < 20000; n++)
			check_event(maker, n);
		for (uint64_t n = INT64_MAX - 100; n < INT64_MAX; n++)
			check_event(maker, n);
		event_maker_free(maker);
	}
}

static void types_follow_zipf(void **state)
{
	struct event_maker *maker = make(PRESET_MIX225, 5, TYPES_DEFAULT);
	static uint32_t seen[TYPES_DEFAULT];
	uint8_t body[BUFFER];
	struct generated event;
	double harmonic = 0;

	(void)state;
	for (uint64_t n = 0; n < 200000; n++) {
		event_make(maker, n, 0, body, &event);
		seen[event.type]++;
	}
	for (unsigned i = 1; i <= TYPES_DEFAULT; i++)
		harmonic += 1.0 / i;
	for (unsigned i = 0; i < TYPES_DEFAULT; i++) {
		double expected = 200000 / harmonic / (i + 1), distance = seen[i] - expected;

		/* Five standard deviations of a Poisson count. */
		assert_true(distance * distance < 25 * expected);
	}
	event_maker_free(maker);
}

static void names_of_types_are_unique(void **state)
{
	static char names[TYPES_MAX][48];

	(void)state;
	for (uint32_t i = 0; i < TYPES_MAX; i++) {
		type_name(i, names[i]);
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

static void bodies_keep_below_a_smaller_limit(void **state)
{
	struct event_settings settings = {
		.seed = 1, .types = 64, .time_base_us = INT64_C(1767225600000000), .body_max = 200};
	struct event_maker *maker;
	uint8_t body[BUFFER];
	struct generated event;

	(void)state;
	assert_int_equal(event_maker_new(&maker, &settings), 0);
	for (uint64_t n = 0; n < 20000; n++) {
		event_make(maker, n, 0, body, &event);
		assert_in_range(event.len, EVENT_BODY_MIN, 200);
		assert_int_equal(event.pretty, 0);
	}
	event_maker_free(maker);
	settings.types = 0;
	assert_int_equal(event_maker_new(&maker, &settings), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32_agrees_with_its_published_check_value),
		cmocka_unit_test(events_are_the_same_on_every_machine),
		cmocka_unit_test(an_event_depends_on_its_number_alone),
		cmocka_unit_test(bodies_have_the_mean_of_their_preset),
		cmocka_unit_test(every_event_is_strict_json_with_true_members),
		cmocka_unit_test(types_follow_zipf),
		cmocka_unit_test(names_of_types_are_unique),
		cmocka_unit_test(bodies_keep_below_a_smaller_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
