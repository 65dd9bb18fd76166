/* SPDX-License-Identifier: Apache-2.0 */
/* The id that a sender chose is told as it is, however large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../worker/sources_helpers.h"
#include "base/clock.h"
#include "base/error.h"
#include "control/daemon/handlers.h"

static void expect_id(uint64_t id, const char *text, json_int_t number)
{
	struct box box = {.sources = table_new(16, 64, 0)};
	struct error error = {""};
	json_t *reply;
	const json_t *row;
	int code = 0;

	(void)send_at(box.sources, id, 1, 1, 1);
	reply = handle_sources(&box, NULL, &error, &code);
	row = json_array_get(json_object_get(reply, "sources"), 0);
	assert_non_null(row);
	assert_non_null(json_string_value(json_object_get(row, "source_id")));
	assert_string_equal(json_string_value(json_object_get(row, "source_id")), text);
	assert_true(json_integer_value(json_object_get(row, "id")) == number);
	json_decref(reply);
	sources_free(box.sources);
}

static void an_id_is_told_in_decimal(void **state)
{
	(void)state;
	expect_id(0, "0", 0);
	expect_id(9007199254740993, "9007199254740993", 9007199254740993);
}

static void an_id_from_2_63_on_has_no_sign(void **state)
{
	(void)state;
	expect_id(UINT64_C(1) << 63, "9223372036854775808", INT64_MIN);
	expect_id(UINT64_MAX, "18446744073709551615", -1);
}

static int set_up(void **state)
{
	(void)state;
	return clock_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_told_in_decimal),
		cmocka_unit_test(an_id_from_2_63_on_has_no_sign),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
