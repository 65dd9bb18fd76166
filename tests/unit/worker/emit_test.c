/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/murmur2.h"
#include "rig.h"

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		fail_msg("%s in %s", error.text, text);
	return root;
}

static const char *ingest_id(const json_t *root)
{
	return json_string_value(json_array_get(json_object_get(root, "ingest"), 0));
}

static void record_is_the_event_with_its_ingest_member_appended(void **state)
{
	struct rig *rig = rig_new(4);
	const char event[] = "{\"type\":\"click\",\"n\":1}";
	char *text;
	json_t *root, *ingest;

	(void)state;
	rig_start(rig);
	rig_put_json(rig, event);
	text = rig_take(rig, NULL, NULL);
	assert_non_null(text);
	assert_memory_equal(text, event, sizeof(event) - 2);
	root = parse(text);
	ingest = json_object_get(root, "ingest");
	assert_int_equal(json_array_size(ingest), 4);
	assert_string_equal(ingest_id(root), "dc1-6921b0c2-0-0-1");
	assert_true(llabs(json_integer_value(json_array_get(ingest, 1)) - clock_utc_us(clock_tsc())) < 60 * 1000000);
	assert_int_equal(json_integer_value(json_array_get(ingest, 2)),
		json_integer_value(json_array_get(ingest, 1)) / HOUR_US);
	assert_int_equal(json_integer_value(json_array_get(ingest, 3)), 1);
	assert_true(strlen(text) - (sizeof(event) - 1) <= 64 + 1); /* the member, and its comma */
	json_decref(root);
	free(text);
	rig_free(rig);
}

static void a_member_of_our_name_is_replaced_wherever_it_stands(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"{\"ingest\":1,\"type\":\"click\",\"b\":2}", "{\"type\":\"click\",\"b\":2,\"ingest\":["},
		{"{\"type\":\"click\",\"ingest\":{\"x\":[1]},\"b\":2}", "{\"type\":\"click\",\"b\":2,\"ingest\":["},
		{"{\"type\":\"click\",\"b\":2 , \"ingest\" : null }", "{\"type\":\"click\",\"b\":2 ,\"ingest\":["},
		{"{\"type\":\"click\",\"in\\u0067est\":1}", "{\"type\":\"click\",\"ingest\":["},
	};
	struct rig *rig = rig_new(4);

	(void)state;
	rig_start(rig);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text, *squeezed;
		json_t *root;

		rig_put_json(rig, cases[i].in);
		text = rig_take(rig, NULL, NULL);
		assert_non_null(text);
		root = parse(text);
		assert_true(json_is_array(json_object_get(root, "ingest")));
		squeezed = strstr(text, "\"ingest\":[");
		assert_non_null(squeezed);
		assert_null(strstr(squeezed + 9, "ingest"));
		if (i < 2)
			assert_memory_equal(text, cases[i].out, strlen(cases[i].out));
		json_decref(root);
		free(text);
	}
	assert_int_equal(counter_read(&rig->counters->types[0].reserved), 4);
	rig_put_json(rig, "{\"type\":\"click\",\"ingest\":1,\"ingest\":2}");
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_reserved_twice]), 1);
	rig_free(rig);
}

static void line_breaks_between_tokens_become_blanks(void **state)
{
	struct rig *rig = rig_new(4);
	char *text;

	(void)state;
	rig_start(rig);
	rig_put_json(rig, "{\n\t\"type\": \"click\",\r\n\t\"s\": \"a\\nb\"\n}\n");
	text = rig_take(rig, NULL, NULL);
	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	assert_null(strchr(text, '\r'));
	assert_non_null(strstr(text, "\"s\": \"a\\nb\""));
	json_decref(parse(text));
	free(text);
	rig_free(rig);
}

/* Bodies are copied in steps of several sizes: each length, with a break in each place, comes out as it is but for
 * that. */
static void bodies_of_every_length_are_copied_whole(void **state)
{
	struct rig *rig = rig_new(4);
	char sent[700], wanted[700];

	(void)state;
	rig_start(rig);
	for (int len = 20; len < 600; len++) {
		int at = snprintf(sent, sizeof(sent), "{\"type\":\"click\"");
		char *text;

		for (; at < len; at++)
			sent[at] = at % 64 == len % 64 ? '\n' : at % 7 == 0 ? '\r' : '\t';
		memcpy(wanted, sent, (size_t)at);
		for (int i = 0; i < at; i++)
			if (wanted[i] == '\n' || wanted[i] == '\r')
				wanted[i] = ' ';
		sent[at++] = '}';
		rig_put(rig, RIG_PORT_JSON, sent, (size_t)at);
		text = rig_take(rig, NULL, NULL);
		assert_non_null(text);
		assert_memory_equal(text, wanted, (size_t)at - 1);
		assert_memory_equal(text + at - 1, ",\"ingest\":[", 11);
		free(text);
	}
	rig_free(rig);
}

static void one_bad_event_among_good_ones_is_dropped_alone(void **state)
{
	struct rig *rig = rig_new(4);
	unsigned records = 0;
	char *text;

	(void)state;
	rig_start(rig);
	rig_put_json(rig, "{\"type\":\"click\",\"n\":1}\n{\"type\":\"click\",\"n\":}\n{\"type\":\"view\",\"n\":3}\n");
	rig_put_json(rig, "{\"type\":\"nobody\"}{\"no\":1}{\"type\":7}");
	rig_put_json(rig, "  \n ");
	rig_put_json(rig, "");
	while ((text = rig_take(rig, NULL, NULL)) != NULL) {
		records++;
		free(text);
	}
	assert_int_equal(records, 2);
	assert_int_equal(counter_read(&rig->counters->decoded), 2);
	assert_int_equal(counter_read(&rig->counters->found), 6);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_json_syntax]), 1);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_type_unknown]), 1);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_type_missing]), 2);
	assert_int_equal(counter_read(&rig->counters->datagram_drops[DATAGRAM_DROP_no_event]), 1);
	assert_int_equal(counter_read(&rig->counters->datagram_drops[DATAGRAM_DROP_empty]), 1);
	rig_free(rig);
}

static void unknown_types_go_where_the_configuration_says(void **state)
{
	struct rig *rig = rig_new(4);
	char *text;

	(void)state;
	rig->generation->types->unknown = 1;
	rig_start(rig);
	rig_put_json(rig, "{\"type\":\"nobody\"}");
	text = rig_take(rig, NULL, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "dc1-6921b0c2-0-1-1"));
	free(text);
	rig_free(rig);
}

static void raw_events_pass_untouched(void **state)
{
	static const uint8_t line[] = {'a', 0, 0xff, '\n', '}'};
	struct rig *rig = rig_new(4);
	struct record record;
	char *text;

	(void)state;
	rig_start(rig);
	rig_put(rig, RIG_PORT_RAW, line, sizeof(line));
	text = rig_take(rig, &record, NULL);
	assert_non_null(text);
	assert_int_equal(record.value.len, sizeof(line));
	assert_memory_equal(record.value.data, line, sizeof(line));
	free(text);
	rig_free(rig);
}

/* Nothing is appended to it, so no name of ours can stand in it twice, nor give way. */
static void a_raw_type_has_its_body_whatever_is_in_it(void **state)
{
	static const char event[] = "{\"type\":\"line\",\"ingest\":1,\"ingest\":2,\"geo\":3}";
	struct rig *rig = rig_new(4);
	char *text;

	(void)state;
	rig_start(rig);
	rig_put_json(rig, event);
	assert_int_equal(counter_read(&rig->counters->numbered), 1);
	text = rig_take(rig, NULL, NULL);
	assert_non_null(text);
	assert_string_equal(text, event);
	free(text);
	rig_free(rig);
}

/* What is put in is either sealed, open or dropped by the right name, and all memory is home afterwards. */
static void an_exhausted_pool_is_a_named_drop_before_numbering(void **state)
{
	struct rig *rig = rig_new(2);
	char big[3000];
	unsigned records = 0;
	char *text, last[64] = "";

	(void)state;
	rig_start(rig);
	memset(big, 'x', sizeof(big));
	memcpy(big, "{\"type\":\"click\",\"p\":\"", 21);
	memcpy(big + sizeof(big) - 3, "\"}", 3);
	for (int i = 0; i < 20; i++)
		rig_put_json(rig, big);
	assert_int_equal(counter_read(&rig->counters->numbered), 4);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_topic_credit]), 16);
	rig_put_json(rig, "{\"type\":\"view\"}");
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_pool_empty]), 1);
	while ((text = rig_take(rig, NULL, NULL)) != NULL) {
		json_t *root = parse(text);

		(void)snprintf(last, sizeof(last), "%s", ingest_id(root));
		json_decref(root);
		free(text);
		records++;
	}
	assert_int_equal(records, 4);
	rig_put_json(rig, "{\"type\":\"click\"}");
	text = rig_take(rig, NULL, NULL);
	assert_non_null(strstr(text, "dc1-6921b0c2-0-0-5")); /* drops leave no gap */
	free(text);
	rig_free(rig);
}

static void one_topic_cannot_take_more_than_its_credit(void **state)
{
	struct rig *rig = rig_new(8);
	char big[3000];

	(void)state;
	rig->config.credit_percent = 25;
	rig_start(rig);
	memset(big, 'x', sizeof(big));
	memcpy(big, "{\"type\":\"click\",\"p\":\"", 21);
	memcpy(big + sizeof(big) - 3, "\"}", 3);
	for (int i = 0; i < 30; i++)
		rig_put_json(rig, big);
	assert_int_equal(counter_read(&rig->counters->numbered), 4);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_topic_credit]), 26);
	rig_put_json(rig, "{\"type\":\"view\"}");
	assert_int_equal(counter_read(&rig->counters->numbered), 5);
	rig_free(rig);
}

/* Alone in its batch or one of many, it takes no batch, and seals none. */
static void a_record_larger_than_a_batch_is_a_named_drop(void **state)
{
	static char big[RIG_BATCH];

	(void)state;
	memset(big, 'x', sizeof(big));
	memcpy(big, "{\"type\":\"click\",\"p\":\"", 21);
	memcpy(big + sizeof(big) - 2, "\"}", 2);
	for (uint8_t pack = 0; pack <= 4; pack += 4) {
		struct rig *rig = rig_new(4);

		rig->generation->types->types[0].way.pack = pack;
		rig_start(rig);
		rig_put(rig, RIG_PORT_JSON, big, sizeof(big));
		assert_int_equal(worker_pool_available(rig->worker), 4);
		worker_flush(rig->worker);
		assert_int_equal(ring_count(rig->lane.out), 0);
		rig_put_json(rig, "{\"type\":\"click\"}");
		rig_put(rig, RIG_PORT_JSON, big, sizeof(big));
		assert_int_equal(ring_count(rig->lane.out), 0);
		assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_too_large]), 2);
		assert_int_equal(counter_read(&rig->counters->numbered), 1);
		rig_free(rig);
	}
}

static json_t *ingest_for(struct rig *rig, int64_t time_us)
{
	char event[100];
	json_t *root, *ingest;
	char *text;

	(void)snprintf(event, sizeof(event), "{\"type\":\"click\",\"ts\":%lld}", (long long)time_us);
	rig_put_json(rig, event);
	text = rig_take(rig, NULL, NULL);
	assert_non_null(text);
	root = parse(text);
	ingest = json_incref(json_object_get(root, "ingest"));
	json_decref(root);
	free(text);
	return ingest;
}

static void events_land_in_their_own_hour_while_it_is_open(void **state)
{
	struct rig *rig = rig_new(4);
	int64_t hour = clock_utc_us(clock_tsc()) / HOUR_US;
	json_t *ingest;

	(void)state;
	rig_start(rig);
	atomic_store(&rig->hours.current, hour);
	atomic_store(&rig->hours.oldest, hour - 1);
	ingest = ingest_for(rig, (hour - 1) * HOUR_US + 5);
	assert_int_equal(json_integer_value(json_array_get(ingest, 2)), hour - 1);
	assert_int_equal(json_array_size(ingest), 4);
	json_decref(ingest);
	ingest = ingest_for(rig, (hour - 2) * HOUR_US + 5);
	assert_int_equal(json_integer_value(json_array_get(ingest, 2)), hour);
	assert_int_equal(json_integer_value(json_array_get(ingest, 4)), (hour - 2) * HOUR_US + 5);
	assert_string_equal(json_string_value(json_array_get(ingest, 5)), "late");
	json_decref(ingest);
	ingest = ingest_for(rig, (hour + 3) * HOUR_US);
	assert_int_equal(json_integer_value(json_array_get(ingest, 2)), hour);
	assert_int_equal(json_array_size(ingest), 4); /* its sender's clock is ahead: no mark */
	json_decref(ingest);
	assert_int_equal(counter_read(&rig->counters->types[0].late), 1);
	rig_free(rig);
}

static void hours_at(struct hours *hours, int64_t utc_us)
{
	int64_t current, oldest;

	if (hours_due(hours, utc_us, 10 * MINUTE_US, &current, &oldest))
		hours_move(hours, current, oldest);
}

static void hours_never_go_back(void **state)
{
	struct hours hours = {0};

	(void)state;
	hours_at(&hours, 1000 * HOUR_US + 5 * MINUTE_US);
	assert_int_equal(atomic_load(&hours.current), 1000);
	assert_int_equal(atomic_load(&hours.oldest), 999);
	hours_at(&hours, 1000 * HOUR_US + 11 * MINUTE_US);
	assert_int_equal(atomic_load(&hours.oldest), 1000);
	hours_at(&hours, 976 * HOUR_US);
	assert_int_equal(atomic_load(&hours.current), 1000);
	assert_int_equal(atomic_load(&hours.oldest), 1000);
}

static void keyed_events_go_to_the_partition_of_their_key(void **state)
{
	struct rig *rig = rig_new(16);

	(void)state;
	(void)snprintf(rig->inputs[0].key_member, sizeof(rig->inputs[0].key_member), "user");
	atomic_store(&rig->topics.topics[0].partitions, 7);
	rig_start(rig);
	for (int i = 0; i < 50; i++) {
		char event[100], key[16];
		struct record record;
		int32_t partition;
		char *text;

		(void)snprintf(key, sizeof(key), "u%d", i);
		(void)snprintf(event, sizeof(event), "{\"type\":\"click\",\"user\":\"%s\"}", key);
		rig_put_json(rig, event);
		text = rig_take(rig, &record, &partition);
		assert_non_null(text);
		assert_int_equal(record.key.len, strlen(key));
		assert_memory_equal(record.key.data, key, strlen(key));
		assert_int_equal(partition, murmur2_partition((const uint8_t *)key, (uint32_t)strlen(key), 7));
		free(text);
	}
	rig_free(rig);
}

/* Vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2. */
static void murmur2_is_the_java_producers(void **state)
{
	static const struct {
		const char *key;
		int32_t hash;
	} vectors[] = {{"21", -973932308}, {"foobar", -790332482}, {"a-little-bit-long-string", -985981536},
		{"a-little-bit-longer-string", -1486304829},
		{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971}, {"abc", 479470107}};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal((int32_t)murmur2((const uint8_t *)vectors[i].key, (uint32_t)strlen(vectors[i].key)),
			vectors[i].hash);
}

static void sequences_pass_two_to_the_32_and_wrap_at_two_to_the_64(void **state)
{
	static const struct {
		uint64_t first;
		const char *ids[3];
	} cases[] = {
		{UINT32_MAX, {"dc1-6921b0c2-0-0-ffffffff", "dc1-6921b0c2-0-0-100000000", "dc1-6921b0c2-0-0-100000001"}},
		{UINT64_MAX, {"dc1-6921b0c2-0-0-ffffffffffffffff", "dc1-6921b0c2-0-0-0", "dc1-6921b0c2-0-0-1"}},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rig *rig = rig_new(4);

		rig->config.first_seq = cases[i].first;
		rig_start(rig);
		for (size_t k = 0; k < 3; k++) {
			json_t *root;
			char *text;

			rig_put_json(rig, "{\"type\":\"click\"}");
			text = rig_take(rig, NULL, NULL);
			root = parse(text);
			assert_string_equal(ingest_id(root), cases[i].ids[k]);
			json_decref(root);
			free(text);
		}
		rig_free(rig);
	}
}

/* The equations are sums modulo 2^64, so they hold while counters pass 2^32 and wrap at 2^64. */
static void counters_pass_two_to_the_32_and_wrap_at_two_to_the_64(void **state)
{
	static const uint64_t starts[] = {UINT32_MAX - UINT64_C(2), UINT64_MAX - 2};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rig *rig = rig_new(4);
		struct worker_counters *counters;

		rig_start(rig);
		counters = (struct worker_counters *)(uintptr_t)rig->counters;
		counter_set(&counters->datagrams, starts[i]);
		counter_set(&counters->decoded, starts[i]);
		counter_set(&counters->found, starts[i]);
		counter_set(&counters->numbered, starts[i] - 1);
		counter_set(&counters->event_drops[EVENT_DROP_json_syntax], 1);
		for (int k = 0; k < 5; k++)
			rig_put_json(rig, "{\"type\":\"click\"}\n{\"type\":}");
		assert_true(counter_read(&counters->found) == starts[i] + 10);
		assert_true(counter_read(&counters->numbered) == starts[i] + 4);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_is_the_event_with_its_ingest_member_appended),
		cmocka_unit_test(a_member_of_our_name_is_replaced_wherever_it_stands),
		cmocka_unit_test(line_breaks_between_tokens_become_blanks),
		cmocka_unit_test(bodies_of_every_length_are_copied_whole),
		cmocka_unit_test(one_bad_event_among_good_ones_is_dropped_alone),
		cmocka_unit_test(unknown_types_go_where_the_configuration_says),
		cmocka_unit_test(raw_events_pass_untouched),
		cmocka_unit_test(a_raw_type_has_its_body_whatever_is_in_it),
		cmocka_unit_test(an_exhausted_pool_is_a_named_drop_before_numbering),
		cmocka_unit_test(one_topic_cannot_take_more_than_its_credit),
		cmocka_unit_test(a_record_larger_than_a_batch_is_a_named_drop),
		cmocka_unit_test(events_land_in_their_own_hour_while_it_is_open),
		cmocka_unit_test(hours_never_go_back),
		cmocka_unit_test(keyed_events_go_to_the_partition_of_their_key),
		cmocka_unit_test(murmur2_is_the_java_producers),
		cmocka_unit_test(sequences_pass_two_to_the_32_and_wrap_at_two_to_the_64),
		cmocka_unit_test(counters_pass_two_to_the_32_and_wrap_at_two_to_the_64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
