/* SPDX-License-Identifier: Apache-2.0 */
/* Of one topic and partition nothing overtakes what came before it, in whatever hands that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "silent.h"

#define RECORDS   20u
#define ORDER_MAX 64u
#define FOUND     (2 * 4u) /* batches on disk at a start: twice as many as the client gets of them before it has said something */

/* The first sequences of the batches, as the egress gets them. */
static uint64_t sequences[ORDER_MAX];
static atomic_uint handed_over;

static atomic_int sync_waits, sync_has_begun;

/* In the library's place: the spool's own. */
int fdatasync(int file)
{
	while (atomic_load(&sync_waits)) {
		atomic_store(&sync_has_begun, 1);
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	return (int)syscall(SYS_fdatasync, file);
}

static uint32_t order_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	unsigned n = atomic_load(&handed_over);

	if (*index == 0 && n < ORDER_MAX) {
		sequences[n] = batch->first_seq;
		atomic_store(&handed_over, n + 1);
	}
	return silent_ops.submit(egress, batch, offset, index, most);
}

static void begin(void)
{
	static struct egress_ops order_ops;

	order_ops = silent_ops;
	order_ops.submit = order_submit;
	atomic_store(&handed_over, 0);
	spool_rig.egress = &order_ops;
	spool_rig_begin();
}

static int setup(void **state)
{
	int rc = spool_rig_setup(state);

	atomic_store(&silent[0], 1);
	return rc;
}

static int teardown(void **state)
{
	atomic_store(&silent[0], 0);
	atomic_store(&sync_waits, 0);
	return spool_rig_teardown(state);
}

static void send_batches(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rig_send(spool_rig.rig, 0, 0, RECORDS, 40);
}

static int is_received(struct rig *rig)
{
	return counter_read(&producer_counters(rig->producer)->received) == rig->sent;
}

static int is_all_acked(struct rig *rig)
{
	return rig_acked(rig) == rig->sent + counter_read(&spool_rig_counts()->recovered);
}

static void leave_behind(void)
{
	begin();
	spool_rig.rig->lane.credit = 4 * RIG_BATCHES; /* in the lane's log: nothing is parked */
	send_batches(FOUND);
	spool_rig_end();
}

/* All that was on disk is in memory, and as much of it with the client as it gets. */
static int is_read(struct rig *rig)
{
	const char *name;

	return counter_read(&producer_counters(rig->producer)->from_disk) == FOUND * RECORDS &&
	       atomic_load(&spool_log_at(producer_spool(rig->producer), 0, &name)->left) == 0 &&
	       atomic_load(&handed_over) == FOUND / 2;
}

/* The client has not said anything of the first ones that were read: the others wait in memory, and the log is empty. */
static void fresh_batch_waits_for_those_that_were_read(void **state)
{
	(void)state;
	spool_rig.spool.replay_bytes = 64 * RIG_BATCH_SIZE;
	spool_rig.drain_seconds = 0;
	spool_rig.stuck_ms = 4000; /* so long as nothing is acknowledged, Kafka is there all the same */
	leave_behind();
	begin();
	rig_wait(spool_rig.rig, is_read);
	send_batches(1);
	rig_wait(spool_rig.rig, is_received);
	atomic_store(&silent[0], 0);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	assert_int_equal(atomic_load(&handed_over), FOUND + 1);
	for (unsigned i = 0; i < FOUND; i++)
		assert_int_equal(sequences[i], i * RECORDS + 1);
	assert_int_equal(sequences[FOUND], 1); /* the rig numbers anew */
}

static int is_first_acked(struct rig *rig)
{
	return rig_acked(rig) == RECORDS;
}

static int is_being_written(struct rig *rig)
{
	(void)rig;
	return atomic_load(&sync_has_begun);
}

/* Kafka is back before the disk has what it was left while Kafka was away: neither the log nor the client has it. */
static void next_batch_waits_for_one_on_its_way_to_the_disk(void **state)
{
	(void)state;
	begin();
	rig_wait(spool_rig.rig, spool_rig_is_there); /* as it seems at first */
	send_batches(1);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	atomic_store(&sync_has_begun, 0);
	atomic_store(&sync_waits, 1);
	send_batches(1);
	rig_wait(spool_rig.rig, is_being_written);
	atomic_store(&silent[0], 0);
	rig_wait(spool_rig.rig, is_first_acked);
	send_batches(1);
	rig_wait(spool_rig.rig, is_received);
	assert_int_equal(spool_rig_on_disk(), 0);
	atomic_store(&sync_waits, 0);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	assert_int_equal(atomic_load(&handed_over), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sequences[i], i * RECORDS + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(fresh_batch_waits_for_those_that_were_read),
		TEST(next_batch_waits_for_one_on_its_way_to_the_disk),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
