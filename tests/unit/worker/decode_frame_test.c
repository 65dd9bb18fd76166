/* SPDX-License-Identifier: Apache-2.0 */
/* Frames with bad events among good ones, from the datagram to the record. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"
#include "sources_helpers.h"
#include "wire/frame.h"

struct sent {
	uint8_t data[1024];
	uint32_t at[8]; /* where each event begins */
};

/* Three clicks with bodies {"n":0} to {"n":2}. */
static uint32_t three_events(struct sent *sent)
{
	static const char *const bodies[] = {"{\"n\":0}", "{\"n\":1}", "{\"n\":2}"};
	struct frame_header header = {.source_id = 1, .source_epoch = 1, .sequence = 1};
	struct frame_writer writer;

	assert_int_equal(frame_begin(&writer, sent->data, sizeof(sent->data), &header), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct frame_event event = {.type_id = 1, .body = {(const uint8_t *)bodies[i], 7}};

		sent->at[i] = writer.used;
		assert_int_equal(frame_add(&writer, &event), 0);
	}
	return frame_end(&writer);
}

static struct rig *frame_rig(void)
{
	struct rig *rig = rig_new(4);

	rig->config.sources = table_new(4, 64, 1u << 30);
	rig_start(rig);
	return rig;
}

static void frame_rig_free(struct rig *rig)
{
	struct sources *sources = rig->config.sources;

	rig_free(rig);
	sources_free(sources);
}

static uint64_t dropped(const struct rig *rig, int error)
{
	return counter_read(&rig->counters->event_drops[EVENT_DROP_FRAME + error - 1]);
}

static void expect_record(struct rig *rig, const char *start)
{
	char *text = rig_take(rig, NULL, NULL);

	assert_non_null(text);
	assert_int_equal(strncmp(text, start, strlen(start)), 0);
	free(text);
}

static void a_bad_event_leaves_its_neighbours_alone(void **state)
{
	struct rig *rig = frame_rig();
	struct sent sent;
	uint32_t len = three_events(&sent);

	(void)state;
	sent.data[sent.at[1] + 6] = 0x08; /* a flag nobody knows */
	rig_put(rig, RIG_PORT_FRAME, sent.data, len);
	expect_record(rig, "{\"n\":0");
	expect_record(rig, "{\"n\":2");
	assert_null(rig_take(rig, NULL, NULL));
	assert_int_equal(counter_read(&rig->counters->found), 3);
	assert_int_equal(dropped(rig, FRAME_BAD_EVENT_FLAGS), 1);
	frame_rig_free(rig);
}

static void lengths_that_cannot_be_believed_drop_the_rest_by_name(void **state)
{
	struct rig *rig = frame_rig();
	struct sent sent;
	uint32_t len = three_events(&sent);

	(void)state;
	sent.data[sent.at[1] + 5] = 0xff; /* the body's length */
	rig_put(rig, RIG_PORT_FRAME, sent.data, len);
	expect_record(rig, "{\"n\":0");
	assert_null(rig_take(rig, NULL, NULL));
	assert_int_equal(counter_read(&rig->counters->found), 3);
	assert_int_equal(dropped(rig, FRAME_BAD_EVENT_TRUNCATED), 2);
	frame_rig_free(rig);
}

static void an_event_that_the_count_hides_is_found_and_dropped(void **state)
{
	struct rig *rig = frame_rig();
	struct sent sent;
	uint32_t len = three_events(&sent);

	(void)state;
	sent.data[8] = 2;
	rig_put(rig, RIG_PORT_FRAME, sent.data, len);
	expect_record(rig, "{\"n\":0");
	expect_record(rig, "{\"n\":1");
	assert_null(rig_take(rig, NULL, NULL));
	assert_int_equal(counter_read(&rig->counters->found), 3);
	assert_int_equal(dropped(rig, FRAME_BAD_SURPLUS), 1);
	frame_rig_free(rig);
}

static void a_frame_with_bad_events_is_received_all_the_same(void **state)
{
	struct rig *rig = frame_rig();
	struct sent sent;
	uint32_t len = three_events(&sent);

	(void)state;
	memset(sent.data + sent.at[0], 0, len - sent.at[0]);
	rig_put(rig, RIG_PORT_FRAME, sent.data, len);
	assert_null(rig_take(rig, NULL, NULL));
	assert_int_equal(totals_get(rig->config.sources).received, 1);
	assert_int_equal(counter_read(&rig->counters->decoded), 1);
	frame_rig_free(rig);
}

/* What would break our own output is seen of a body whose structure is trusted, too. */
static void a_body_that_does_not_end_is_dropped(void **state)
{
	(void)state;
	for (uint8_t trusted = 0; trusted < 2; trusted++) {
		struct rig *rig = rig_new(4);
		struct sent sent;
		uint32_t len = three_events(&sent);

		rig->config.sources = table_new(4, 64, 1u << 30);
		rig->inputs[1].trusted = trusted;
		rig_start(rig);
		sent.data[sent.at[2] - 1] = 'x';
		rig_put(rig, RIG_PORT_FRAME, sent.data, len);
		expect_record(rig, "{\"n\":0,");
		expect_record(rig, "{\"n\":2,");
		assert_null(rig_take(rig, NULL, NULL));
		assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_frame_body]) +
				counter_read(&rig->counters->event_drops[EVENT_DROP_json_syntax]), 1);
		frame_rig_free(rig);
	}
}

/* A frame's body need not tell its time, so the record does. */
static void the_time_of_the_header_is_in_the_record(void **state)
{
	struct frame_header header = {.source_id = 1, .source_epoch = 1, .sequence = 1};
	struct frame_event event = {.type_id = 1, .body = {(const uint8_t *)"{\"n\":1}", 7}};
	struct rig *rig = frame_rig();
	struct frame_writer writer;
	char *text, time[32];
	uint8_t data[128];

	(void)state;
	event.time_us = clock_utc_us(clock_tsc());
	(void)snprintf(time, sizeof(time), ",%lld]}", (long long)event.time_us);
	assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
	assert_int_equal(frame_add(&writer, &event), 0);
	rig_put(rig, RIG_PORT_FRAME, data, frame_end(&writer));
	text = rig_take(rig, NULL, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, time));
	free(text);
	frame_rig_free(rig);
}

/* A partition key is read from the body, whoever vouches for its structure. */
static void a_trusted_body_gives_its_key(void **state)
{
	struct frame_header header = {.source_id = 1, .source_epoch = 1, .sequence = 1};
	struct frame_event event = {.type_id = 1, .body = {(const uint8_t *)"{\"k\":\"a\"}", 9}};
	struct rig *rig = rig_new(4);
	struct frame_writer writer;
	struct record record;
	uint8_t data[128];
	char *text;

	(void)state;
	rig->config.sources = table_new(4, 64, 1u << 30);
	rig->inputs[1].trusted = 1;
	(void)snprintf(rig->inputs[1].key_member, MEMBER_MAX, "k");
	rig_start(rig);
	assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
	assert_int_equal(frame_add(&writer, &event), 0);
	rig_put(rig, RIG_PORT_FRAME, data, frame_end(&writer));
	text = rig_take(rig, &record, NULL);
	assert_int_equal(record.key.len, 1);
	assert_memory_equal(record.key.data, "a", 1);
	free(text);
	frame_rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_event_leaves_its_neighbours_alone),
		cmocka_unit_test(lengths_that_cannot_be_believed_drop_the_rest_by_name),
		cmocka_unit_test(an_event_that_the_count_hides_is_found_and_dropped),
		cmocka_unit_test(a_frame_with_bad_events_is_received_all_the_same),
		cmocka_unit_test(a_body_that_does_not_end_is_dropped),
		cmocka_unit_test(the_time_of_the_header_is_in_the_record),
		cmocka_unit_test(a_trusted_body_gives_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
