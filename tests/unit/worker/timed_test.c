/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's time of records, by type: what is written for which event, in which topics, and over reloads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge_rig.h"
#include "tables/timed.h"
#include "wire/frame.h"
#include "worker/worker_priv.h"

#define HOUR_MS INT64_C(3600000)

static const char types[] = "types:\n"
			    "  plain: {id: 1}\n"
			    "  came: {id: 2, timestamp: receive}\n"
			    "  line: {id: 3, record: raw, timestamp: event}\n"
			    "  own: {id: 4, timestamp: event, copy: both, require: {n: number}}\n"
			    "  beside: {id: 5, topic: ev.own, key: user}\n"
			    "  copied: {id: 6, copy: both}\n"
			    "  routed: {id: 7, require: {n: number}, rules: [{if: 'n == 1', then: keep, topic: both}, "
			    "{if: 'n == 2', then: drop}]}\n"
			    "  packed: {id: 8, timestamp: event, pack: 3}\n";
static const char topics[] = "topics: {quarantine: aside, timestamp_back: 60m, timestamp_ahead: 5m}\n";

static int64_t now_ms(const struct judged *j)
{
	return j->rig->worker->burst.receive_us / 1000;
}

static void put(struct judged *j, const char *type, int64_t time_ms, const char *more)
{
	char text[256];

	if (time_ms == 0)
		(void)snprintf(text, sizeof(text), "{\"type\":\"%s\"%s}", type, more);
	else
		(void)snprintf(text, sizeof(text), "{\"type\":\"%s\",\"ts\":%lld%s}", type, (long long)time_ms, more);
	rig_put_json(j->rig, text);
}

/* The next record is in this topic and has this time. */
static void expect(struct judged *j, const char *topic, int64_t time_ms)
{
	struct record record;
	char *text = rig_take(j->rig, &record, NULL);

	if (text == NULL)
		fail_msg("no record, expected one in %s", topic);
	assert_string_equal(j->rig->topics.topics[j->rig->batch->topic].name, topic);
	assert_int_equal(record.time_ms, time_ms);
	free(text);
}

static uint64_t clamped(const struct judged *j, unsigned slot)
{
	return counter_read(&j->rig->counters->types[slot].clamped);
}

static void each_mode_has_its_time(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	int64_t own;

	(void)state;
	put(&j, "plain", 1700000000123, "");
	expect(&j, "ev.plain", 0);
	put(&j, "came", 1700000000123, "");
	expect(&j, "ev.came", now_ms(&j));
	own = now_ms(&j) - 123456;
	put(&j, "packed", own, "");
	expect(&j, "ev.packed", own);
	judged_free(&j);
}

static void times_beyond_the_window_get_its_edge_and_are_counted(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	int64_t times[5];

	(void)state;
	put(&j, "packed", 0, ""); /* takes the time of the clock, roughly */
	expect(&j, "ev.packed", now_ms(&j));
	assert_int_equal(clamped(&j, 7), 0);
	times[0] = now_ms(&j) - HOUR_MS / 2;
	times[1] = now_ms(&j) + 4 * 60000;
	times[2] = 1;
	times[3] = now_ms(&j) - 2 * HOUR_MS;
	times[4] = now_ms(&j) + 24 * 365 * HOUR_MS;
	for (unsigned i = 0; i < 5; i++) {
		int64_t time_ms;

		put(&j, "packed", times[i], "");
		time_ms = i < 2 ? times[i] : i < 4 ? now_ms(&j) - HOUR_MS : now_ms(&j) + 5 * 60000;
		expect(&j, "ev.packed", time_ms);
		assert_int_equal(clamped(&j, 7), i < 2 ? 0 : i - 1);
	}
	judged_free(&j);
}

/* Copies and the quarantine have times too; what others send there has that of receiving. */
static void topics_that_a_timed_type_reaches_are_timed_for_all(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	int64_t own;

	(void)state;
	put(&j, "own", 0, ",\"n\":1");
	expect(&j, "both", now_ms(&j));
	expect(&j, "ev.own", now_ms(&j));
	own = now_ms(&j) - 1000;
	put(&j, "own", own, ",\"n\":1");
	expect(&j, "both", own);
	expect(&j, "ev.own", own);
	put(&j, "own", own, ""); /* lacks n */
	expect(&j, "aside", own);
	put(&j, "routed", own, "");
	expect(&j, "aside", now_ms(&j));
	put(&j, "routed", own, ",\"n\":1");
	expect(&j, "both", now_ms(&j));
	put(&j, "routed", own, ",\"n\":3");
	expect(&j, "ev.routed", 0);
	put(&j, "copied", own, "");
	expect(&j, "both", now_ms(&j));
	expect(&j, "ev.copied", 0);
	put(&j, "beside", own, ",\"user\":\"u\"");
	expect(&j, "ev.own", now_ms(&j));
	judged_free(&j);
}

/* As nothing is that has no number. */
static void what_is_dropped_was_not_clamped(void **state)
{
	struct judged j = judged_new(types, topics, 0);

	(void)state;
	atomic_store(&j.rig->lane.closed, 1);
	put(&j, "packed", 1, "");
	assert_int_equal(clamped(&j, 7), 0);
	assert_int_equal(counter_read(&j.rig->counters->types[7].dropped), 1);
	atomic_store(&j.rig->lane.closed, 0);
	put(&j, "packed", 1, "");
	assert_int_equal(clamped(&j, 7), 1);
	judged_free(&j);
}

/* So that a batch that is open now is of another time. */
static void until_later(const struct judged *j)
{
	while (clock_utc_us(clock_tsc()) / 1000 <= now_ms(j))
		continue;
}

/* Also behind others, in one batch: not that of the batch. */
static void what_rules_send_to_a_timed_topic_has_its_own_time(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	int64_t own;

	(void)state;
	put(&j, "own", 0, ",\"n\":1");
	own = now_ms(&j) - 1000;
	put(&j, "own", own, ",\"n\":1");
	until_later(&j);
	put(&j, "routed", own, ",\"n\":1");
	expect(&j, "both", own + 1000);
	expect(&j, "both", own);
	expect(&j, "both", now_ms(&j));
	expect(&j, "ev.own", own + 1000);
	expect(&j, "ev.own", own);
	put(&j, "own", own, "");
	until_later(&j);
	put(&j, "routed", own, "");
	expect(&j, "aside", own);
	expect(&j, "aside", now_ms(&j));
	judged_free(&j);
}

/* By a rule alone; and not any more when the type has been removed. */
static void topics_that_rules_of_a_timed_type_name_are_timed(void **state)
{
	static const char all[] = "types: {a: {id: 1, timestamp: receive, rules: [{if: 'n == 1', then: keep, topic: side}, "
				  "{if: 'n == 2', then: keep, copy: twin}]}, b: {id: 2, topic: side}, c: {id: 3, topic: twin}}\n";
	struct judged j = judged_new(all, topics, 0);
	struct event_types *known = j.rig->generation->types;

	(void)state;
	put(&j, "b", 0, "");
	expect(&j, "side", now_ms(&j));
	put(&j, "c", 0, "");
	expect(&j, "twin", now_ms(&j));
	known->types[0].removed = 1;
	known->types[1].way.form &= (uint8_t)~FORM_RECEIVE_TIME; /* as they were read */
	known->types[2].way.form &= (uint8_t)~FORM_RECEIVE_TIME;
	timed_find(known);
	for (unsigned topic = 0; topic < j.rig->topics.count; topic++)
		assert_false(timed_topic(known, topic));
	known->types[0].removed = 0;
	judged_free(&j);
}

static void keyed_records_have_times_too(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	int64_t own;

	(void)state;
	for (unsigned i = 0; i < j.rig->topics.count; i++)
		atomic_store(&j.rig->topics.topics[i].partitions, 3);
	put(&j, "beside", 0, ",\"user\":\"abc\"");
	own = now_ms(&j);
	put(&j, "beside", 0, ",\"user\":\"abc\"");
	expect(&j, "ev.own", own);
	expect(&j, "ev.own", now_ms(&j));
	judged_free(&j);
}

static void raw_records_have_the_time_of_receiving(void **state)
{
	struct judged j = judged_new(types, topics, 0);

	(void)state;
	rig_put(j.rig, RIG_PORT_RAW, "anything", 8);
	expect(&j, "ev.line", now_ms(&j));
	judged_free(&j);
}

static void put_frame(struct judged *j, uint32_t type_id, int64_t time_us)
{
	struct frame_header header = {.source_id = 1, .source_epoch = 1, .sequence = 1};
	struct frame_event event = {.type_id = type_id, .time_us = time_us, .body = {(const uint8_t *)"{\"n\":1}", 7}};
	struct frame_writer writer;
	uint8_t data[256];

	assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
	assert_int_equal(frame_add(&writer, &event), 0);
	rig_put(j->rig, RIG_PORT_FRAME, data, frame_end(&writer));
}

/* Raw bodies among them. */
static void events_of_frames_have_the_time_of_their_headers(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	int64_t own;

	(void)state;
	put_frame(&j, 8, 1700000000123456);
	own = now_ms(&j) - 1000;
	expect(&j, "ev.packed", now_ms(&j) - HOUR_MS);
	put_frame(&j, 8, own * 1000 + 999);
	expect(&j, "ev.packed", own);
	put_frame(&j, 3, own * 1000);
	expect(&j, "ev.line", own);
	put_frame(&j, 3, INT64_MAX);
	expect(&j, "ev.line", now_ms(&j) + 5 * 60000);
	assert_int_equal(clamped(&j, 7), 1);
	assert_int_equal(clamped(&j, 2), 1);
	judged_free(&j);
}

static void a_packed_record_has_the_time_of_its_first_event(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	int64_t first;

	(void)state;
	put(&j, "packed", 0, "");
	first = now_ms(&j);
	put(&j, "packed", first - 1000, "");
	put(&j, "packed", first - 2000, "");
	put(&j, "packed", first - 3000, "");
	put(&j, "packed", first - 4000, "");
	expect(&j, "ev.packed", first);
	expect(&j, "ev.packed", first - 3000);
	assert_null(rig_take(j.rig, NULL, NULL));
	judged_free(&j);
}

/* A batch that fills up is followed by one with a base of its own. */
static void batches_have_bases_of_their_own(void **state)
{
	struct judged j = judged_new(types, topics, 0);
	char more[200];
	int64_t first, last = 0;
	unsigned batches = 0;
	void *item;

	(void)state;
	(void)snprintf(more, sizeof(more), ",\"x\":\"%0150d\"", 0);
	put(&j, "came", 0, more);
	first = now_ms(&j);
	while (ring_count(j.rig->lane.out) < 3)
		put(&j, "came", 0, more);
	while (ring_pop(j.rig->lane.out, &item, 1) != 0) {
		struct batch *batch = item;
		struct record record;

		assert_true(batch->base_ms >= first && batch->base_ms >= last);
		last = batch->base_ms;
		for (uint32_t offset = 0; record_next(batch, &offset, &record);)
			assert_true(record.time_ms >= batch->base_ms && record.time_ms <= now_ms(&j));
		j.rig->batch = batch;
		rig_batch_home(j.rig);
		batches++;
	}
	assert_int_equal(batches, 3);
	judged_free(&j);
}

/* The same types with other modes, as the next generation. */
static void reload(struct judged *j, const char *text)
{
	struct generation *old = j->rig->generation, *next = generation_new();
	struct judged other = judged_new(text, topics, 0);
	struct error error;

	*next->types = *other.rig->generation->types;
	for (unsigned i = 0; i < next->types->count; i++)
		other.rig->generation->types->types[i].plan = NULL;
	judged_free(&other);
	next->number = old->number + 1;
	next->inputs = old->inputs;
	next->input_count = old->input_count;
	assert_int_equal(generation_seal(next, &error), 0);
	(void)generation_publish(&j->rig->slot, next);
	generation_free(old, NULL);
	j->rig->generation = next;
}

static void a_reload_ends_the_batches_of_topics_that_change(void **state)
{
	static const char with[] =
		"types: {a: {id: 1, timestamp: receive}, b: {id: 2}, c: {id: 3, timestamp: event}}\n";
	static const char without[] = "types: {a: {id: 1}, b: {id: 2}, c: {id: 3, timestamp: receive}}\n";
	struct judged j = judged_new(without, topics, 0);
	int64_t came, own;

	(void)state;
	put(&j, "a", 0, "");
	put(&j, "b", 0, "");
	put(&j, "c", 0, "");
	own = now_ms(&j) - 1000;
	came = now_ms(&j);
	reload(&j, with);
	assert_int_equal(ring_count(j.rig->lane.out), 0);
	put(&j, "c", own, "");
	assert_int_equal(ring_count(j.rig->lane.out), 1); /* a's alone */
	put(&j, "a", own, "");
	expect(&j, "ev.a", 0);
	expect(&j, "ev.a", now_ms(&j));
	expect(&j, "ev.b", 0);
	expect(&j, "ev.c", came);
	expect(&j, "ev.c", own);
	put(&j, "a", 0, "");
	came = now_ms(&j);
	reload(&j, without);
	put(&j, "a", 0, "");
	expect(&j, "ev.a", came);
	expect(&j, "ev.a", 0);
	judged_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mode_has_its_time),
		cmocka_unit_test(times_beyond_the_window_get_its_edge_and_are_counted),
		cmocka_unit_test(topics_that_a_timed_type_reaches_are_timed_for_all),
		cmocka_unit_test(what_is_dropped_was_not_clamped),
		cmocka_unit_test(what_rules_send_to_a_timed_topic_has_its_own_time),
		cmocka_unit_test(topics_that_rules_of_a_timed_type_name_are_timed),
		cmocka_unit_test(keyed_records_have_times_too),
		cmocka_unit_test(raw_records_have_the_time_of_receiving),
		cmocka_unit_test(events_of_frames_have_the_time_of_their_headers),
		cmocka_unit_test(a_packed_record_has_the_time_of_its_first_event),
		cmocka_unit_test(batches_have_bases_of_their_own),
		cmocka_unit_test(a_reload_ends_the_batches_of_topics_that_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
