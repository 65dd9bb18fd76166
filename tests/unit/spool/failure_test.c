/* SPDX-License-Identifier: Apache-2.0 */
/* What the log's contract says of a disk that fails, one thing at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sim_disk.h"
#include "spool/format.h"

static const struct sim_faults none, sync_fails = {.sync = 10000}, full = {.full = 10000},
				     write_fails = {.write = 10000}, read_fails = {.read = 10000},
				     names_fail = {.names = 10000}, no_room = {.grow = 10000};
static struct sim_disk *sim;
static struct spool_log *spool;

static void open_log(void)
{
	struct spool_log_config config = {
		.disk = sim_disk_of(sim), .segment_bytes = SPOOL_SEGMENT_MIN, .name = "failing"};
	struct error error;

	assert_int_equal(spool_log_open(&spool, &config, &error), 0);
}

static int begin(void **state)
{
	(void)state;
	sim = sim_disk_new(3, 1);
	open_log();
	return 0;
}

static int end(void **state)
{
	(void)state;
	sim_disk_set_faults(sim, &none);
	spool_log_close(spool);
	assert_int_equal(sim_disk_open_files(sim), 0);
	sim_disk_free(sim);
	return 0;
}

static void crash(void)
{
	sim_disk_freeze(sim, 0);
	spool_log_close(spool);
	sim_disk_crash(sim);
	open_log();
}

static struct spool_log_info info_now(void)
{
	struct spool_log_info info;

	spool_log_info(spool, &info);
	return info;
}

static const uint8_t payload[20000];

/* Entry `number` has that many events and one. */
static int append_of(unsigned number, uint32_t bytes)
{
	struct spool_entry entry = {.topic = "t", .first_seq = number, .events = number + 1, .bytes = bytes};
	struct slice piece = {payload, bytes};
	int rc = spool_log_append(spool, &entry, &piece, 1);

	if (rc == 0)
		assert_int_equal(entry.position, number);
	return rc;
}

static int append(unsigned number)
{
	return append_of(number, 100);
}

static void expect(unsigned number)
{
	static uint8_t data[sizeof(payload)];
	struct spool_entry entry;

	assert_int_equal(spool_log_read(spool, 0, &entry, data, sizeof(data)), 1);
	assert_int_equal(entry.position, number);
	assert_int_equal(entry.first_seq, number);
}

static void expect_nothing(void)
{
	struct spool_entry entry;

	assert_int_equal(spool_log_read(spool, 0, &entry, NULL, 0), 0);
}

static void after_a_failed_sync_everything_is_appended_anew(void **state)
{
	(void)state;
	assert_int_equal(append(0), 0);
	assert_int_equal(spool_log_sync(spool), 0);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(append(i), 0);
	spool_log_mark(spool, 0, SPOOL_SETTLED);
	spool_log_mark(spool, 1, SPOOL_SETTLED);
	spool_log_mark(spool, 3, SPOOL_SETTLED);
	sim_disk_set_faults(sim, &sync_fails);
	assert_int_equal(spool_log_sync(spool), -EIO);
	sim_disk_set_faults(sim, &none);
	assert_int_equal(info_now().end, 1);
	assert_int_equal(info_now().synced, 1);
	assert_int_equal(info_now().suspect, 1);
	assert_int_equal(info_now().frontier, 2); /* the marks are kept */
	assert_int_equal(spool_log_unsynced(spool), 0);
	assert_int_equal(spool_log_append_empty(spool, 2), 0);
	assert_int_equal(append(2), 0);
	assert_int_equal(spool_log_append_empty(spool, 4), 0);
	assert_int_equal(append(4), 0);
	assert_int_equal(spool_log_mark_of(spool, 2), SPOOL_IN_MEMORY);
	assert_int_equal(spool_log_mark_of(spool, 3), SPOOL_SETTLED);
	assert_int_equal(spool_log_mark_of(spool, 4), SPOOL_IN_MEMORY);
	assert_int_equal(info_now().end_offset, 1 + 2 + 3 + 4 + 5);
	assert_int_equal(spool_log_sync(spool), 0);
	assert_int_equal(info_now().synced, 5);
	crash();
	assert_int_equal(info_now().recovered, 15); /* nothing was committed */
	expect(0);
	expect(2);
	expect(4);
	expect_nothing();
	assert_int_equal(info_now().empty, 2 + 4);
	assert_int_equal(info_now().damaged, 0);
}

static void a_sync_that_fails_again_and_again_changes_nothing(void **state)
{
	(void)state;
	for (unsigned times = 0; times < 3; times++) {
		assert_int_equal(append(0), 0);
		assert_int_equal(append(1), 0);
		sim_disk_set_faults(sim, times < 2 ? &sync_fails : &names_fail);
		assert_int_equal(spool_log_sync(spool), -EIO);
		sim_disk_set_faults(sim, &none);
		assert_int_equal(info_now().end, 0);
	}
	assert_int_equal(append(0), 0);
	assert_int_equal(append(1), 0);
	assert_int_equal(spool_log_sync(spool), 0);
	assert_int_equal(info_now().segments, 1);
	crash();
	expect(0);
	expect(1);
}

static void a_full_disk_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(append(0), 0);
	sim_disk_set_faults(sim, &full);
	assert_int_equal(append(1), -ENOSPC);
	assert_int_equal(append(1), -ENOSPC);
	sim_disk_set_faults(sim, &none);
	assert_int_equal(info_now().end, 1);
	assert_int_equal(append(1), 0);
	assert_int_equal(info_now().segments, 1);
	assert_int_equal(spool_log_sync(spool), 0);
	crash();
	expect(0);
	expect(1);
	expect_nothing();
}

/* Files that are settled go from a disk without any room: or there would never be any again. */
static void a_full_disk_lets_go_of_what_is_settled(void **state)
{
	(void)state;
	assert_int_equal(append(0), 0);
	assert_int_equal(spool_log_sync(spool), 0);
	sim_disk_set_faults(sim, &no_room);
	spool_log_mark(spool, 0, SPOOL_SETTLED);
	assert_int_equal(spool_log_rest(spool), 1);
	assert_int_equal(spool_log_commit(spool), 0);
	assert_int_equal(info_now().segments, 0);
	sim_disk_set_faults(sim, &none);
	crash();
	assert_int_equal(info_now().frontier, 1);
	expect_nothing();
}

static void after_another_error_a_file_is_not_written_to_again(void **state)
{
	(void)state;
	assert_int_equal(append(0), 0);
	sim_disk_set_faults(sim, &write_fails);
	assert_int_equal(append(1), -EIO);
	sim_disk_set_faults(sim, &none);
	assert_int_equal(append(1), 0);
	assert_int_equal(info_now().segments, 2);
	assert_int_equal(info_now().synced, 1); /* with the first file */
	spool_log_mark(spool, 0, SPOOL_ON_DISK);
	spool_log_mark(spool, 1, SPOOL_ON_DISK);
	expect(0);
	expect(1);
}

static void a_sync_that_fails_while_appending_is_told_by_the_next_sync(void **state)
{
	unsigned number = 0;

	(void)state;
	while (info_now().segments < 1 || spool_log_unsynced(spool) < SPOOL_SEGMENT_MIN - 21000)
		assert_int_equal(append_of(number++, sizeof(payload)), 0);
	sim_disk_set_faults(sim, &sync_fails);
	assert_int_equal(append_of(number, sizeof(payload)), -EIO);
	sim_disk_set_faults(sim, &none);
	assert_int_equal(append_of(number, sizeof(payload)), -EIO);
	assert_true(spool_log_unsynced(spool) > 0);
	assert_int_equal(info_now().end, number);
	assert_int_equal(spool_log_sync(spool), -EIO);
	assert_int_equal(info_now().end, 0);
	for (unsigned i = 0; i <= number; i++)
		assert_int_equal(append_of(i, sizeof(payload)), 0);
	assert_int_equal(spool_log_sync(spool), 0);
	assert_int_equal(info_now().synced, number + 1);
}

static void a_commit_that_fails_is_done_by_the_next(void **state)
{
	(void)state;
	assert_int_equal(append(0), 0);
	assert_int_equal(append(1), 0);
	assert_int_equal(spool_log_sync(spool), 0);
	spool_log_mark(spool, 0, SPOOL_SETTLED);
	sim_disk_set_faults(sim, &write_fails);
	assert_int_equal(spool_log_commit(spool), -EIO);
	sim_disk_set_faults(sim, &none);
	assert_int_equal(info_now().frontier, 1);
	assert_int_equal(spool_log_commit(spool), 0);
	crash();
	assert_int_equal(info_now().frontier, 1);
	expect(1);
	expect_nothing();
}

static void what_cannot_be_read_now_is_read_later(void **state)
{
	struct spool_entry entry;
	uint8_t data[100];

	(void)state;
	assert_int_equal(append(0), 0);
	spool_log_mark(spool, 0, SPOOL_ON_DISK);
	sim_disk_set_faults(sim, &read_fails);
	assert_int_equal(spool_log_read(spool, 0, &entry, data, sizeof(data)), -EIO);
	sim_disk_set_faults(sim, &none);
	assert_int_equal(spool_log_mark_of(spool, 0), SPOOL_ON_DISK);
	assert_int_equal(info_now().damaged, 0);
	expect(0);
}

static void count(void *context, const struct spool_entry *entry)
{
	(void)entry;
	++*(unsigned *)context;
}

/* Entries, of 100 bytes, in a first file that is full; one is in the next. */
static unsigned fill_a_file(void)
{
	unsigned number = 0;

	while (info_now().segments < 2)
		assert_int_equal(append(number++), 0);
	assert_int_equal(spool_log_sync(spool), 0);
	return number - 1;
}

/* All but the first entry or two is zeros from now on. */
static void wipe_the_first_file(void)
{
	char name[SPOOL_NAME_MAX];
	uint64_t size;
	uint8_t *bytes;

	spool_segment_name(name, 0);
	bytes = (uint8_t *)(uintptr_t)sim_disk_get(sim, name, &size);
	memset(bytes + 600, 0, size - 600);
}

/* What it takes to give up the first file: it is walked once, whatever is damaged in it. */
static void file_is_given_up_in_one_walk(void **state)
{
	unsigned entries = fill_a_file(), told = 0;
	uint64_t reads;

	(void)state;
	crash();
	wipe_the_first_file();
	reads = sim_disk_reads(sim);
	assert_true(spool_log_drop_oldest(spool, count, &told) > 0);
	assert_in_range(told, 1, 4);
	assert_in_range(sim_disk_reads(sim) - reads, 1, entries / 4);
	assert_int_equal(info_now().frontier, entries);
}

/* What cannot be read now would not be read behind it either. */
static void file_that_cannot_be_read_is_given_up_at_once(void **state)
{
	unsigned entries = fill_a_file(), told = 0;
	uint64_t reads;

	(void)state;
	crash();
	sim_disk_set_faults(sim, &read_fails);
	reads = sim_disk_reads(sim);
	assert_int_equal(spool_log_drop_oldest(spool, count, &told), entries * (entries + 1) / 2);
	assert_int_equal(told, 0);
	assert_in_range(sim_disk_reads(sim) - reads, 0, entries / 4);
	sim_disk_set_faults(sim, &none);
	assert_int_equal(info_now().frontier, entries);
	expect(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(after_a_failed_sync_everything_is_appended_anew, begin, end),
		cmocka_unit_test_setup_teardown(a_sync_that_fails_again_and_again_changes_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_full_disk_lets_go_of_what_is_settled, begin, end),
		cmocka_unit_test_setup_teardown(after_another_error_a_file_is_not_written_to_again, begin, end),
		cmocka_unit_test_setup_teardown(a_sync_that_fails_while_appending_is_told_by_the_next_sync, begin, end),
		cmocka_unit_test_setup_teardown(a_commit_that_fails_is_done_by_the_next, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_now_is_read_later, begin, end),
		cmocka_unit_test_setup_teardown(file_is_given_up_in_one_walk, begin, end),
		cmocka_unit_test_setup_teardown(file_that_cannot_be_read_is_given_up_at_once, begin, end),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
