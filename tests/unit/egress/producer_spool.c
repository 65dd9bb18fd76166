/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "spool_rig.h"

#define RECORDS 100u

static atomic_int sync_fails, write_fails, write_waits; /* the last: seconds, once */

/* In the library's place: the spool's own. */
int fdatasync(int file)
{
	if (atomic_load(&sync_fails)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, file);
}

ssize_t pwritev64(int file, const struct iovec *pieces, int count, off64_t offset)
{
	(void)nanosleep(&(struct timespec){atomic_exchange(&write_waits, 0), 0}, NULL);
	if (atomic_load(&write_fails)) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwritev, file, pieces, (long)count, (long)offset, 0L);
}

static void begin(int write_first)
{
	spool_rig.write_first = write_first;
	spool_rig_begin();
}

static int teardown(void **state)
{
	atomic_store(&sync_fails, 0);
	atomic_store(&write_fails, 0);
	return spool_rig_teardown(state);
}

static uint64_t recovered(void)
{
	return counter_read(&spool_rig_counts()->recovered);
}

static void send_batches(uint16_t topic, unsigned batches)
{
	for (unsigned i = 0; i < batches; i++)
		rig_send(spool_rig.rig, topic, 0, RECORDS, 40);
}

/* All that is held is on disk, but for what the client has. */
static int is_left(struct rig *r)
{
	const struct spool_counters *c = spool_rig_counts();

	return counter_read(&c->spooled) + counter_read(&c->parked) >= r->sent / 2;
}

static int is_left_some(struct rig *r)
{
	(void)r;
	return counter_read(&spool_rig_counts()->spooled) + counter_read(&spool_rig_counts()->parked) > 0;
}

static int is_all_acked(struct rig *r)
{
	const struct spool_counters *c = spool_rig_counts();

	return rig_acked(r) == r->sent + recovered() && counter_read(&c->spooled) + counter_read(&c->parked) == 0;
}

static int is_all_written(struct rig *r)
{
	return counter_read(&spool_rig_counts()->written) == r->sent;
}

struct seen {
	uint8_t times[20000];
	unsigned count, again, out_of_order;
	long last;
};

static void note(
	void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	struct seen *seen = context;
	char text[24] = "";
	long number;

	(void)key;
	(void)key_len;
	(void)time_ms;
	memcpy(text, value, value_len < sizeof(text) ? value_len : sizeof(text) - 1);
	number = strtol(text, NULL, 10);
	assert_in_range(number, 0, sizeof(seen->times) - 1);
	seen->count += seen->times[number] == 0;
	seen->again += seen->times[number] != 0;
	seen->times[number] = 1;
	seen->out_of_order += number < seen->last;
	seen->last = number;
}

static struct seen *read_topic(const char *topic)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	assert_non_null(seen);
	seen->last = -1;
	(void)mock_read(spool_rig.mock, topic, 0, note, seen);
	return seen;
}

/* Many times the pool passes while Kafka is away. Of one topic and partition nothing is lost, repeated or overtaken. */
static void outage(int write_first)
{
	struct seen *seen;

	begin(write_first);
	send_batches(0, 4);
	rig_wait(spool_rig.rig, is_all_acked);
	mock_broker_down(spool_rig.mock, 1);
	send_batches(0, 10 * RIG_BATCHES);
	rig_wait(spool_rig.rig, is_left);
	mock_broker_up(spool_rig.mock, 1);
	send_batches(0, 4);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	seen = read_topic("t0");
	assert_int_equal(seen->count, (8 + 10 * RIG_BATCHES) * RECORDS);
	assert_int_equal(seen->again, 0);
	assert_int_equal(seen->out_of_order, 0);
	free(seen);
}

static void outage_goes_to_disk_and_comes_back_in_order(void **state)
{
	(void)state;
	outage(0);
}

static void outage_goes_to_disk_and_comes_back_in_order_when_written_first(void **state)
{
	(void)state;
	outage(1);
}

/* What was held at the stop is on disk, and the next one delivers it. */
static void stop_in_an_outage_loses_nothing(void **state)
{
	struct seen *seen;
	uint64_t sent;

	for (int write_first = 0; write_first < 2; write_first++) {
		(void)state;
		begin(write_first);
		mock_broker_down(spool_rig.mock, 1);
		send_batches(1, 3 * RIG_BATCHES);
		sent = spool_rig.rig->sent;
		spool_rig_end();
		begin(write_first);
		assert_int_equal(recovered(), sent);
		mock_broker_up(spool_rig.mock, 1);
		rig_wait(spool_rig.rig, is_all_acked);
		spool_rig_end();
		begin(write_first);
		assert_int_equal(recovered(), 0);
		spool_rig_end();
	}
	seen = read_topic("t1");
	assert_int_equal(seen->count, 3 * RIG_BATCHES * RECORDS);
	assert_int_equal(seen->again, seen->count); /* the numbers of the second round */
	free(seen);
}

static void written_first_is_settled_when_acked(void **state)
{
	const struct spool_log_state *log;
	const char *name;

	(void)state;
	begin(1);
	for (unsigned i = 0; i < 20; i++) {
		send_batches(0, 1);
		send_batches(1, 1);
		rig_wait(spool_rig.rig, is_all_acked);
	}
	assert_true(is_all_written(spool_rig.rig));
	log = spool_log_at(producer_spool(spool_rig.rig->producer), 0, &name);
	assert_string_equal(name, "lane.7");
	assert_int_equal(counter_read(&log->end), 40);
	spool_rig_end();
	begin(1);
	assert_int_equal(recovered(), 0);
	spool_rig_end();
}

static int first_topic_is_through(struct rig *r)
{
	return rig_topic_acked(r, 0) == 100 * RECORDS;
}

static int second_topic_is_parked(struct rig *r)
{
	(void)r;
	return counter_read(&spool_rig_counts()->parked) > 0;
}

/* The other topic's records go to a log of their own, and the first one flows. */
static void sick_topic_is_parked(int write_first)
{
	struct seen *seen;

	mock_leader(spool_rig.mock, "t1", 0, MOCK_NO_LEADER);
	begin(write_first);
	for (unsigned i = 0; i < 100; i++) {
		send_batches(0, 1);
		if (i % 10 == 0)
			send_batches(1, 1);
		nanosleep(&(struct timespec){0, 80000000}, NULL);
	}
	rig_wait(spool_rig.rig, second_topic_is_parked);
	rig_wait(spool_rig.rig, first_topic_is_through);
	assert_int_equal(rig_topic_acked(spool_rig.rig, 1), 0);
	mock_leader(spool_rig.mock, "t1", 0, 1);
	send_batches(1, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	seen = read_topic("t1");
	assert_int_equal(seen->count, 11 * RECORDS);
	assert_int_equal(seen->again, 0);
	assert_int_equal(seen->out_of_order, 0);
	free(seen);
}

static void sick_topic_is_parked_in_a_log_of_its_own(void **state)
{
	(void)state;
	sick_topic_is_parked(0);
}

static void sick_topic_is_parked_in_a_log_of_its_own_when_written_first(void **state)
{
	(void)state;
	sick_topic_is_parked(1);
}

static int is_refused(struct rig *r)
{
	(void)r;
	return counter_read(&spool_rig_counts()->refused) > 0;
}

/* The spool is full: what does not fit waits in memory, and nothing is given up. */
static void full_spool_holds_what_it_has(void **state)
{
	(void)state;
	mock_broker_down(spool_rig.mock, 1);
	begin(0);
	producer_stop(spool_rig.rig->producer);
	rig_free(spool_rig.rig);
	spool_rig.spool.size_bytes = 65536;
	spool_rig.drain_seconds = 30;
	begin(0);
	send_batches(0, RIG_BATCHES);
	rig_wait(spool_rig.rig, is_refused);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
}

static int has_failed_to_sync(struct rig *r)
{
	(void)r;
	return counter_read(&spool_rig_counts()->sync_failures) > 1;
}

static int is_acked(struct rig *r)
{
	return rig_acked(r) == r->sent;
}

static void leave_and_take_back(void)
{
	mock_broker_down(spool_rig.mock, 1);
	send_batches(0, RIG_BATCHES);
	rig_wait(spool_rig.rig, is_left_some);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_acked);
}

/* Batches that were left to a disk which then fails to keep them come back, and go to Kafka from memory. */
static void what_the_disk_fails_to_keep_is_delivered(int write_first)
{
	struct seen *seen;

	begin(write_first);
	send_batches(0, 4);
	rig_wait(spool_rig.rig, is_all_acked);
	leave_and_take_back(); /* a log that is new would refuse at once */
	mock_broker_down(spool_rig.mock, 1);
	atomic_store(&sync_fails, 1);
	send_batches(0, RIG_BATCHES);
	rig_wait(spool_rig.rig, has_failed_to_sync);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_acked);
	atomic_store(&sync_fails, 0);
	mock_broker_down(spool_rig.mock, 1);
	send_batches(0, 2 * RIG_BATCHES);
	rig_wait(spool_rig.rig, is_left_some);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	begin(write_first);
	assert_int_equal(recovered(), 0);
	spool_rig_end();
	seen = read_topic("t0");
	assert_int_equal(seen->count, (4 + 4 * RIG_BATCHES) * RECORDS);
	assert_int_equal(seen->again, 0);
	free(seen);
}

static void what_the_disk_fails_to_keep_is_delivered_from_memory(void **state)
{
	(void)state;
	what_the_disk_fails_to_keep_is_delivered(0);
}

static void what_the_disk_fails_to_keep_is_delivered_from_memory_when_written_first(void **state)
{
	(void)state;
	what_the_disk_fails_to_keep_is_delivered(1);
}

/* Neither Kafka nor the disk has taken it when everything ends: it is counted, and recorded for those who look for gaps. */
static void what_nobody_takes_is_recorded_at_a_stop(int write_first)
{
	uint64_t given_up;

	begin(write_first);
	send_batches(0, 4);
	rig_wait(spool_rig.rig, is_all_acked);
	mock_broker_down(spool_rig.mock, 1);
	atomic_store(&write_fails, 1);
	send_batches(0, 4);
	rig_stop(spool_rig.rig);
	given_up = counter_read(&producer_counters(spool_rig.rig->producer)->given_up_stopped);
	atomic_store(&write_fails, 0);
	assert_int_equal(given_up, 4 * RECORDS);
	rig_free(spool_rig.rig);
	spool_rig.rig = NULL;
	assert_int_equal(spool_rig_recorded("\"stopped\"", "all"), given_up);
}

static void what_nobody_takes_is_recorded_at_a_stop_when_left_to_disk(void **state)
{
	(void)state;
	what_nobody_takes_is_recorded_at_a_stop(0);
}

static void what_nobody_takes_is_recorded_at_a_stop_when_written_first(void **state)
{
	(void)state;
	what_nobody_takes_is_recorded_at_a_stop(1);
}

/* Nothing of the topic is acknowledged meanwhile, but it is not Kafka that is waited for. */
static void slow_disk_makes_no_topic_sick(void **state)
{
	(void)state;
	begin(1);
	send_batches(0, 2);
	rig_wait(spool_rig.rig, is_all_acked);
	atomic_store(&write_waits, 6);
	send_batches(0, 1); /* more would be parked for want of credit */
	rig_wait(spool_rig.rig, is_all_acked);
	assert_int_equal(counter_read(&producer_counters(spool_rig.rig->producer)->to_disk), 0);
	spool_rig_end();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_rig_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(outage_goes_to_disk_and_comes_back_in_order),
		TEST(outage_goes_to_disk_and_comes_back_in_order_when_written_first),
		TEST(stop_in_an_outage_loses_nothing),
		TEST(written_first_is_settled_when_acked),
		TEST(sick_topic_is_parked_in_a_log_of_its_own),
		TEST(sick_topic_is_parked_in_a_log_of_its_own_when_written_first),
		TEST(full_spool_holds_what_it_has),
		TEST(what_the_disk_fails_to_keep_is_delivered_from_memory),
		TEST(what_the_disk_fails_to_keep_is_delivered_from_memory_when_written_first),
		TEST(what_nobody_takes_is_recorded_at_a_stop_when_left_to_disk),
		TEST(what_nobody_takes_is_recorded_at_a_stop_when_written_first),
		TEST(slow_disk_makes_no_topic_sick),
	};
#undef TEST

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
