/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory after orderly ends, crashes at every step, damage and a clock that runs backwards. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "said.h"
#include "state_rig.h"

#define NOW INT64_C(1790000000)

/* One start of a daemon at `utc`: its epoch. */
static uint32_t start(int64_t utc)
{
	struct state *s = open_ok();
	struct error error = {""};
	uint32_t epoch = 0;

	if (state_epoch_begin(s, utc, &epoch, &error) != 0)
		fail_msg("%s", error.text);
	state_close(s);
	return epoch;
}

static void a_missing_directory_is_made(void **state)
{
	struct state *s;
	struct stat st;

	(void)state;
	assert_int_equal(rmdir(directory), 0);
	s = open_ok();
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	state_close(s);
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
	struct state *s = NULL;
	struct error error = {""};

	(void)state;
	assert_int_equal(state_open(&s, "/nonexistent/state", &error), -ENOENT);
	assert_string_equal(error.text, "state directory /nonexistent/state: cannot make it: No such file or directory; see that "
					"it exists, is writable and has room");
	assert_null(s);
}

static int mkdir_error;
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);

int __wrap_mkdir(const char *path, mode_t mode)
{
	errno = mkdir_error;
	return mkdir_error != 0 ? -1 : __real_mkdir(path, mode);
}

static void what_keeps_a_directory_from_being_made_is_told(void **state)
{
	struct state *s = NULL;
	struct error error = {""};
	char missing[128];

	(void)state;
	mkdir_error = EROFS;
	(void)snprintf(missing, sizeof(missing), "%s", path_of("missing"));
	assert_int_equal(state_open(&s, missing, &error), -EROFS);
	assert_non_null(strstr(error.text, "/missing: cannot make it: Read-only file system; "));
	assert_non_null(strstr(error.text, "ReadWritePaths="));
	state_close(open_ok()); /* one that is there is not made */
	put("file", "", 0);
	mkdir_error = EEXIST;
	assert_int_equal(state_open(&s, path_of("file"), &error), -ENOTDIR);
	assert_non_null(strstr(error.text, "/file: cannot open it: Not a directory; "));
	assert_null(s);
	mkdir_error = 0;
}

static void the_instance_is_made_once(void **state)
{
	struct state *s = open_ok();
	char uuid[37];

	(void)state;
	assert_int_equal(strlen(state_uuid(s)), 36);
	assert_int_equal(state_uuid(s)[14], '4');
	assert_non_null(strchr("89ab", state_uuid(s)[19]));
	memcpy(uuid, state_uuid(s), sizeof(uuid));
	state_close(s);
	s = open_ok();
	assert_string_equal(state_uuid(s), uuid);
	state_close(s);
	assert_int_equal(unlink(path_of("instance")), 0);
	s = open_ok();
	assert_string_not_equal(state_uuid(s), uuid);
	state_close(s);
}

static void two_daemons_cannot_share_a_directory(void **state)
{
	struct state *first = open_ok(), *second = NULL;
	struct error error = {""};
	char expected[300];

	(void)state;
	assert_int_equal(state_open(&second, directory, &error), -EBUSY);
	(void)snprintf(expected, sizeof(expected), "state directory %s belongs to another penstockd that runs (process %ld); stop "
						   "that one, or give this one a `state` of its own", directory, (long)getpid());
	assert_string_equal(error.text, expected);
	assert_null(second);
	state_close(first);
	state_close(open_ok());
}

/* The lock is the kernel's: a daemon that was killed leaves none behind. */
static void a_killed_daemon_leaves_no_lock(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		struct state *s = NULL;

		_exit(state_open(&s, directory, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(exists("lock"));
	state_close(open_ok());
}

static void the_epoch_follows_the_clock_and_always_rises(void **state)
{
	(void)state;
	assert_int_equal(start(NOW), NOW);
	assert_int_equal(start(NOW), NOW + 1);         /* twice in one second */
	assert_int_equal(start(NOW + 100), NOW + 100);
	assert_int_equal(start(NOW - 86400), NOW + 101); /* a day back */
	assert_int_equal(start(0), NOW + 102);
	assert_int_equal(start(-5), NOW + 103);
	assert_int_equal(start(NOW + 200), NOW + 200);
}

/* Starts that follow each other within a second, as of a daemon that fails, are no clock that went back. */
static void only_a_clock_that_went_back_is_told_of(void **state)
{
	struct said said;

	(void)state;
	log_set_level(LOG_WARNING);
	said_begin(&said);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(start(NOW), NOW + i);
	assert_string_equal(said_end(&said), "");
	said_begin(&said);
	assert_int_equal(start(NOW - 3600), NOW + 20);
	assert_non_null(strstr(said_end(&said), "the clock is 3619 s behind the last start here"));
	log_set_level(LOG_ERROR);
}

static void a_first_start_before_1970_has_an_epoch_too(void **state)
{
	(void)state;
	assert_int_equal(start(-1000), 1);
}

static void epochs_that_are_used_up_are_an_error(void **state)
{
	struct state *s;
	struct error error = {""};
	uint32_t epoch = 7;

	(void)state;
	assert_int_equal(start(UINT32_MAX), UINT32_MAX);
	s = open_ok();
	assert_int_equal(state_epoch_begin(s, NOW, &epoch, &error), -EOVERFLOW);
	assert_non_null(strstr(error.text, "no epoch is left after 4294967295"));
	assert_int_equal(epoch, 7);
	state_close(s);
}

/* Whatever part of the new file reached the disk before the crash, the old one counts. */
static void a_crash_while_the_new_file_is_written_changes_nothing(void **state)
{
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	for (size_t n = 0; n <= length; n++) {
		put("epoch.tmp", text, n);
		assert_int_equal(start(NOW - 86400), NOW + 1 + (int64_t)n);
		assert_false(exists("epoch.tmp"));
		assert_false(exists("epoch.bad"));
	}
}

/* A leftover of the very first start: never used, but no harm is done by going above it. */
static void a_crash_before_the_first_rename_leaves_a_usable_directory(void **state)
{
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	assert_int_equal(unlink(path_of("epoch")), 0);
	put("epoch.tmp", text, length);
	put("instance.tmp", "penstock inst", 13);
	put("partitions.tmp", "", 0);
	assert_int_equal(start(NOW - 1), NOW + 1);
}

/* Damaged in every length: put aside; the clock a day back must not lead below what the file still tells. */
static void a_cut_epoch_file_is_put_aside_and_the_epoch_never_falls(void **state)
{
	static const char title[] = "penstock epoch 1\n1790000000";
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	for (size_t n = 0; n < length; n++) {
		uint32_t epoch;

		remove_all(directory);
		assert_int_equal(mkdir(directory, 0750), 0);
		put("epoch", text, n);
		epoch = start(NOW - 86400);
		if (n >= sizeof(title) - 1)
			assert_int_equal(epoch, NOW + 1);
		else
			assert_int_equal(epoch, NOW - 86400);
		assert_true(exists("epoch.bad"));
		assert_int_equal(start(NOW - 86400), epoch + 1);
	}
}

static void every_flipped_bit_of_the_epoch_file_is_noticed(void **state)
{
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	for (size_t bit = 0; bit < length * 8; bit++) {
		uint32_t epoch;

		remove_all(directory);
		assert_int_equal(mkdir(directory, 0750), 0);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		put("epoch", text, length);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		epoch = start(NOW + 10);
		assert_in_range(epoch, NOW + 10, 0xf0000001u);
		assert_true(exists("epoch.bad"));
	}
}

/* The crash came after the damaged file was put aside and before the next epoch was written. */
static void a_crash_between_quarantine_and_the_new_epoch_keeps_it_rising(void **state)
{
	static const char text[] = "penstock epoch 1\n1790000500\ncheck 0000";

	(void)state;
	put("epoch.bad", text, sizeof(text) - 1);
	assert_int_equal(start(NOW), NOW + 501);
	assert_int_equal(start(NOW), NOW + 502);
}

static void quarantined_files_are_all_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		char text[64];

		put("epoch", text, (size_t)snprintf(text, sizeof(text), "damage %u", 1000 + i));
		(void)start(NOW);
	}
	assert_true(exists("epoch.bad"));
	assert_true(exists("epoch.bad.1"));
	assert_true(exists("epoch.bad.9"));
	assert_false(exists("epoch.bad.10"));
}

static void damage_cannot_use_the_epochs_up(void **state)
{
	static const char text[] = "99999999999999999999999999 4294967295 4026531841\n";

	(void)state;
	put("epoch", text, sizeof(text) - 1);
	assert_int_equal(start(NOW), NOW);
}

static void a_damaged_instance_is_put_aside_and_made_anew(void **state)
{
	struct state *s;

	(void)state;
	put("instance", "\0\0\0\0", 4);
	s = open_ok();
	assert_int_equal(strlen(state_uuid(s)), 36);
	assert_true(exists("instance.bad"));
	state_close(s);
}

static void a_file_without_end_is_damage(void **state)
{
	char *text = malloc(2 * STATE_FILE_MAX);

	(void)state;
	assert_non_null(text);
	memset(text, '1', 2 * STATE_FILE_MAX);
	put("epoch", text, 2 * STATE_FILE_MAX);
	assert_int_equal(start(NOW), NOW);
	assert_true(exists("epoch.bad"));
	free(text);
}

static void an_epoch_that_cannot_be_written_is_not_begun(void **state)
{
	struct state *s = open_ok();
	struct error error = {""};
	uint32_t epoch = 7;

	(void)state;
	assert_int_equal(mkdir(path_of("epoch.tmp"), 0700), 0); /* in the way of the new file */
	assert_int_equal(state_epoch_begin(s, 1000, &epoch, &error), -EISDIR);
	assert_int_equal(epoch, 7);
	assert_non_null(strstr(error.text, "cannot write its epoch"));
	assert_int_equal(rmdir(path_of("epoch.tmp")), 0);
	assert_int_equal(state_epoch_begin(s, 1000, &epoch, &error), 0);
	assert_int_equal(epoch, 1000);
	state_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_missing_directory_is_made),
		T(a_directory_that_cannot_be_made_is_named),
		T(what_keeps_a_directory_from_being_made_is_told),
		T(the_instance_is_made_once),
		T(two_daemons_cannot_share_a_directory),
		T(a_killed_daemon_leaves_no_lock),
		T(the_epoch_follows_the_clock_and_always_rises),
		T(only_a_clock_that_went_back_is_told_of),
		T(a_first_start_before_1970_has_an_epoch_too),
		T(epochs_that_are_used_up_are_an_error),
		T(a_crash_while_the_new_file_is_written_changes_nothing),
		T(a_crash_before_the_first_rename_leaves_a_usable_directory),
		T(a_cut_epoch_file_is_put_aside_and_the_epoch_never_falls),
		T(every_flipped_bit_of_the_epoch_file_is_noticed),
		T(a_crash_between_quarantine_and_the_new_epoch_keeps_it_rising),
		T(quarantined_files_are_all_kept),
		T(damage_cannot_use_the_epochs_up),
		T(a_damaged_instance_is_put_aside_and_made_anew),
		T(a_file_without_end_is_damage),
		T(an_epoch_that_cannot_be_written_is_not_begun),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
