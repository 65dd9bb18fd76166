/* SPDX-License-Identifier: Apache-2.0 */
/* What rules, requirements and tables make of events, from the configuration's text to the record. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/murmur2.h"
#include "judge_rig.h"

static const char types[] =
	"types:\n"
	"  click:\n"
	"    id: 1\n"
	"    rules:\n"
	"      - {name: bots, if: 'agent contains \"bot\" or @client in 10.0.0.0/8', then: drop}\n"
	"      - {name: cheap, if: 'price < 10', then: sample, share: 30%, by: user.id}\n"
	"      - {name: odd, if: 'price == 77', then: quarantine}\n"
	"      - {name: vip, if: 'user.tier == \"gold\"', then: keep, topic: vip, copy: everything}\n"
	"  view: {id: 2, geo: false, key: user.id, require: {user.id: string, n: number|null}}\n"
	"  line: {id: 3, record: raw}\n"
	"  plain: {id: 4, copy: everything}\n"
	"  from: {id: 5, key: \"@source\"}\n"
	"  free: {id: 6, key: \"@none\"}\n"
	"  few: {id: 7, topic: packs, pack: 3}\n"
	"  bare: {id: 8, topic: packs, record: raw}\n";

static const char *topic_of(const struct judged *j)
{
	return j->rig->topics.topics[j->rig->batch->topic].name;
}

/* The next record (of the topics of a burst the last comes first) is in this topic and begins so, up to its ingest member. */
static void expect(struct judged *j, const char *topic, const char *start)
{
	char *text = rig_take(j->rig, NULL, NULL), *end;

	if (text == NULL)
		fail_msg("no record, expected %s: %s", topic, start);
	assert_string_equal(topic_of(j), topic);
	end = strstr(text, "\"ingest\":[\"");
	assert_non_null(end);
	*end = '\0';
	assert_string_equal(text, start);
	free(text);
}

static uint64_t type_count(const struct judged *j, unsigned slot, size_t field)
{
	const char *base = (const char *)&j->rig->counters->types[slot];

	return counter_read((const counter *)(const void *)(base + field));
}

#define TYPE_COUNT(j, slot, field) type_count(j, slot, offsetof(struct worker_type_counters, field))

static void the_first_rule_that_holds_decides(void **state)
{
	struct judged j = judged_new(types, "topics: {quarantine: \"aside.{type}\"}\n", 0);

	(void)state;
	rig_put_json(j.rig, "{\"type\":\"click\",\"agent\":\"a robot\",\"price\":77}");
	rig_put_json(j.rig, "{\"type\":\"click\",\"ip\":\"10.1.2.3\"}");
	rig_put_json(j.rig, "{\"type\":\"click\",\"ip\":\"\\u00310.1\\u002e2.3\"}");
	expect_none(&j);
	assert_int_equal(counter_read(&j.rig->counters->filtered), 3);
	assert_int_equal(TYPE_COUNT(&j, 0, filtered), 3);
	rig_put_json(j.rig, "{\"type\":\"click\",\"price\":77}");
	expect(&j, "aside.click", "{\"type\":\"click\",\"price\":77,\"quarantine\":{\"type\":\"click\",\"why\":\"rule odd\"},");
	rig_put_json(j.rig, "{\"type\":\"click\",\"price\":77.0,\"quarantine\":{\"x\":1}}");
	expect(&j, "aside.click", "{\"type\":\"click\",\"price\":77.0,\"quarantine\":{\"type\":\"click\",\"why\":\"rule odd\"},");
	rig_put_json(j.rig, "{\"type\":\"click\",\"tier\":\"gold\",\"user\":{\"tier\":\"lead\"}}");
	expect(&j, "ev.click", "{\"type\":\"click\",\"tier\":\"gold\",\"user\":{\"tier\":\"lead\"},");
	rig_put_json(j.rig, "{\"type\":\"click\",\"user\":{\"tier\":\"g\\u006fld\"}}");
	expect(&j, "everything", "{\"type\":\"click\",\"user\":{\"tier\":\"g\\u006fld\"},");
	expect(&j, "vip", "{\"type\":\"click\",\"user\":{\"tier\":\"g\\u006fld\"},");
	expect_none(&j);
	assert_int_equal(counter_read(&j.rig->counters->copies), 1);
	assert_int_equal(TYPE_COUNT(&j, 0, quarantined), 2);
	assert_int_equal(TYPE_COUNT(&j, 0, events), 4);
	judged_free(&j);
}

/* murmur2 of the text modulo a million below 300,000: worked out by Kafka's own Utils.murmur2. */
static void a_sample_keeps_the_same_values_everywhere(void **state)
{
	struct judged j = judged_new(types, "", 0);
	unsigned kept = 0;
	char text[128], *record;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned twice = 0; twice < 2; twice++) {
			(void)snprintf(text, sizeof(text), "{\"type\":\"click\",\"price\":%u,\"user\":{\"id\":\"u%u\"}}", twice, i);
			rig_put_json(j.rig, text);
		}
		record = rig_take(j.rig, NULL, NULL);
		if (record == NULL)
			continue;
		free(record);
		record = rig_take(j.rig, NULL, NULL); /* both or neither */
		assert_non_null(record);
		free(record);
		kept++;
	}
	assert_in_range(kept, 250, 350);
	assert_int_equal(counter_read(&j.rig->counters->sampled_out), 2 * (1000 - kept));
	judged_free(&j);
}

/* Of what an event holds nothing is too many to be looked into. */
static void members_among_hundreds_are_seen(void **state)
{
	struct judged j = judged_new(types, "topics: {quarantine: aside}\n", 0);
	char text[8192], *at;

	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		at = text + sprintf(text, "{\"type\":\"click\",\"user\":{%s\"m\":0", first ? "\"tier\":\"gold\"," : "");
		for (unsigned i = 0; i < 600; i++)
			at += sprintf(at, ",\"m%u\":%u", i, i);
		(void)sprintf(at, "%s}}", first ? "" : ",\"tier\":\"gold\"");
		rig_put_json(j.rig, text);
		free(rig_take(j.rig, NULL, NULL));
		assert_string_equal(topic_of(&j), "everything");
		free(rig_take(j.rig, NULL, NULL));
		assert_string_equal(topic_of(&j), "vip");
	}
	expect_none(&j);
	judged_free(&j);
}

static void what_lacks_a_required_member_goes_aside(void **state)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
		{"{\"type\":\"view\",\"n\":1}", "member user.id is missing, or not: string"},
		{"{\"type\":\"view\",\"user\":{\"id\":5},\"n\":1}", "member user.id is missing, or not: string"},
		{"{\"type\":\"view\",\"user.id\":\"x\",\"n\":1}", "member user.id is missing, or not: string"},
		{"{\"type\":\"view\",\"user\":{\"id\":\"x\"},\"n\":\"1\"}", "member n is missing, or not: number|null"},
	};
	struct judged with = judged_new(types, "topics: {quarantine: aside}\n", 0), without = judged_new(types, "", 0);
	struct record record;
	char text[256], *value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_put_json(with.rig, cases[i].body);
		(void)snprintf(text, sizeof(text), "%.*s,\"quarantine\":{\"type\":\"view\",\"why\":\"%s\"},",
			(int)strlen(cases[i].body) - 1, cases[i].body, cases[i].why);
		expect(&with, "aside", text);
		rig_put_json(without.rig, cases[i].body);
		expect_none(&without);
	}
	assert_int_equal(counter_read(&without.rig->counters->event_drops[EVENT_DROP_shape]), 4);
	assert_int_equal(TYPE_COUNT(&without, 1, dropped), 4);
	rig_put_json(with.rig, "{\"type\":\"view\",\"user\":{\"id\":\"k\\u0065y\"},\"n\":null}");
	value = rig_take(with.rig, &record, NULL);
	assert_non_null(value);
	assert_string_equal(topic_of(&with), "ev.view");
	assert_int_equal(record.key.len, 3); /* the type's key, without escapes */
	assert_memory_equal(record.key.data, "key", 3);
	free(value);
	judged_free(&with);
	judged_free(&without);
}

static void records_get_what_the_tables_know(void **state)
{
	static const struct {
		const char *body, *topic, *record;
	} cases[] = {
		{"{\"type\":\"click\",\"ip\":\"200.1.2.3\",\"item\":\"abc\"}", "ev.click",
			"{\"type\":\"click\",\"ip\":\"200.1.2.3\",\"item\":\"abc\",\"geo\":{\"country\":\"BR\"},\"category\":\"hats\","},
		{"{\"type\":\"click\",\"ip\":\"2001:db8::1\",\"item\":7}", "ev.click",
			"{\"type\":\"click\",\"ip\":\"2001:db8::1\",\"item\":7,\"geo\":{\"country\":\"DE\"},\"category\":\"shoes\","},
		{"{\"type\":\"click\",\"item\":\"7\",\"ip\":\"1.2.3.4\"}", "ev.click",
			"{\"type\":\"click\",\"item\":\"7\",\"ip\":\"1.2.3.4\",\"geo\":{\"country\":\"ZZ\"},\"category\":\"shoes\","},
		{"{\"type\":\"click\",\"item\":\"\\u0061bc\",\"ip\":7}", "ev.click",
			"{\"type\":\"click\",\"item\":\"\\u0061bc\",\"ip\":7,\"geo\":{\"country\":\"ZZ\"},\"category\":\"hats\","},
		{"{\"type\":\"click\",\"ip\":\"2001\\u003adb8\\u003A:1\"}", "ev.click",
			"{\"type\":\"click\",\"ip\":\"2001\\u003adb8\\u003A:1\",\"geo\":{\"country\":\"DE\"},\"category\":null,"},
		{"{\"type\":\"click\",\"ip\":\"2001:db8::1\\u0000\"}", "ev.click",
			"{\"type\":\"click\",\"ip\":\"2001:db8::1\\u0000\",\"geo\":{\"country\":\"ZZ\"},\"category\":null,"},
		{"{\"type\":\"click\"}", "ev.click", "{\"type\":\"click\",\"geo\":{\"country\":\"ZZ\"},\"category\":null,"},
		{"{\"geo\":1,\"type\":\"click\", \"category\" : [2] ,\"ingest\":3 }", "ev.click",
			"{\"type\":\"click\",\"geo\":{\"country\":\"ZZ\"},\"category\":null,"},
		{"{\"type\":\"click\",\"x\":{\"geo\":1},\"g\\u0065o\":{\"a\":[]},\"b\":2,\"category\":0}", "ev.click",
			"{\"type\":\"click\",\"x\":{\"geo\":1},\"b\":2,\"geo\":{\"country\":\"ZZ\"},\"category\":null,"},
		{"{\"type\":\"view\",\"geo\":1,\"user\":{\"id\":\"x\"},\"n\":1,\"item\":\"none\"}", "ev.view",
			"{\"type\":\"view\",\"geo\":1,\"user\":{\"id\":\"x\"},\"n\":1,\"item\":\"none\",\"category\":null,"},
	};
	struct judged j = judged_new(types, "", 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_put_json(j.rig, cases[i].body);
		expect(&j, cases[i].topic, cases[i].record);
	}
	rig_put_json(j.rig, "{\"type\":\"click\",\"geo\":1,\"geo\":2}");
	assert_int_equal(counter_read(&j.rig->counters->event_drops[EVENT_DROP_reserved_twice]), 1);
	judged_free(&j);
}

static void expect_key(struct judged *j, const char *body, const char *key)
{
	struct record record;
	int32_t partition;
	char *value;

	rig_put_json(j->rig, body);
	value = rig_take(j->rig, &record, &partition);
	assert_non_null(value);
	if (key == NULL) {
		assert_null(record.key.data);
	} else {
		assert_int_equal(record.key.len, strlen(key));
		assert_memory_equal(record.key.data, key, strlen(key));
		assert_int_equal(partition, murmur2_partition((const uint8_t *)key, (uint32_t)strlen(key), 7));
	}
	free(value);
}

static void keys_come_from_the_type_the_sender_or_the_input(void **state)
{
	struct judged j = judged_new(types, "inputs: [{port: 9000, format: json, key: k}]\ntopics: {quarantine: aside}\n", 0);

	(void)state;
	for (unsigned i = 0; i < j.rig->topics.count; i++)
		atomic_store(&j.rig->topics.topics[i].partitions, 7);
	expect_key(&j, "{\"type\":\"from\",\"k\":\"a\"}", "0.0.0.0"); /* the rig's sender */
	expect_key(&j, "{\"type\":\"free\",\"k\":\"a\"}", NULL);
	expect_key(&j, "{\"type\":\"click\",\"k\":\"a\"}", "a");
	expect_key(&j, "{\"type\":\"view\",\"k\":\"a\",\"user\":{\"id\":\"own\"},\"n\":1}", "own");
	expect_key(&j, "{\"type\":\"view\",\"k\":\"a\",\"user\":{\"id\":\"own\"},\"n\":\"1\"}", "own"); /* goes aside */
	judged_free(&j);
}

/* A key of so many bytes between these texts, each byte as an escape or as it is. */
static const char *with_key(const char *before, unsigned len, int escaped, const char *after)
{
	static char body[RIG_BATCH];
	char *at = body + sprintf(body, "%s", before);

	for (unsigned i = 0; i < len; i++)
		at += sprintf(at, escaped ? "\\u%04x" : "%c", 'a' + i % 26);
	(void)sprintf(at, "%s", after);
	return body;
}

/* By the type's member or the input's, with a copy, and of a raw record. */
static void a_key_counts_by_its_text_and_one_beyond_the_limit_is_none(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned slot, copies;
	} cases[] = {
		{"{\"type\":\"view\",\"n\":1,\"user\":{\"id\":\"", "\"}}", 1, 0},
		{"{\"type\":\"plain\",\"k\":\"", "\"}", 3, 1},
		{"{\"type\":\"bare\",\"k\":\"", "\"}", 7, 0},
	};
	struct judged j = judged_new(types, "inputs: [{port: 9000, format: json, key: k}]\n", 0);
	char key[WORKER_KEY_MAX + 1] = "";

	(void)state;
	for (unsigned i = 0; i < j.rig->topics.count; i++)
		atomic_store(&j.rig->topics.topics[i].partitions, 7);
	for (unsigned i = 0; i < WORKER_KEY_MAX; i++)
		key[i] = (char)('a' + i % 26);
	for (unsigned i = 0; i < 12; i++) {
		unsigned beyond = i / 2 % 2, slot = cases[i / 4].slot;
		const char *body = with_key(cases[i / 4].before, WORKER_KEY_MAX + beyond, i % 2, cases[i / 4].after);

		expect_key(&j, body, beyond ? NULL : key);
		if (cases[i / 4].copies > 0)
			free(rig_take(j.rig, NULL, NULL));
		assert_int_equal(TYPE_COUNT(&j, slot, key_too_long), beyond ? i % 2 + 1 : 0);
	}
	expect_key(&j, with_key("{\"type\":\"free\",\"k\":\"", WORKER_KEY_MAX + 1, 0, "\"}"), NULL); /* no key is asked for */
	assert_int_equal(TYPE_COUNT(&j, 5, key_too_long), 0);
	judged_free(&j);
}

/* More events in a datagram than wait for each other, each with an answer of its own. */
static void answers_go_to_their_own_events(void **state)
{
	struct judged j = judged_new(types, "", 1);
	char text[16384] = "", start[256];

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		(void)sprintf(text + strlen(text), "{\"type\":\"plain\",\"n\":%u,\"ip\":\"%u.0.0.1\",\"item\":\"%s\"}\n", i,
			i % 3 == 0 ? 200 : 201, i % 5 == 0 ? "\\u0061bc" : i % 2 == 0 ? "abc" : "7");
	rig_put_json(j.rig, text);
	for (unsigned i = 0; i < 80; i++) {
		unsigned n = i % 40;

		(void)snprintf(start, sizeof(start),
			"{\"type\":\"plain\",\"n\":%u,\"ip\":\"%u.0.0.1\",\"item\":\"%s\",\"geo\":{\"country\":\"%s\"},\"category\":\"%s\",", n,
			n % 3 == 0 ? 200 : 201, n % 5 == 0 ? "\\u0061bc" : n % 2 == 0 ? "abc" : "7", n % 3 == 0 ? "BR" : "ZZ",
			n % 5 == 0 || n % 2 == 0 ? "hats" : "shoes");
		expect(&j, i < 40 ? "everything" : "ev.plain", start);
	}
	judged_free(&j);
}

static void frames_say_client_and_item_themselves(void **state)
{
	static const char body[] = "{\"n\":1,\"price\":20}";
	struct frame_event event = {.type_id = 1, .body = {(const uint8_t *)body, sizeof(body) - 1}, .has_item = 1, .item = 7,
		.has_address = 1, .client = {{200, 1, 2, 3}, ADDRESS_IPV4}};

	(void)state;
	for (int trusted = 0; trusted < 2; trusted++) {
		struct judged j = judged_new(types, "", 1);

		j.rig->inputs[1].trusted = (uint8_t)trusted;
		event.type_id = 1;
		event.client.bytes[0] = 200;
		judged_put_frame(&j, &event);
		expect(&j, "ev.click", "{\"n\":1,\"price\":20,\"geo\":{\"country\":\"BR\"},\"category\":\"shoes\",");
		event.client.bytes[0] = 10;
		judged_put_frame(&j, &event);
		expect_none(&j);
		assert_int_equal(counter_read(&j.rig->counters->filtered), 1);
		event.type_id = 4; /* asks nothing: a trusted body is not looked into */
		judged_put_frame(&j, &event);
		expect(&j, "everything", "{\"n\":1,\"price\":20,\"geo\":{\"country\":\"ZZ\"},\"category\":\"shoes\",");
		expect(&j, "ev.plain", "{\"n\":1,\"price\":20,\"geo\":{\"country\":\"ZZ\"},\"category\":\"shoes\",");
		judged_free(&j);
	}
}

/* Credit is that of a topic: here two of 32 batches. */
static void a_copy_without_room_takes_nothing_from_the_event(void **state)
{
	struct judged j = judged_new(types, "memory: {credit: 5%}\n", 0);
	uint64_t copies, dropped;

	(void)state;
	for (unsigned i = 0; i < 160; i++)
		rig_put_json(j.rig, i % 2 == 0 ? "{\"type\":\"plain\",\"text\":\"0123456789012345678901234567890123456789\"}"
					       : "{\"type\":\"click\",\"user\":{\"tier\":\"gold\"}}");
	copies = counter_read(&j.rig->counters->copies);
	dropped = counter_read(&j.rig->counters->copy_drops[EVENT_DROP_topic_credit]);
	assert_int_equal(counter_read(&j.rig->counters->copies_asked), 160);
	assert_int_equal(counter_read(&j.rig->counters->numbered), 160);
	assert_true(dropped > 0);
	assert_int_equal(copies + dropped, 160);
	judged_free(&j);
}

static void expect_odd(const struct judged *j, unsigned slot, uint64_t time_missing, uint64_t late, uint64_t reserved)
{
	assert_int_equal(TYPE_COUNT(j, slot, time_missing), time_missing);
	assert_int_equal(TYPE_COUNT(j, slot, late), late);
	assert_int_equal(TYPE_COUNT(j, slot, reserved), reserved);
}

/* Once for an event that is numbered, whatever copies it has, packed or by itself; not for its copy alone, nor for what is raw. */
static void odd_events_are_counted_once_each(void **state)
{
	static const char none[] = "{\"type\":\"plain\",\"ingest\":1}", late[] = "{\"type\":\"plain\",\"ts\":1000000000}",
			  packed[] = "{\"type\":\"few\",\"ts\":1000000000,\"ingest\":1}";
	struct judged j = judged_new(types, "", 0);
	int topic = -1;

	(void)state;
	rig_put_json(j.rig, none);
	expect_odd(&j, 3, 1, 0, 1);
	rig_put_json(j.rig, late);
	expect_odd(&j, 3, 1, 1, 1);
	rig_put_json(j.rig, packed);
	rig_put_json(j.rig, packed);
	expect_odd(&j, 6, 0, 2, 2);
	rig_put_json(j.rig, "{\"type\":\"bare\"}");
	expect_odd(&j, 7, 0, 0, 0);
	worker_flush(j.rig->worker);
	while (strcmp(j.rig->topics.topics[++topic].name, "ev.plain") != 0)
		continue;
	atomic_store(&j.rig->topics.topics[topic].class, 1);
	atomic_store(&j.rig->lane.closed, 2); /* the copy's topic is not */
	rig_put_json(j.rig, none);
	rig_put_json(j.rig, late);
	assert_int_equal(counter_read(&j.rig->counters->copies), 4);
	assert_int_equal(TYPE_COUNT(&j, 3, events), 2);
	expect_odd(&j, 3, 1, 1, 1);
	judged_free(&j);
}

/* What a sender's library writes with escapes says the same as what another writes plainly. */
static void a_time_with_escapes_is_read(void **state)
{
	static const char *const spellings[] = {"2020-01-01T00:00:00+00:00", "2020-01-01T00:00:00\\u002B00:00",
		"2020\\u002D01-01T00:00:00\\u005a", "\\u0031577836800.000"};
	struct judged j = judged_new(types, "", 0);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		char text[128], *record;

		(void)snprintf(text, sizeof(text), "{\"type\":\"free\",\"ts\":\"%s\"}", spellings[i]);
		rig_put_json(j.rig, text);
		record = rig_take(j.rig, NULL, NULL);
		assert_non_null(record);
		assert_non_null(strstr(record, ",1577836800000000,\"late\"]}"));
		free(record);
		expect_odd(&j, 5, 0, i + 1, 0);
	}
	rig_put_json(j.rig, "{\"type\":\"free\",\"ts\":\"2020-01-01T00:00:00\\u002C00:00\"}");
	rig_put_json(j.rig, "{\"type\":\"free\",\"ts\":\"1577836800.\\u0030000000000000000000000000000000000000000000000000000000000\"}");
	expect_odd(&j, 5, 2, 4, 0);
	judged_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_holds_decides),
		cmocka_unit_test(a_sample_keeps_the_same_values_everywhere),
		cmocka_unit_test(members_among_hundreds_are_seen),
		cmocka_unit_test(what_lacks_a_required_member_goes_aside),
		cmocka_unit_test(records_get_what_the_tables_know),
		cmocka_unit_test(keys_come_from_the_type_the_sender_or_the_input),
		cmocka_unit_test(a_key_counts_by_its_text_and_one_beyond_the_limit_is_none),
		cmocka_unit_test(answers_go_to_their_own_events),
		cmocka_unit_test(frames_say_client_and_item_themselves),
		cmocka_unit_test(a_copy_without_room_takes_nothing_from_the_event),
		cmocka_unit_test(odd_events_are_counted_once_each),
		cmocka_unit_test(a_time_with_escapes_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
