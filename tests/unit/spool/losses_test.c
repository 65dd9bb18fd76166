/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what was given up, on a disk that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "batch/settled.h"
#include "hand.h"

#define LINE "{\"time\": "

static atomic_uint fails; /* 2: a part of the next line is written, 1: what follows fails */
static atomic_uint names_synced;

static const char *path(void)
{
	static char text[128];

	(void)snprintf(text, sizeof(text), "%s/given-up.0.ndjson", hand.directory);
	return text;
}

/* In the library's place: a disk that takes a part of a line. */
ssize_t write(int file, const void *data, size_t length)
{
	int begins = length > strlen(LINE) && memcmp(data, LINE, strlen(LINE)) == 0;
	unsigned left = atomic_load(&fails);

	if (left == 0 || (left == 2 && !begins))
		return syscall(SYS_write, file, data, length);
	atomic_store(&fails, left - 1);
	if (left == 2)
		return syscall(SYS_write, file, data, length / 2);
	errno = ENOSPC;
	return -1;
}

/* The same: a directory that is synced when the record is there. */
int fsync(int file)
{
	struct stat this, all;

	if (fstat(file, &this) == 0 && stat(hand.directory, &all) == 0 && this.st_ino == all.st_ino && access(path(), F_OK) == 0)
		atomic_fetch_add(&names_synced, 1);
	return (int)syscall(SYS_fsync, file);
}

static int setup(void **state)
{
	atomic_store(&fails, 0);
	atomic_store(&names_synced, 0);
	return hand_setup(state);
}

/* Recorded when the spool stops. */
static void give_up(unsigned number)
{
	struct batch *batch;

	hand_start(16384);
	batch = hand_batch(0, 1, 10);
	batch->first_seq = number;
	spool_gave_up(hand.spool, batch);
	batch_put(hand.pool, batch);
	hand_stop();
}

/* What begins as a line is one, and they tell of these numbers. */
static void expect(const unsigned *numbers, unsigned count)
{
	FILE *file = fopen(path(), "r");
	char line[1024], wanted[32];
	unsigned found = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		assert_non_null(strchr(line, '\n'));
		if (strncmp(line, LINE, strlen(LINE)) != 0)
			continue;
		assert_true(found < count);
		(void)snprintf(wanted, sizeof(wanted), "\"first\": %u,", numbers[found++]);
		assert_non_null(strstr(line, wanted));
		assert_null(strstr(line + 1, LINE));
		assert_ptr_equal(strstr(line, "}\n"), line + strlen(line) - 2);
	}
	(void)fclose(file);
	assert_int_equal(found, count);
}

static void line_that_the_disk_took_in_part_spoils_none_behind_it(void **state)
{
	(void)state;
	give_up(1);
	atomic_store(&fails, 2);
	give_up(2);
	assert_int_equal(atomic_load(&fails), 0);
	give_up(3);
	give_up(4);
	expect((unsigned[]){1, 3, 4}, 3);
}

static void line_that_a_former_process_left_in_part_spoils_none_behind_it(void **state)
{
	FILE *file;

	(void)state;
	give_up(1);
	file = fopen(path(), "a");
	assert_non_null(file);
	assert_true(fputs("{\"ti", file) >= 0);
	assert_int_equal(fclose(file), 0);
	give_up(2);
	give_up(3);
	expect((unsigned[]){1, 2, 3}, 3);
}

static void name_of_a_new_record_is_durable(void **state)
{
	char old[160];

	(void)state;
	give_up(1);
	assert_int_equal(atomic_load(&names_synced), 1);
	assert_int_equal(truncate(path(), 5 << 20), 0);
	give_up(2); /* another start syncs the directory, too */
	(void)snprintf(old, sizeof(old), "%s/given-up.0.1.ndjson", hand.directory);
	assert_int_equal(access(old, F_OK), 0);
	expect((unsigned[]){2}, 1);
}

/* Of what keys or packing have left between, and of a batch in part, the sequences enclose what is missing. */
static void sequences_of_what_was_given_up_are_those_of_its_batch(void **state)
{
	struct batch *batch;
	char line[1024];
	FILE *file;

	(void)state;
	hand_start(16384);
	batch = hand_batch(0, 8, 10);
	batch->skipped = 24;
	batch_settle(batch, 0);
	spool_gave_up(hand.spool, batch);
	batch_put(hand.pool, batch);
	hand_stop();
	file = fopen(path(), "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(strstr(line, "{\"topic\": \"t0\", \"lane\": 0, \"first\": 1, \"last\": 32, \"events\": 7}"));
	(void)fclose(file);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(line_that_the_disk_took_in_part_spoils_none_behind_it, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(
			line_that_a_former_process_left_in_part_spoils_none_behind_it, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(name_of_a_new_record_is_durable, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(sequences_of_what_was_given_up_are_those_of_its_batch, setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
