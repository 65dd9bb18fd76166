/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/internal.h"

static int is_in(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return 1;
	return 0;
}

/* Each code that the library knows and that `names` holds has the verdict, and no other code has. */
static void only_these_have(enum kafka_verdict verdict, const char *const *names)
{
	const struct rd_kafka_err_desc *codes;
	size_t count, found = 0, wanted = 0;

	while (names[wanted] != NULL)
		wanted++;
	rd_kafka_get_err_descs(&codes, &count);
	for (size_t i = 0; i < count; i++) {
		if (codes[i].name == NULL)
			continue;
		found += (size_t)is_in(names, codes[i].name);
		if ((kafka_verdict_of(codes[i].code) == verdict) != is_in(names, codes[i].name))
			fail_msg("%s: %d", codes[i].name, (int)kafka_verdict_of(codes[i].code));
	}
	assert_int_equal(found, wanted);
}

static void only_success_is_an_acknowledgement(void **state)
{
	(void)state;
	only_these_have(KAFKA_ACKED, (const char *const[]){"NO_ERROR", NULL});
}

static void only_what_is_the_records_own_fault_is_refused_for_good(void **state)
{
	(void)state;
	only_these_have(KAFKA_TOO_LARGE, (const char *const[]){"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", NULL});
	only_these_have(KAFKA_INVALID, (const char *const[]){"INVALID_MSG", "INVALID_MSG_SIZE", "INVALID_RECORD", NULL});
}

static void only_a_missing_right_on_the_topic_forbids(void **state)
{
	(void)state;
	only_these_have(KAFKA_FORBIDDEN, (const char *const[]){"TOPIC_AUTHORIZATION_FAILED", NULL});
}

static void only_a_partition_that_is_not_there_is_chosen_anew(void **state)
{
	(void)state;
	only_these_have(KAFKA_MISPLACED, (const char *const[]){"_UNKNOWN_PARTITION", NULL});
}

static void only_the_clients_own_end_asks_for_a_new_one(void **state)
{
	(void)state;
	only_these_have(KAFKA_REBUILD, (const char *const[]){"_FATAL", "_FENCED", NULL});
}

/* What producers meet day by day, class by class of cause. */
static void states_of_the_world_keep_the_record_and_are_not_strange(void **state)
{
	static const rd_kafka_resp_err_t codes[] = {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
		RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
		RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
		RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__PURGE_QUEUE,
		RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
		RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
		RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, RD_KAFKA_RESP_ERR_POLICY_VIOLATION};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_int_equal(kafka_verdict_of(codes[i]), KAFKA_RETRY);
		assert_null(kafka_code_strangeness(codes[i]));
	}
}

/* None is left to the table's default. A library that is newer than the table may bring some, which are listed. */
static void each_code_of_the_library_is_in_the_table(void **state)
{
	const struct rd_kafka_err_desc *codes;
	size_t count, walked = 0, unknown = 0;

	(void)state;
	rd_kafka_get_err_descs(&codes, &count);
	for (size_t i = 0; i < count; i++) {
		const char *strangeness = kafka_code_strangeness(codes[i].code);

		if (codes[i].name == NULL || codes[i].code == RD_KAFKA_RESP_ERR__BEGIN || codes[i].code == RD_KAFKA_RESP_ERR__END)
			continue;
		walked++;
		if (strangeness == NULL || strstr(strangeness, "does not know") == NULL)
			continue;
		unknown++;
		(void)fprintf(stderr, "not in kafka/errors.c: %s (%d)\n", codes[i].name, (int)codes[i].code);
	}
	assert_true(walked > 100);
	if (rd_kafka_version() <= KAFKA_CODES_UP_TO)
		assert_int_equal(unknown, 0);
}

static void code_that_is_not_for_producers_keeps_the_record_and_is_strange(void **state)
{
	(void)state;
	assert_int_equal(kafka_verdict_of(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS), KAFKA_RETRY);
	assert_string_equal(
		kafka_code_strangeness(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS), "which no producer should be given");
}

static void code_that_nobody_knows_yet_keeps_the_record_and_is_strange(void **state)
{
	static const int codes[] = {12345, -12345, 199, 200, -199 - 2, INT32_MAX, INT32_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_int_equal(kafka_verdict_of((rd_kafka_resp_err_t)codes[i]), KAFKA_RETRY);
		assert_string_equal(
			kafka_code_strangeness((rd_kafka_resp_err_t)codes[i]), "which this version does not know");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_success_is_an_acknowledgement),
		cmocka_unit_test(only_what_is_the_records_own_fault_is_refused_for_good),
		cmocka_unit_test(only_a_missing_right_on_the_topic_forbids),
		cmocka_unit_test(only_a_partition_that_is_not_there_is_chosen_anew),
		cmocka_unit_test(only_the_clients_own_end_asks_for_a_new_one),
		cmocka_unit_test(states_of_the_world_keep_the_record_and_are_not_strange),
		cmocka_unit_test(each_code_of_the_library_is_in_the_table),
		cmocka_unit_test(code_that_is_not_for_producers_keeps_the_record_and_is_strange),
		cmocka_unit_test(code_that_nobody_knows_yet_keeps_the_record_and_is_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
