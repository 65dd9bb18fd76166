/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that look at a spool take for one, and how they name it. */
#include "offline_spool_rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

#define LANE "lane.0"

static const char *directory;

static int begin(void **state)
{
	(void)state;
	directory = rig_begin();
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

/* A file in the spool's directory itself. */
static void make_file(const char *name)
{
	rig_write(".", name, "1\n", 2);
}

static void an_empty_spool_holds_no_log(void **state)
{
	struct rig_output output;

	(void)state;
	make_file("lock");
	output = rig_look(offline_spool_check, NULL);
	assert_int_equal(output.code, 0);
	assert_string_equal(output.out, "there is no log in it\n");
	rig_output_free(&output);
	output = rig_look(offline_spool_status, NULL);
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, "there is no log in it\n"));
	rig_output_free(&output);
}

static void expect_state_directory(offline_run *run)
{
	struct rig_output output = rig_look(run, NULL);
	char spool[128];

	(void)snprintf(spool, sizeof(spool), " is a state directory; its spool is %s/spool, ", directory);
	assert_int_equal(output.code, 2);
	assert_string_equal(output.out, "");
	assert_non_null(strstr(output.err, spool));
	rig_output_free(&output);
}

static void a_state_directory_is_no_spool(void **state)
{
	static const char *const marks[] = {"instance", "epoch"};
	char spool[128];

	(void)state;
	(void)snprintf(spool, sizeof(spool), "%s/spool", directory);
	assert_int_equal(mkdir(spool, 0700), 0);
	(void)rig_log("spool/" LANE);
	rig_append(3, 50);
	rig_close();
	make_file("lock");
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		make_file(marks[i]);
		expect_state_directory(offline_spool_status);
		expect_state_directory(offline_spool_check);
		expect_state_directory(offline_spool_export);
		rig_remove(".", marks[i]);
	}
}

static void expect_name(offline_run *run, const struct offline *options, const char *word)
{
	struct rig_output output = rig_run(run, options, word, NULL);
	const char *name = json_string_value(json_object_get(output.json, "directory"));

	assert_int_equal(output.code, 0);
	assert_non_null(name);
	assert_string_equal(name + strlen(directory), "/caf\xef\xbf\xbd");
	rig_output_free(&output);
}

static void a_directory_may_have_any_name(void **state)
{
	char path[128], *words[] = {path};
	const struct offline options = {.json = 1, .yes = 1, .words = words};

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/caf\xe9", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)rig_log("caf\xe9/" LANE);
	rig_append(1, 50);
	rig_close();
	expect_name(offline_spool_status, &options, NULL);
	expect_name(offline_spool_check, &options, NULL);
	expect_name(offline_spool_quarantine, &options, LANE "/00000000000000000000.log");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_spool_holds_no_log, begin, end),
		cmocka_unit_test_setup_teardown(a_state_directory_is_no_spool, begin, end),
		cmocka_unit_test_setup_teardown(a_directory_may_have_any_name, begin, end),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
