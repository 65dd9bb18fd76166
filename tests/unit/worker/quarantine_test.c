/* SPDX-License-Identifier: Apache-2.0 */
/* What is put aside is the sender's event, with the reason. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "judge_rig.h"

static const char types[] = "types: {click: {id: 1, require: {user: string}, rules: [{name: odd, if: 'n == 7', then: quarantine}]}}\n";
static const char aside[] = "topics: {quarantine: aside}\n";

enum { AS_JSON, AS_FRAME, AS_TRUSTED_FRAME, WAYS };

/* A worker with both tables, and the event's members behind its type, as it comes by this way. */
static struct judged judged_by(int way)
{
	struct judged j = judged_new(types, aside, 1);

	j.rig->inputs[1].trusted = way == AS_TRUSTED_FRAME;
	return j;
}

static void put(struct judged *j, int way, const char *members)
{
	struct frame_event event = {.type_id = 1};
	char text[256];

	(void)snprintf(text, sizeof(text), "{%s%s}", way == AS_JSON ? "\"type\":\"click\"," : "", members);
	event.body = (struct slice){(const uint8_t *)text, (uint32_t)strlen(text)};
	if (way == AS_JSON)
		rig_put_json(j->rig, text);
	else
		judged_put_frame(j, &event);
}

/* The record that is there, without its type; no name stands in it twice. */
static json_t *take(struct judged *j)
{
	char *text = rig_take(j->rig, NULL, NULL);
	json_error_t error;
	json_t *root;

	assert_non_null(text);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		fail_msg("%s in %s", error.text, text);
	free(text);
	(void)json_object_del(root, "type");
	return root;
}

static void expect_members(json_t *root, const char *sent, const char *why)
{
	json_t *wanted = json_loads(sent, 0, NULL), *reason = json_pack("{s:s, s:s}", "type", "click", "why", why);

	assert_non_null(wanted);
	assert_true(json_is_array(json_object_get(root, "ingest")));
	assert_true(json_equal(json_object_get(root, "quarantine"), reason));
	(void)json_object_del(root, "ingest");
	(void)json_object_del(root, "quarantine");
	assert_true(json_equal(root, wanted));
	json_decref(wanted);
	json_decref(reason);
	json_decref(root);
}

/* Nothing is looked up for such an event, so what it says of geo and category itself stays. */
static void only_what_the_record_gets_gives_way(void **state)
{
	static const struct {
		const char *members, *stay, *why;
	} cases[] = {
		{"\"geo\":{\"mine\":1},\"category\":\"mine\",\"a\":1", "{\"geo\":{\"mine\":1},\"category\":\"mine\",\"a\":1}",
			"member user is missing, or not: string"},
		{"\"ingest\":1,\"geo\":2,\"quarantine\":{\"x\":3},\"category\":4,\"a\":5", "{\"geo\":2,\"category\":4,\"a\":5}",
			"member user is missing, or not: string"},
		{"\"geo\":1", "{\"geo\":1}", "member user is missing, or not: string"},
		{"\"quarantine\":1,\"ingest\":2", "{}", "member user is missing, or not: string"},
		{"\"category\":null,\"user\":\"u\",\"quarantine\":1,\"n\":7", "{\"category\":null,\"user\":\"u\",\"n\":7}", "rule odd"},
	};

	(void)state;
	for (int way = 0; way < WAYS; way++) {
		struct judged j = judged_by(way);

		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			put(&j, way, cases[i].members);
			expect_members(take(&j), cases[i].stay, cases[i].why);
		}
		judged_free(&j);
	}
}

static void a_name_that_the_record_gets_stands_in_no_event_twice(void **state)
{
	(void)state;
	for (int way = 0; way < WAYS; way++) {
		struct judged j = judged_by(way);

		put(&j, way, "\"quarantine\":1,\"quarantine\":2,\"a\":1");
		put(&j, way, "\"ingest\":1,\"ingest\":2,\"a\":1");
		assert_null(rig_take(j.rig, NULL, NULL));
		assert_int_equal(counter_read(&j.rig->counters->event_drops[EVENT_DROP_reserved_twice]), 2);
		assert_int_equal(counter_read(&j.rig->counters->types[0].dropped), 2);
		judged_free(&j);
	}
}

/* A path of four parts, each of `plain` letters, and then so many times `more`, which `written` makes in YAML. */
static void expect_reason(unsigned plain, unsigned times, const char *written, const char *more, int whole)
{
	char text[2048], path[1024] = "", yaml[2048] = "", why[2048];
	struct judged j;
	json_t *root;

	for (unsigned part = 0; part < 4; part++) {
		(void)sprintf(path + strlen(path), "%s%.*s", part > 0 ? "." : "", (int)plain, "abcdefgh");
		(void)sprintf(yaml + strlen(yaml), "%s%.*s", part > 0 ? "." : "", (int)plain, "abcdefgh");
		for (unsigned i = 0; i < times; i++) {
			(void)strcat(path, more);
			(void)strcat(yaml, written);
		}
	}
	(void)snprintf(text, sizeof(text), "types: {click: {id: 1, require: {\"%s\": string}}}\n", yaml);
	(void)snprintf(why, sizeof(why), "member %s is missing, or not: string", path);
	j = judged_new(text, aside, 0);
	put(&j, AS_JSON, "\"a\":1");
	root = take(&j);
	if (whole)
		assert_string_equal(json_string_value(json_object_get(json_object_get(root, "quarantine"), "why")), why);
	json_decref(root);
	judged_free(&j);
}

/* Whatever path a type asks for: where its escapes leave too little room, it is cut between two characters. */
static void a_reason_names_a_path_of_any_length(void **state)
{
	(void)state;
	expect_reason(0, 31, "\xc3\xa9", "\xc3\xa9", 1);
	expect_reason(7, 14, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 1);
	for (unsigned plain = 0; plain < 8; plain++) {
		expect_reason(plain, 18, "\\\"\xc3\xa9", "\"\xc3\xa9", 1);
		expect_reason(plain, 11, "\xc3\xa9\\x01\\x01\\x01", "\xc3\xa9\x01\x01\x01", 0);
	}
}

/* As all that is numbered: an event for which there is no room is dropped, and that alone. */
static void what_has_no_room_is_not_counted_as_put_aside(void **state)
{
	(void)state;
	for (int way = 0; way < WAYS; way++) {
		struct judged j = judged_by(way);
		const struct worker_type_counters *type = &j.rig->counters->types[0];

		atomic_store(&j.rig->lane.closed, 1);
		put(&j, way, "\"a\":1");
		assert_int_equal(counter_read(&type->quarantined), 0);
		assert_int_equal(counter_read(&type->dropped), 1);
		atomic_store(&j.rig->lane.closed, 0);
		put(&j, way, "\"a\":1");
		put(&j, way, "\"a\":1,\"user\":\"u\"");
		assert_int_equal(counter_read(&type->quarantined), 1);
		assert_int_equal(counter_read(&type->events), 2);
		judged_free(&j);
	}
}

/* Whatever its type packs: each is a record by itself. */
static void what_is_put_aside_is_not_packed(void **state)
{
	struct judged j = judged_new("types: {click: {id: 1, pack: 4, require: {user: string}}}\n", aside, 0);

	(void)state;
	put(&j, AS_JSON, "\"a\":1");
	put(&j, AS_JSON, "\"a\":2");
	expect_members(take(&j), "{\"a\":1}", "member user is missing, or not: string");
	expect_members(take(&j), "{\"a\":2}", "member user is missing, or not: string");
	judged_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_the_record_gets_gives_way),
		cmocka_unit_test(a_name_that_the_record_gets_stands_in_no_event_twice),
		cmocka_unit_test(a_reason_names_a_path_of_any_length),
		cmocka_unit_test(what_has_no_room_is_not_counted_as_put_aside),
		cmocka_unit_test(what_is_put_aside_is_not_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
