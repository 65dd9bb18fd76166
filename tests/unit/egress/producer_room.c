/* SPDX-License-Identifier: Apache-2.0 */
/* Room on the disk: what a log has reserved and holds nothing is given back, sooner when others want it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "letters.h"
#include "picky.h"

#define RECORDS 100u

static atomic_int disk_is_full; /* as long as a log has a file */

static int has_no_file(struct rig *rig)
{
	const struct spool_log_state *log;
	const char *name;

	for (unsigned i = 0; (log = spool_log_at(producer_spool(rig->producer), i, &name)) != NULL; i++)
		if (counter_read(&log->segments) != 0 || counter_read(&log->bytes) != 0)
			return 0;
	return 1;
}

/* In the library's place: the spool's own. */
int mkdir(const char *path, mode_t mode)
{
	if (atomic_load(&disk_is_full) && !has_no_file(spool_rig.rig)) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_mkdir, path, mode);
}

static void begin(int write_first)
{
	spool_rig.write_first = write_first;
	spool_rig_begin();
}

static int teardown(void **state)
{
	atomic_store(&disk_is_full, 0);
	return spool_rig_teardown(state);
}

static void send_batch(uint16_t topic)
{
	rig_send(spool_rig.rig, topic, 0, RECORDS, 40);
}

static int is_all_acked(struct rig *r)
{
	const struct spool_counters *c = spool_rig_counts();

	return rig_acked(r) == r->sent && counter_read(&c->spooled) + counter_read(&c->parked) == 0;
}

static int is_refused(struct rig *r)
{
	(void)r;
	return counter_read(&spool_rig_counts()->refused) > 0;
}

/* Room that was reserved for more is given back, and taken anew when there is more. */
static void log_that_holds_nothing_for_long_has_no_file(void **state)
{
	(void)state;
	spool_rig.spool.rest_ms = 100;
	begin(1);
	for (unsigned i = 0; i < 2; i++) {
		send_batch(0);
		rig_wait(spool_rig.rig, is_all_acked);
		rig_wait(spool_rig.rig, has_no_file);
	}
	spool_rig_end();
	begin(1);
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), 0);
	spool_rig_end();
}

/* When there is no room, what is reserved for more and holds nothing is given back at once. */
static void log_that_holds_nothing_makes_room_that_is_wanted(void **state)
{
	(void)state;
	spool_rig.spool.rest_ms = 3600000;
	spool_rig.spool.size_bytes = 1u << 20;
	spool_rig.spool.segment_bytes = 1u << 20;
	begin(1);
	while (!is_refused(spool_rig.rig)) {
		send_batch(0);
		rig_wait(spool_rig.rig, is_all_acked);
	}
	rig_wait(spool_rig.rig, has_no_file);
	spool_rig_end();
}

static int second_topic_is_parked(struct rig *r)
{
	(void)r;
	return counter_read(&spool_rig_counts()->parked) > 0;
}

/* All but the first batch, which the client may have taken. */
static int is_left(struct rig *r)
{
	return spool_rig_on_disk() + RECORDS >= r->sent;
}

/* The same when not even the directory of a log has room. */
static void log_that_cannot_be_made_wants_room(void **state)
{
	(void)state;
	spool_rig.spool.rest_ms = 3600000;
	mock_broker_down(spool_rig.mock, 1);
	begin(0);
	rig_wait(spool_rig.rig, spool_rig_is_there); /* as it seems at first */
	send_batch(0);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	send_batch(0);
	rig_wait(spool_rig.rig, is_left);
	mock_leader(spool_rig.mock, "t1", 0, MOCK_NO_LEADER);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	assert_false(has_no_file(spool_rig.rig));
	atomic_store(&disk_is_full, 1);
	for (unsigned i = 0; i < 10; i++)
		send_batch(1);
	rig_wait(spool_rig.rig, second_topic_is_parked);
	mock_leader(spool_rig.mock, "t1", 0, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
}

/* The same when a letter finds none: it is given up by name, but the next may be kept. */
static void letter_that_finds_no_room_wants_it(void **state)
{
	(void)state;
	spool_rig.spool.rest_ms = 3600000;
	picky.guilty_every = 50;
	letters_begin(1, 64u << 20);
	atomic_store(&disk_is_full, 1);
	rig_send(spool_rig.rig, 0, 0, 200, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 0);
	rig_wait(spool_rig.rig, has_no_file);
	atomic_store(&disk_is_full, 0);
	spool_rig_end();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_rig_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(log_that_holds_nothing_for_long_has_no_file),
		TEST(log_that_holds_nothing_makes_room_that_is_wanted),
		TEST(log_that_cannot_be_made_wants_room),
		cmocka_unit_test_setup_teardown(letter_that_finds_no_room_wants_it, letters_setup, teardown),
	};
#undef TEST

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
