/* SPDX-License-Identifier: Apache-2.0 */
/* One process at a time has a spool's directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "spool/lock.h"

static const char *directory;

static int begin(void **state)
{
	(void)state;
	directory = scratch_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	scratch_free();
	return 0;
}

/* A process that has the lock, until it is killed. */
static pid_t another(void)
{
	struct spool_lock *lock;
	struct error error;
	int pipes[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		byte = spool_lock_take(&lock, directory, &error) == 0;
		if (write(pipes[1], &byte, 1) == 1)
			(void)pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	return pid;
}

static void kill_it(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_second_process_is_refused_until_the_first_one_ends(void **state)
{
	struct spool_lock *lock;
	struct error error = {""};
	char number[32];
	pid_t pid = another();

	(void)state;
	assert_int_equal(spool_lock_is_held(directory), 1);
	assert_int_equal(spool_lock_take(&lock, directory, &error), -EBUSY);
	assert_null(lock);
	(void)snprintf(number, sizeof(number), "process (%ld by", (long)pid);
	assert_non_null(strstr(error.text, number));
	assert_non_null(strstr(error.text, directory));
	assert_non_null(strstr(error.text, "spool.directory"));
	kill_it(pid);
	assert_int_equal(spool_lock_is_held(directory), 0);
	assert_int_equal(spool_lock_take(&lock, directory, &error), 0);
	spool_lock_release(lock);
}

static void spools_of_one_process_share_it(void **state)
{
	struct spool_lock *first, *second;
	struct error error;

	(void)state;
	assert_int_equal(spool_lock_is_held(directory), 0);
	assert_int_equal(spool_lock_take(&first, directory, &error), 0);
	assert_int_equal(spool_lock_take(&second, directory, &error), 0);
	assert_ptr_equal(first, second);
	spool_lock_release(first);
	assert_int_equal(spool_lock_is_held(directory), 1);
	spool_lock_release(second);
	assert_int_equal(spool_lock_is_held(directory), 0);
	spool_lock_release(NULL);
}

static void a_directory_that_cannot_be_locked_is_used_all_the_same(void **state)
{
	struct spool_lock *lock = (struct spool_lock *)&lock;
	struct error error;

	(void)state;
	assert_int_equal(spool_lock_take(&lock, "/proc/self", &error), 0);
	assert_null(lock);
	assert_int_equal(spool_lock_is_held("/nowhere"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_second_process_is_refused_until_the_first_one_ends, begin, end),
		cmocka_unit_test_setup_teardown(spools_of_one_process_share_it, begin, end),
		cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_locked_is_used_all_the_same, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
