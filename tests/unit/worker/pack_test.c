/* SPDX-License-Identifier: Apache-2.0 */
/* Several events in one record, and what else its topic gets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge_rig.h"
#include "worker/worker_priv.h"

static const char types[] =
	"types:\n"
	"  few: {id: 1, topic: packs, pack: 3}\n"
	"  many: {id: 2, topic: packs, pack: 200}\n"
	"  single: {id: 3, topic: packs, geo: false}\n"
	"  bare: {id: 4, topic: packs, record: raw}\n";

/* Takes the next record and expects so many lines of this type, with sequences that go on. */
static void expect_lines(struct judged *j, const char *type, unsigned lines, unsigned *seq)
{
	char *text = rig_take(j->rig, NULL, NULL), *at = text, start[64], identity[64];

	assert_non_null(text);
	for (unsigned i = 0; i < lines; i++) {
		char *end = strchr(at, '\n');

		if (end != NULL)
			*end = '\0';
		(void)snprintf(start, sizeof(start), "{\"type\":\"%s\",\"n\":%u,", type, *seq);
		(void)snprintf(identity, sizeof(identity), "-%x\",", ++*seq);
		assert_int_equal(strncmp(at, start, strlen(start)), 0);
		assert_non_null(strstr(at, identity));
		assert_int_equal(at[strlen(at) - 1], '}');
		assert_int_equal(end == NULL, i + 1 == lines);
		at = end + 1;
	}
	free(text);
}

static void put_numbered(struct judged *j, const char *type, unsigned count, unsigned *n, const char *more)
{
	char text[128];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(text, sizeof(text), "{\"type\":\"%s\",\"n\":%u%s}", type, (*n)++, more);
		rig_put_json(j->rig, text);
	}
}

static void packed_events_are_lines_of_one_record(void **state)
{
	struct judged j = judged_new(types, "inputs: [{port: 9000, format: json, key: k}]\n", 1);
	unsigned n = 0, seq = 0;

	(void)state;
	put_numbered(&j, "few", 7, &n, "");
	expect_lines(&j, "few", 3, &seq);
	assert_int_equal(j.rig->batch->records, 3);
	assert_int_equal(j.rig->batch->events, 7);
	assert_int_equal(batch_events_at(j.rig->batch, 1), 3);
	assert_int_equal(batch_events_at(j.rig->batch, 2), 1);
	expect_lines(&j, "few", 3, &seq);
	expect_lines(&j, "few", 1, &seq);
	expect_none(&j);
	/* Types that pack otherwise, or not, end the batch. */
	put_numbered(&j, "few", 2, &n, "");
	put_numbered(&j, "single", 2, &n, "");
	put_numbered(&j, "many", 4, &n, "");
	put_numbered(&j, "few", 1, &n, "");
	expect_lines(&j, "few", 2, &seq);
	expect_lines(&j, "single", 1, &seq);
	expect_lines(&j, "single", 1, &seq);
	expect_lines(&j, "many", 4, &seq);
	expect_lines(&j, "few", 1, &seq);
	/* With a key: each by itself. */
	put_numbered(&j, "many", 2, &n, ",\"k\":1");
	expect_lines(&j, "many", 1, &seq);
	expect_lines(&j, "many", 1, &seq);
	expect_none(&j);
	judged_free(&j);
}

/* One record of a batch that was sealed, and as many events as it should have. */
static void expect_alone(struct judged *j, const char *start, unsigned events, unsigned *counted)
{
	char *text = rig_take(j->rig, NULL, NULL);

	assert_non_null(text);
	assert_int_equal(strncmp(text, start, strlen(start)), 0);
	assert_int_equal(j->rig->batch->records, 1);
	assert_int_equal(j->rig->batch->events, events);
	*counted += events;
	free(text);
}

/* An event whose record is its body: by its type, or by the input that it came to. */
static void put_bare(struct judged *j, int by_input)
{
	static const char type[] = "{\"type\":\"bare\",\"as\":\"it is\"}", input[] = "as it is";

	if (by_input)
		rig_put(j->rig, RIG_PORT_RAW, input, sizeof(input) - 1);
	else
		rig_put_json(j->rig, type);
}

static void raw_events_end_a_packed_batch(void **state)
{
	static const char *const starts[] = {"{\"type\":\"bare\",\"as\":\"it is\"}", "as it is"};

	(void)state;
	for (int by_input = 0; by_input < 2; by_input++) {
		struct judged j = judged_new(types, "", 0);
		unsigned n = 0, counted = 0;

		j.rig->inputs[2].raw_type = 0; /* few */
		put_numbered(&j, "few", 2, &n, "");
		put_bare(&j, by_input);
		put_numbered(&j, "few", 1, &n, "");
		put_bare(&j, by_input);
		worker_flush(j.rig->worker);
		assert_int_equal(counter_read(&j.rig->counters->open), 0);
		expect_alone(&j, "{\"type\":\"few\",\"n\":0,", 2, &counted);
		expect_alone(&j, starts[by_input], 1, &counted);
		expect_alone(&j, "{\"type\":\"few\",\"n\":2,", 1, &counted);
		expect_alone(&j, starts[by_input], 1, &counted);
		expect_none(&j);
		assert_int_equal(counter_read(&j.rig->counters->numbered), counted);
		judged_free(&j);
	}
}

/* More than a batch holds: only the last record of each has fewer events. */
static void packed_batches_fill_up(void **state)
{
	struct judged j = judged_new(types, "", 0);
	unsigned n = 0, events = 0, batches = 0;
	char *text;

	(void)state;
	put_numbered(&j, "many", 600, &n, "");
	while ((text = rig_take(j.rig, NULL, NULL)) != NULL) {
		const struct batch *batch = j.rig->batch;
		unsigned lines = 1;

		for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
			lines++;
		events += lines;
		batches += j.rig->offset == batch->bytes;
		assert_true(lines == 200 || j.rig->offset == batch->bytes);
		free(text);
	}
	assert_int_equal(events, 600);
	assert_true(batches > 3);
	judged_free(&j);
}

/* Two hours go by before the batch does. */
static void a_packed_event_of_an_hour_before_keeps_that_hour_back(void **state)
{
	struct judged j = judged_new(types, "", 0);
	int64_t hour = atomic_load(&j.rig->hours.current);
	char text[128];

	(void)state;
	atomic_store(&j.rig->hours.oldest, hour - 1);
	(void)snprintf(text, sizeof(text), "{\"type\":\"few\",\"ts\":%lld}", (long long)((hour - 1) * HOUR_US / 1000 + 5));
	rig_put_json(j.rig, text);
	hours_move(&j.rig->hours, hour + 1, hour + 1);
	hours_hear(j.rig->worker);
	assert_int_equal(worker_hours_settled(j.rig->worker, hour - 1, hour + 1), hour - 1);
	free(rig_take(j.rig, NULL, NULL));
	judged_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_events_are_lines_of_one_record),
		cmocka_unit_test(raw_events_end_a_packed_batch),
		cmocka_unit_test(packed_batches_fill_up),
		cmocka_unit_test(a_packed_event_of_an_hour_before_keeps_that_hour_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
