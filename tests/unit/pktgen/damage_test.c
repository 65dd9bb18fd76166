/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "damage.h"
#include "wire/frame.h"
#include "wire/json.h"

/* Event 0 to 299 of seed 1, none over several lines. */
static struct event_maker *make_events(void)
{
	struct event_settings settings = {
		.seed = 1, .types = 64, .time_base_us = INT64_C(1767225600000000), .body_max = EVENT_BODY_MAX};
	struct event_maker *maker;

	assert_int_equal(event_maker_new(&maker, &settings), 0);
	return maker;
}

static const char *json_refusal(const uint8_t *data, uint32_t len)
{
	struct json_object object;
	struct json_plan plan;
	uint32_t offset = 0;

	assert_int_equal(json_plan_init(&plan, 0), 0);
	switch (json_next(&plan, data, len, &offset, &object)) {
	case JSON_BAD_SYNTAX:
		return "json_syntax";
	case JSON_BAD_UTF8:
		return "json_utf8";
	default:
		return "something else";
	}
}

static void json_is_refused_under_the_name_of_its_damage(void **state)
{
	struct event_maker *maker = make_events();
	uint8_t body[EVENT_BODY_MAX + EVENT_SLACK];
	struct generated event;
	unsigned seen = 0;

	(void)state;
	for (uint64_t n = 0; n < 300; n++) {
		enum damage kind;

		event_make(maker, n, 0, body, &event);
		kind = damage_json(body, event.crc_at, n);
		assert_string_equal(json_refusal(body, event.len), damage_names[kind]);
		seen |= 1u << kind;
	}
	assert_int_equal(seen, (1u << DAMAGE_frame_magic) - 1);
	event_maker_free(maker);
}

static void frames_are_refused_under_the_name_of_their_damage(void **state)
{
	const struct frame_event event = {.body = {(const uint8_t *)"{}", 2}};
	unsigned seen = 0;

	(void)state;
	for (uint64_t bits = 0; bits < 20; bits++) {
		struct frame_header header = {.source_id = 1, .source_epoch = 1};
		struct frame_writer writer;
		uint8_t data[200];
		uint32_t offset, len;
		enum damage kind;
		char name[64];

		assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
		assert_int_equal(frame_add(&writer, &event), 0);
		len = frame_end(&writer);
		kind = damage_frame(data, bits);
		snprintf(name, sizeof(name), "frame_%s", frame_error_name(frame_header_get(data, len, &header, &offset)));
		assert_string_equal(name, damage_names[kind]);
		seen |= 1u << kind;
	}
	assert_int_equal(seen, (1u << DAMAGE_COUNT) - (1u << DAMAGE_frame_magic));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_refused_under_the_name_of_its_damage),
		cmocka_unit_test(frames_are_refused_under_the_name_of_their_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
