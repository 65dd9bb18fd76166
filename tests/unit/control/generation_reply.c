/* SPDX-License-Identifier: Apache-2.0 */
/* Why a reload failed reaches who asks, whatever bytes the sentence has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "control/daemon/handlers.h"
#include "control/daemon/totals.h"

static struct loader_result last;

uint64_t loader_ask(struct box *box)
{
	(void)box;
	return 0;
}

int loader_last(struct box *box, struct loader_result *result)
{
	(void)box;
	*result = last;
	return 1;
}

int loader_answer(struct box *box, uint64_t request, struct loader_result *result)
{
	(void)request;
	return loader_last(box, result);
}

uint64_t total_workers(const struct box *box, size_t offset)
{
	(void)box;
	(void)offset;
	return 0;
}

static void expect_text(const char *wanted)
{
	static struct generation now;
	static struct event_types types;
	static struct config config;
	static struct box box;
	struct error error = {""};
	int code = 0;
	json_t *reply;

	config.types = &types;
	generations_init(&box.generations);
	box.generations.now = &now;
	box.generations.config = &config;
	reply = handle_generation(&box, NULL, &error, &code);
	assert_non_null(reply);
	assert_string_equal(json_string_value(json_object_get(reply, "text")), wanted);
	assert_true(json_is_false(json_object_get(reply, "ok")));
	json_decref(reply);
}

static void a_name_that_is_no_utf8_does_not_hide_the_cause(void **state)
{
	(void)state;
	last = (struct loader_result){.request = 1, .text = "/etc/caf\xe9.yaml: \xe2\x82 No such file"};
	expect_text("/etc/caf\xef\xbf\xbd.yaml: \xef\xbf\xbd\xef\xbf\xbd No such file");
}

static void utf8_is_told_as_it_is(void **state)
{
	(void)state;
	last = (struct loader_result){.request = 1, .text = "/etc/caf\xc3\xa9.yaml: \xf0\x9f\x98\x80"};
	expect_text("/etc/caf\xc3\xa9.yaml: \xf0\x9f\x98\x80");
}

static void a_sentence_that_was_cut_tells_what_it_holds(void **state)
{
	struct error error = {""};
	char wanted[512];

	(void)state;
	(void)error_set(&error, 0, "%0*u%s", 510, 7, "\xc3\xa9");
	last = (struct loader_result){.request = 1};
	memcpy(last.text, error.text, sizeof(last.text));
	(void)snprintf(wanted, sizeof(wanted), "%0*u", 510, 7);
	expect_text(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_is_no_utf8_does_not_hide_the_cause),
		cmocka_unit_test(utf8_is_told_as_it_is),
		cmocka_unit_test(a_sentence_that_was_cut_tells_what_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
