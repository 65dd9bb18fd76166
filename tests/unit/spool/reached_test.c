/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spool/reached.h"

static char *text_of(const struct reached *reached)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	reached_print(reached, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static int parse(struct reached *reached, const char *line)
{
	return reached_parse(reached, line, strlen(line));
}

static void the_last_sequence_only_rises(void **state)
{
	struct reached r = {0};

	(void)state;
	assert_int_equal(reached_raise(&r, "a", 3, 7), 1);
	assert_int_equal(reached_raise(&r, "a", 3, 6), 0);
	assert_int_equal(reached_raise(&r, "a", 40, 1), 1);
	assert_int_equal(reached_raise(&r, "ab", 0, 2), 1);
	assert_int_equal(reached_last(&r, "a", 3), 7);
	assert_int_equal(reached_last(&r, "a", 2), 0);
	assert_int_equal(reached_last(&r, "a", 1000), 0);
	assert_int_equal(reached_last(&r, "b", 3), 0);
	assert_int_equal(reached_sum(&r), 10);
	assert_int_equal(reached_lanes(&r), 41);
	reached_fini(&r);
}

static void what_cannot_be_is_refused(void **state)
{
	char name[TOPIC_NAME_MAX + 2];
	struct reached r = {0};

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(reached_raise(&r, name, 0, 1), -EINVAL);
	assert_int_equal(reached_raise(&r, "", 0, 1), -EINVAL);
	assert_int_equal(reached_raise(&r, "a", REACHED_LANES, 1), -EINVAL);
	assert_int_equal(reached_raise(&r, name + 1, 0, 1), 1);
	reached_fini(&r);
}

static void a_text_reads_back(void **state)
{
	static const char expected[] = "a 0:18446744073709551615 3:7\nb.c-d_E 1:1\nnone\n";
	struct reached r = {0}, copy = {0};
	char *text;

	(void)state;
	assert_int_equal(parse(&r, "a 0:18446744073709551615 3:7"), 0);
	assert_int_equal(parse(&r, "b.c-d_E 1:1"), 0);
	assert_int_equal(parse(&r, "none"), 0);
	text = text_of(&r);
	assert_string_equal(text, expected);
	free(text);
	assert_int_equal(reached_merge(&copy, &r), 0);
	assert_int_equal(reached_last(&copy, "a", 3), 7);
	assert_int_equal(reached_last(&copy, "a", 0), UINT64_MAX);
	reached_fini(&r);
	reached_fini(&copy);
}

static void what_is_no_line_is_told(void **state)
{
	static const char *const lines[] = {"", " 1:1", "a 1", "a 1:", "a :1", "a 1:x", "a -1:1", "a 1:1,2:2", "a 1024:1", "a 1:18446744073709551616",
		"a  1:1", "a 1:1  2:2", "a 1 :1"};

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct reached r = {0};

		assert_int_equal(parse(&r, lines[i]), -EBADMSG);
		reached_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_sequence_only_rises),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_text_reads_back),
		cmocka_unit_test(what_is_no_line_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
