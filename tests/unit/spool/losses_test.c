/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what was given up, on a disk that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "batch/settled.h"
#include "hand.h"
#include "spool/internal.h"

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
	expect((unsigned[]){1, 2, 3, 4}, 4); /* when the spool had closed its logs, it tried again */
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
	hand.config.epoch = 0x6b02f9a1;
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
	assert_non_null(strstr(line, "{\"topic\": \"t0\", \"epoch\": \"6b02f9a1\", \"lane\": 0, \"first\": 1, \"last\": 32, \"events\": 7}"));
	(void)fclose(file);
}

static void put_away(uint32_t bytes, unsigned records, unsigned seq, enum spool_order what)
{
	struct batch *batch = hand_batch(1, records, bytes);

	batch->first_seq = seq;
	assert_int_equal(hand_order(batch, what), SPOOL_LEFT);
	batch_put(hand.pool, batch);
}

static void leave_in_a_former_life(uint32_t epoch, unsigned seq)
{
	hand.config.epoch = epoch;
	hand_start(65536);
	put_away(10, 1, seq, SPOOL_LEAVE);
	hand_stop();
}

static int made_room(void)
{
	return counter_read(&spool_count(hand.spool)->made_room) != 0;
}

/* What was read back, of two epochs, and what is of this one stand in one file, which makes room. */
static void sequences_of_different_epochs_are_told_apart(void **state)
{
	char line[1024];
	FILE *file;

	(void)state;
	hand.config.class_count = 1;
	hand.config.classes[0] = (struct spool_class){.name = "all", .percent = 100, .policy = SPOOL_KEEP_NEWEST};
	hand.config.size_bytes = 8 * 65536;
	leave_in_a_former_life(5, 101);
	leave_in_a_former_life(6, 1);
	hand.config.epoch = 7;
	hand_start(65536);
	for (unsigned i = 0; i < 2; i++)
		hand_give(hand_read(), SPOOL_PARK);
	put_away(10, 1, 1, SPOOL_PARK);
	put_away(10, 1, 2, SPOOL_PARK);
	for (unsigned i = 0; !made_room(); i++) {
		assert_true(i < 100);
		put_away(8000, 5, 3 + 5 * i, SPOOL_PARK);
	}
	hand_stop();
	file = fopen(path(), "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	(void)fclose(file);
	assert_non_null(strstr(line, "{\"topic\": \"t1\", \"epoch\": null, \"lane\": 0, \"first\": 101, \"last\": 101, \"events\": 1}"));
	assert_non_null(strstr(line, "{\"topic\": \"t1\", \"epoch\": null, \"lane\": 0, \"first\": 1, \"last\": 1, \"events\": 1}"));
	assert_non_null(strstr(line, "{\"topic\": \"t1\", \"epoch\": \"7\", \"lane\": 0, \"first\": 1, \"last\": "));
}

/* Stands where the file is to be, so that it cannot be written. */
static void obstruct(void)
{
	assert_int_equal(mkdir(path(), 0700), 0);
}

static void clear(void)
{
	assert_int_equal(rmdir(path()), 0);
}

/* The sum of what the lines of the file tell, and how many there are. */
static uint64_t told(unsigned *lines)
{
	FILE *file = fopen(path(), "r");
	static char line[65536];
	uint64_t events = 0;

	assert_non_null(file);
	for (*lines = 0; fgets(line, sizeof(line), file) != NULL; ++*lines)
		events += strtoull(strstr(line, "\"events\": ") + strlen("\"events\": "), NULL, 10);
	(void)fclose(file);
	return events;
}

/* A spool without a thread. */
static struct spool *bare(void)
{
	static struct spool spool;

	memset(&spool, 0, sizeof(spool));
	spool.config = hand.config;
	spool.directory = hand.directory;
	spool.config.class_count = 1;
	(void)snprintf(spool.config.classes[0].name, sizeof(spool.config.classes[0].name), "all");
	return &spool;
}

static void lose(struct spool *spool, const char *topic, uint64_t first, uint64_t last)
{
	loss_add(&spool->loss[0], &(struct loss_of){.topic = topic, .epoch = 7, .first = first, .last = last,
		.events = last - first + 1, .us = 1000000});
}

static void what_the_file_could_not_take_is_in_its_next_line(void **state)
{
	struct spool *spool = bare();
	char line[1024];
	FILE *file;

	(void)state;
	obstruct();
	lose(spool, "t0", 1, 5);
	loss_record(spool, 0);
	lose(spool, "t1", 3, 4);
	loss_record(spool, 0);
	lose(spool, "t0", 8, 9);
	loss_record(spool, 0);
	clear();
	loss_record(spool, 0);
	loss_record(spool, 0);
	file = fopen(path(), "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(strstr(line, "\"events\": 9, "));
	assert_non_null(strstr(line, "\"batches\": 3, "));
	assert_non_null(strstr(line, "{\"topic\": \"t0\", \"epoch\": \"7\", \"lane\": 0, \"first\": 1, \"last\": 9, \"events\": 7}"));
	assert_non_null(strstr(line, "{\"topic\": \"t1\", \"epoch\": \"7\", \"lane\": 0, \"first\": 3, \"last\": 4, \"events\": 2}"));
	assert_null(fgets(line, sizeof(line), file));
	(void)fclose(file);
}

static void what_was_turned_away_meanwhile_is_in_the_next_line(void **state)
{
	struct spool *spool = bare();
	unsigned lines;

	(void)state;
	obstruct();
	counter_add(&hand.lane.turned_away[0], 5);
	loss_record_all(spool);
	counter_add(&hand.lane.turned_away[0], 6);
	loss_record_all(spool);
	clear();
	loss_record_all(spool);
	loss_record_all(spool);
	assert_int_equal(told(&lines), 11);
	assert_int_equal(lines, 1);
}

static unsigned files(void)
{
	const char *name;

	return (unsigned)counter_read(&spool_log_at(hand.spool, 0, &name)->segments);
}

/* The events of two files that went are told by one line, and no others. */
static void what_made_room_meanwhile_is_in_the_next_line(void **state)
{
	uint64_t before = 0, now;
	unsigned lines, times = 0;

	(void)state;
	hand.config.class_count = 1;
	hand.config.classes[0] = (struct spool_class){.name = "all", .percent = 100, .policy = SPOOL_KEEP_NEWEST};
	hand.config.size_bytes = 8 * 65536;
	obstruct();
	hand_start(65536);
	for (unsigned i = 0; times < 2; i++) {
		assert_true(i < 100);
		put_away(8000, 5, 1 + 5 * i, SPOOL_LEAVE);
		now = counter_read(&spool_count(hand.spool)->made_room);
		times += now != before;
		before = now;
	}
	assert_true(files() > 1);
	clear();
	hand_stop();
	assert_int_equal(told(&lines), before);
	assert_int_equal(lines, 1);
}

/* What is written to standard error goes to a file. */
static int divert(const char *to)
{
	int was = dup(STDERR_FILENO), file = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(was >= 0 && file >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	(void)close(file);
	return was;
}

static void restore(int was)
{
	(void)dup2(was, STDERR_FILENO);
	(void)close(was);
}

static int file_tells(const char *name, const char *what)
{
	static char text[1u << 20];
	FILE *file = fopen(name, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return strstr(text, what) != NULL;
}

/* All of it, however much that is, and names as long as they may be. */
static void what_the_file_never_takes_is_logged(void **state)
{
	char log[128], wanted[400];
	int was;

	(void)state;
	(void)snprintf(log, sizeof(log), "%s/log", hand.directory);
	for (unsigned i = 0; i < hand.topics.count; i++)
		memset(hand.topics.topics[i].name, 'a' + (int)i, SPOOL_TOPIC_MAX);
	obstruct();
	hand_start(16384);
	for (unsigned i = 0; i < hand.topics.count; i++) {
		struct batch *batch = hand_batch((uint16_t)i, 1, 10);

		batch->first_seq = UINT64_MAX - 1 - i;
		spool_gave_up(hand.spool, batch);
		batch_put(hand.pool, batch);
	}
	was = divert(log);
	log_set_level(LOG_ERROR);
	hand_stop();
	log_set_level((enum log_level)(LOG_ERROR - 1));
	restore(was);
	for (unsigned i = 0; i < hand.topics.count; i++) {
		(void)snprintf(wanted, sizeof(wanted), "{\"topic\": \"%s\", \"epoch\": null, \"lane\": 0, \"first\": %llu, \"last\": %llu, "
			"\"events\": 1}", hand.topics.topics[i].name, (unsigned long long)(UINT64_MAX - 1 - i),
			(unsigned long long)(UINT64_MAX - 1 - i));
		assert_true(file_tells(log, wanted));
	}
	assert_true(file_tells(log, "\"what\": \"stopped\", \"events\": 8, "));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(line_that_the_disk_took_in_part_spoils_none_behind_it, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(
			line_that_a_former_process_left_in_part_spoils_none_behind_it, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(name_of_a_new_record_is_durable, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(sequences_of_different_epochs_are_told_apart, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_the_file_could_not_take_is_in_its_next_line, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_was_turned_away_meanwhile_is_in_the_next_line, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_made_room_meanwhile_is_in_the_next_line, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_the_file_never_takes_is_logged, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(sequences_of_what_was_given_up_are_those_of_its_batch, setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
