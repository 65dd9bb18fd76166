/* SPDX-License-Identifier: Apache-2.0 */
/* Spools that a configuration leaves behind are told of for as long as they hold something. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "control/daemon/box.h"
#include "control/daemon/former.h"
#include "spool/waiting.h"
#include "state_rig.h"

static struct box box;
static struct config config;
static char warnings[8192];
static char looked[1024]; /* directories, each with a line feed */
static unsigned everywhere; /* events in each directory that nothing else is said of */

/* What a look into a directory finds; others hold nothing. */
static struct {
	const char *directory;
	int rc;
	struct spool_waiting waiting;
} found[3];

int __wrap_spool_waiting_look(const char *path, unsigned limit_ms, struct spool_waiting *waiting, struct error *error);

int __wrap_spool_waiting_look(const char *path, unsigned limit_ms, struct spool_waiting *waiting, struct error *error)
{
	assert_true(limit_ms > 0);
	(void)strcat(strcat(looked, path), "\n");
	*waiting = (struct spool_waiting){.logs = 1, .events = everywhere};
	for (unsigned i = 0; i < 3; i++) {
		if (found[i].directory == NULL || strcmp(found[i].directory, path) != 0)
			continue;
		*waiting = found[i].waiting;
		return found[i].rc == 0 ? 0 : error_set(error, found[i].rc, "it is in a bad way");
	}
	return 0;
}

void box_warn(struct box *warned, const char *fmt, ...)
{
	size_t used = strlen(warnings);
	va_list ap;

	(void)warned;
	va_start(ap, fmt);
	(void)vsnprintf(warnings + used, sizeof(warnings) - used, fmt, ap);
	va_end(ap);
	(void)strcat(warnings, "\n");
}

static int begin(void **state)
{
	int rc = setup(state);

	memset(&box, 0, sizeof(box));
	memset(found, 0, sizeof(found));
	everywhere = 0;
	box.config = &config;
	box.state = open_ok();
	return rc;
}

static int end(void **state)
{
	state_close(box.state);
	return teardown(state);
}

/* A start; returns how many spools hold something. */
static unsigned start(int mode, const char *spool)
{
	config.spool_mode = (unsigned)mode;
	(void)snprintf(box.spool_directory, sizeof(box.spool_directory), "%s", spool);
	warnings[0] = looked[0] = '\0';
	box.former.count = 0;
	former_look(&box);
	return box.former.count;
}

static void expect_kept(const char *expected)
{
	char *text;

	assert_int_equal(state_file_read(state_directory(box.state), "spools", "penstock spools 1", &text), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void the_spool_that_is_open_is_not_looked_at(void **state)
{
	(void)state;
	found[0].directory = "/a";
	found[0].waiting = (struct spool_waiting){.logs = 1, .events = 5};
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/a"), 0);
	assert_int_equal(start(CONFIG_SPOOL_DIRECT, "/a"), 0);
	assert_string_equal(looked, "");
	assert_string_equal(warnings, "");
	expect_kept("/a\n");
}

static void without_a_spool_none_is_known(void **state)
{
	(void)state;
	found[0].directory = "/a";
	found[0].rc = -ENOENT;
	assert_int_equal(start(CONFIG_SPOOL_OFF, "/a"), 0);
	assert_string_equal(warnings, "");
	assert_false(exists("spools"));
}

static void with_mode_off_the_events_are_told_at_each_start(void **state)
{
	(void)state;
	(void)start(CONFIG_SPOOL_WAL, "/a");
	found[0].directory = "/a";
	found[0].waiting = (struct spool_waiting){.logs = 2, .events = 200};
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(start(CONFIG_SPOOL_OFF, "/a"), 1);
		assert_non_null(strstr(warnings, "spool /a is not opened with this configuration, and holds 200 events that nobody delivers"));
		assert_non_null(strstr(warnings, "a start with `spool: {mode: direct, directory: /a}`"));
		expect_kept("/a\n");
	}
	found[0].waiting.events = 0;
	assert_int_equal(start(CONFIG_SPOOL_OFF, "/a"), 0);
	assert_string_equal(warnings, "");
	expect_kept("");
}

static void another_directory_is_told_of_until_it_is_delivered(void **state)
{
	(void)state;
	(void)start(CONFIG_SPOOL_WAL, "/a");
	found[0].directory = "/a";
	found[0].waiting = (struct spool_waiting){.logs = 2, .events = 500, .more = 1};
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(start(CONFIG_SPOOL_WAL, "/b"), 1);
		assert_string_equal(looked, "/a\n");
		assert_non_null(strstr(warnings, "spool /a is not opened with this configuration, and holds at least 500 events"));
		expect_kept("/a\n/b\n");
	}
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/a"), 0); /* where /b holds nothing */
	expect_kept("/a\n");
}

static void what_cannot_be_read_may_hold_something(void **state)
{
	(void)state;
	(void)start(CONFIG_SPOOL_WAL, "/a");
	found[0].directory = "/a";
	found[0].rc = -EACCES;
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/b"), 1);
	assert_non_null(strstr(warnings, "not all that it holds can be told (it is in a bad way; "));
	expect_kept("/a\n/b\n");
}

static void a_spool_that_another_process_has_is_its_own(void **state)
{
	(void)state;
	(void)start(CONFIG_SPOOL_WAL, "/a");
	found[0].directory = "/a";
	found[0].rc = -EBUSY;
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/b"), 0);
	assert_string_equal(warnings, "");
	expect_kept("/a\n/b\n");
}

/* Of a file system that is not mounted there is the folder. */
static void one_that_is_gone_is_told_of_once(void **state)
{
	(void)state;
	(void)start(CONFIG_SPOOL_WAL, "/a");
	found[0].directory = "/a";
	found[0].waiting = (struct spool_waiting){0};
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/b"), 0);
	assert_non_null(strstr(warnings, "spool /a, which was used before, is not there any more"));
	expect_kept("/b\n");
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/b"), 0);
	assert_string_equal(warnings, "");
}

static void of_too_many_the_eldest_is_forgotten(void **state)
{
	static const char lines[] = "/00\n/01\n/02\n/03\n/04\n/05\n/06\n/07\n/08\n/09\n/10\n/11\n/12\n/13\n/14\n/15\n";
	static const char after[] = "/01\n/02\n/03\n/04\n/05\n/06\n/07\n/08\n/09\n/10\n/11\n/12\n/13\n/14\n/15\n/16\n";

	(void)state;
	everywhere = 1;
	assert_int_equal(state_file_write(state_directory(box.state), "spools", "penstock spools 1", lines), 0);
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/16"), FORMER_MAX);
	expect_kept(after);
}

static void a_damaged_file_is_put_aside(void **state)
{
	(void)state;
	put("spools", "/a\n", 3);
	assert_int_equal(start(CONFIG_SPOOL_WAL, "/b"), 0);
	assert_true(exists("spools.bad"));
	expect_kept("/b\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(the_spool_that_is_open_is_not_looked_at),
		T(without_a_spool_none_is_known),
		T(with_mode_off_the_events_are_told_at_each_start),
		T(another_directory_is_told_of_until_it_is_delivered),
		T(what_cannot_be_read_may_hold_something),
		T(a_spool_that_another_process_has_is_its_own),
		T(one_that_is_gone_is_told_of_once),
		T(of_too_many_the_eldest_is_forgotten),
		T(a_damaged_file_is_put_aside),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
