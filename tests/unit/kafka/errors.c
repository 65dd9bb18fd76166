/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/internal.h"

static const char *const too_large[] = {"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", NULL};
static const char *const invalid[] = {"INVALID_MSG", "INVALID_MSG_SIZE", "INVALID_RECORD", NULL};
static const char *const misplaced[] = {"_UNKNOWN_PARTITION", NULL};
static const char *const rebuild[] = {"_FATAL", "_FENCED", NULL};

static int is_in(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return 1;
	return 0;
}

static enum kafka_verdict expected(const char *name)
{
	if (strcmp(name, "NO_ERROR") == 0)
		return KAFKA_ACKED;
	if (is_in(too_large, name))
		return KAFKA_TOO_LARGE;
	if (is_in(invalid, name))
		return KAFKA_INVALID;
	if (is_in(misplaced, name))
		return KAFKA_MISPLACED;
	return is_in(rebuild, name) ? KAFKA_REBUILD : KAFKA_RETRY;
}

/* All codes the library knows, so that a new one cannot end a record unseen. */
static void every_code_that_is_not_the_records_fault_keeps_the_record(void **state)
{
	const struct rd_kafka_err_desc *codes;
	size_t count, walked = 0;

	(void)state;
	rd_kafka_get_err_descs(&codes, &count);
	for (size_t i = 0; i < count; i++) {
		if (codes[i].name == NULL)
			continue;
		walked++;
		if (kafka_verdict_of(codes[i].code) != expected(codes[i].name))
			fail_msg("%s: %d", codes[i].name, (int)kafka_verdict_of(codes[i].code));
	}
	assert_true(walked > 100);
}

static void code_that_nobody_knows_yet_keeps_the_record(void **state)
{
	(void)state;
	assert_int_equal(kafka_verdict_of((rd_kafka_resp_err_t)12345), KAFKA_RETRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_that_is_not_the_records_fault_keeps_the_record),
		cmocka_unit_test(code_that_nobody_knows_yet_keeps_the_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
