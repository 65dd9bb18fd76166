/* SPDX-License-Identifier: Apache-2.0 */
/* How far an epoch came, as its spool tells at the next start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool_rig.h"

#define RECORDS 100u
#define LANE    7u /* of the rig */

static atomic_int sync_fails;

/* In the library's place: the spool's own. */
int fdatasync(int file)
{
	if (atomic_load(&sync_fails)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, file);
}

static const char *path(const char *behind)
{
	static char text[128];

	(void)snprintf(text, sizeof(text), "%s/reached.0%s", spool_rig.directory, behind);
	return text;
}

static size_t read_file(char *text, size_t size)
{
	FILE *file = fopen(path(""), "r");
	size_t n = file != NULL ? fread(text, 1, size - 1, file) : 0;

	if (file != NULL)
		(void)fclose(file);
	text[n] = '\0';
	return n;
}

static void write_file(const char *text, size_t length)
{
	FILE *file = fopen(path(""), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static const struct spool_reached *begin(uint32_t epoch)
{
	spool_rig.spool.epoch = epoch;
	spool_rig.write_first = 1;
	spool_rig_begin();
	return spool_reached_before(producer_spool(spool_rig.rig->producer));
}

static void send_batches(uint16_t topic, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rig_send(spool_rig.rig, topic, 0, RECORDS, 40);
}

static int all_written(struct rig *rig)
{
	return counter_read(&spool_rig_counts()->accepted) == rig->sent;
}

/* The file says all that was sent by now. */
static int all_kept(struct rig *rig)
{
	char text[4096], line[64];

	(void)read_file(text, sizeof(text));
	(void)snprintf(line, sizeof(line), "\nt0 %u:%u\n", LANE, (unsigned)rig->sent);
	return strstr(text, line) != NULL;
}

/* An epoch of `batches` to t0, all of it acked. */
static void live(uint32_t epoch, unsigned batches)
{
	(void)begin(epoch);
	send_batches(0, batches);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
}

static void expect(const struct spool_reached *before, uint32_t epoch, int exact, unsigned t0, unsigned t1)
{
	assert_int_equal(before->epoch, epoch);
	assert_int_equal(before->exact, exact);
	assert_int_equal(reached_last(&before->set, "t0", LANE), t0);
	assert_int_equal(reached_last(&before->set, "t1", LANE), t1);
}

static void the_next_start_knows_the_last_sequence_of_each_topic(void **state)
{
	(void)state;
	expect(begin(5), 0, 0, 0, 0);
	send_batches(0, 4);
	send_batches(1, 1);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
	expect(begin(6), 5, 1, 400, 500); /* the rig numbers over all topics */
	spool_rig_end();
	expect(begin(7), 5, 1, 400, 500); /* nothing was written in 6 */
	send_batches(1, 1);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
	expect(begin(8), 7, 1, 0, 100);
	spool_rig_end();
}

static void what_the_file_does_not_say_yet_is_found_in_the_logs(void **state)
{
	char old[4096];
	size_t length;

	(void)state;
	spool_rig.drain_seconds = 1;
	(void)begin(5);
	send_batches(0, 2);
	rig_wait(spool_rig.rig, all_kept);
	length = read_file(old, sizeof(old));
	mock_broker_down(spool_rig.mock, 1); /* what is settled may go from the log at an orderly end */
	send_batches(0, 3);
	send_batches(1, 1);
	rig_wait(spool_rig.rig, all_written);
	spool_rig_end();
	write_file(old, length); /* as if it had been killed before the next one was written */
	expect(begin(6), 5, 1, 500, 600);
	spool_rig_end();
}

static void a_damaged_file_says_nothing(void **state)
{
	char text[4096];
	size_t length;

	(void)state;
	live(5, 2);
	length = read_file(text, sizeof(text));
	assert_true(length > 0);
	write_file(text, length / 2);
	expect(begin(6), 0, 0, 0, 0);
	spool_rig_end();
	text[length / 2] ^= 1;
	write_file(text, length);
	expect(begin(7), 0, 0, 0, 0);
	spool_rig_end();
	assert_int_equal(unlink(path("")), 0);
	expect(begin(8), 0, 0, 0, 0);
	spool_rig_end();
	expect(begin(9), 8, 1, 0, 0); /* of which it is known that it wrote nothing */
	spool_rig_end();
}

/* One that was being written when the process ended counts for nothing. */
static void a_file_without_its_name_is_not_read(void **state)
{
	(void)state;
	live(5, 2);
	assert_int_equal(rename(path(""), "/tmp/penstock-reached-test"), 0);
	(void)unlink(path(".new"));
	assert_int_equal(rename("/tmp/penstock-reached-test", path(".new")), 0);
	expect(begin(6), 0, 0, 0, 0);
	send_batches(0, 1);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
	expect(begin(7), 6, 1, 100, 0);
	spool_rig_end();
}

static int nothing_is_on_disk(struct rig *rig)
{
	const struct spool_log_state *log;
	const char *name;
	unsigned files = 0;

	for (unsigned i = 0; (log = spool_log_at(producer_spool(rig->producer), i, &name)) != NULL; i++)
		files += counter_read(&log->segments) != 0;
	return files == 0 && spool_rig_on_disk() == 0;
}

/* A start that delivers what it found, and is killed before it has told of the epoch: the files that the last one's positions point
 * to are gone. */
static void what_was_read_out_before_the_epoch_was_told_of_is_not_forgotten(void **state)
{
	char old[4096];
	size_t length;

	(void)state;
	spool_rig.spool.rest_ms = 1;
	(void)begin(5);
	send_batches(0, 2);
	rig_wait(spool_rig.rig, all_kept);
	length = read_file(old, sizeof(old));
	mock_broker_down(spool_rig.mock, 1);
	send_batches(0, 3);
	send_batches(1, 1);
	rig_wait(spool_rig.rig, all_written);
	spool_rig_end();
	write_file(old, length); /* as if it had been killed */
	mock_broker_up(spool_rig.mock, 1);
	expect(begin(6), 5, 1, 500, 600);
	rig_wait(spool_rig.rig, nothing_is_on_disk);
	spool_rig_end();
	expect(begin(7), 5, 1, 500, 600);
	spool_rig_end();
}

static void append(struct spool_log *log, uint32_t lane, uint64_t first_seq, const char *reason)
{
	struct spool_entry entry = {.topic = "t0", .lane = lane, .records = RECORDS, .events = RECORDS, .pack = 1, .bytes = 1,
		.first_seq = first_seq};
	const struct slice payload = {(const uint8_t *)"x", 1};

	(void)snprintf(entry.reason, sizeof(entry.reason), "%s", reason);
	assert_int_equal(spool_log_append(log, &entry, &payload, 1), 0);
}

/* What was found at a start is parked, or carried to the end of its log: those copies stand behind the positions that the epoch's
 * file names, and are not of the epoch. */
static void what_older_epochs_left_is_not_taken_for_the_last_one_s(void **state)
{
	struct spool_log_config config = {.segment_bytes = 65536, .name = "lane.7"};
	struct spool_disk *disk;
	struct spool_log *log;
	struct error error = {""};
	char text[128];

	(void)state;
	live(5, 4);
	(void)snprintf(text, sizeof(text), "%s/lane.7", spool_rig.directory);
	assert_int_equal(spool_disk_posix_new(&disk, text, &error), 0);
	config.disk = disk;
	assert_int_equal(spool_log_open(&log, &config, &error), 0);
	append(log, LANE, 401, "");
	append(log, LANE, 1001, SPOOL_CARRIED);
	append(log, SPOOL_LANE, 2001, "");
	spool_log_close(log);
	spool_disk_posix_free(disk);
	mock_broker_down(spool_rig.mock, 1); /* they are no records */
	spool_rig.drain_seconds = 1;
	expect(begin(6), 5, 1, 500, 0);
	spool_rig_end();
}

static int is_refused(struct rig *rig)
{
	send_batches(0, all_written(rig) && rig->sent < 12 * RECORDS);
	return counter_read(&spool_rig_counts()->refused) > 0 && counter_read(&spool_rig_counts()->sync_failures) > 0;
}

static void what_the_disk_refuses_makes_the_epoch_inexact(void **state)
{
	const struct spool_reached *before;

	(void)state;
	(void)begin(5);
	send_batches(0, 1);
	rig_wait(spool_rig.rig, rig_all_settled); /* Kafka has the topic: nothing is parked */
	atomic_store(&sync_fails, 1);
	rig_wait(spool_rig.rig, is_refused);
	atomic_store(&sync_fails, 0);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
	before = begin(6);
	assert_int_equal(before->epoch, 5);
	assert_int_equal(before->exact, 0);
	spool_rig_end();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_rig_setup, spool_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_next_start_knows_the_last_sequence_of_each_topic),
		TEST(what_the_file_does_not_say_yet_is_found_in_the_logs),
		TEST(what_was_read_out_before_the_epoch_was_told_of_is_not_forgotten),
		TEST(a_damaged_file_says_nothing),
		TEST(a_file_without_its_name_is_not_read),
		TEST(what_older_epochs_left_is_not_taken_for_the_last_one_s),
		TEST(what_the_disk_refuses_makes_the_epoch_inexact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
