/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters that are to be delivered once more. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "letters.h"
#include "picky.h"

/* Four letters, of the numbers 0, 10, 20 (of t0) and 30 (of t1), in a log that was closed. */
static void make_letters(void)
{
	picky = (struct picky){.limit = 1000000, .guilty_every = 10};
	letters_begin(0, 64u << 20);
	rig_send(spool_rig.rig, 0, 0, 30, 100);
	rig_wait(spool_rig.rig, rig_all_settled);
	rig_send(spool_rig.rig, 1, 0, 1, 100);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
	picky.guilty_every = 0;
}

/* How many letters are to be tried. */
static uint64_t replay(const char *topic)
{
	uint64_t letters = 0, events = 0;

	assert_int_equal(producer_exhume(spool_rig.rig->producer, topic, 5000, &letters, &events), 0);
	assert_int_equal(letters, events);
	return letters;
}

/* The spool's equation, as the ledger has it. */
static int spool_adds_up(void)
{
	const struct spool_counters *s = spool_rig_counts();

	return counter_read(&s->recovered) + counter_read(&letters_counts()->to_disk) + counter_read(&s->exhumed) ==
	       atomic_load(&s->returning) + counter_read(&s->spooled) + counter_read(&s->parked) + atomic_load(&s->passing) +
		       counter_read(&s->reburied) + counter_read(&s->damaged) + counter_read(&s->made_room) +
		       counter_read(&s->settled) + counter_read(&letters_counts()->from_disk);
}

static int is_replayed(struct rig *r)
{
	const struct spool_counters *s = spool_rig_counts();

	(void)r;
	return counter_read(&s->exhuming) == 0 && counter_read(&s->exhumed) != 0 && counter_read(&letters_counts()->held) == 0;
}

/* What is settled behind the frontier is known to the disk when the log has nothing else there. */
static int is_carried(struct rig *r)
{
	const struct spool_log_state *state;
	const char *name;

	(void)r;
	for (unsigned i = 0; (state = spool_log_at(producer_spool(spool_rig.rig->producer), i, &name)) != NULL; i++)
		if (strcmp(name, "dead.0") == 0)
			return counter_read(&state->end) - counter_read(&state->frontier) == atomic_load(&state->left);
	return 0;
}

static void letters_are_delivered_when_asked_for(void **state)
{
	struct letters *letters;

	(void)state;
	make_letters();
	letters_begin(0, 64u << 20);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 4);
	assert_int_equal(replay(NULL), 4);
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_topic_acked(spool_rig.rig, 0), 3);
	assert_int_equal(rig_topic_acked(spool_rig.rig, 1), 1);
	assert_int_equal(counter_read(&letters_counts()->from_disk), 4);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 0);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 0);
	rig_wait(spool_rig.rig, is_carried);
	assert_int_equal(counter_read(&spool_rig_counts()->dead_since_us), 0);
	assert_true(spool_adds_up());
	rig_wait(spool_rig.rig, spool_rig_hours_are_complete);
	assert_int_equal(replay(NULL), 0);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 0);
	free(letters);
}

/* Those of others, which are in the way of the frontier, are letters still; those that were delivered are not, after a restart. */
static void letters_of_one_topic_are_delivered_alone(void **state)
{
	struct letters *letters;

	(void)state;
	make_letters();
	letters_begin(0, 64u << 20);
	assert_int_equal(replay("t2"), 0);
	assert_int_equal(replay("t1"), 1);
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_topic_acked(spool_rig.rig, 0), 0);
	assert_int_equal(rig_topic_acked(spool_rig.rig, 1), 1);
	rig_wait(spool_rig.rig, is_carried);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 3);
	assert_true(counter_read(&spool_rig_counts()->dead_since_us) > 0);
	assert_true(spool_adds_up());
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 3);
	assert_int_equal(letters->numbers[0] + letters->numbers[1] + letters->numbers[2], 0 + 10 + 20);
	assert_string_equal(letters->last.reason, "INVALID_RECORD");
	free(letters);
	letters_begin(0, 64u << 20);
	assert_int_equal(replay("t0"), 3);
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_acked(spool_rig.rig), 3);
	spool_rig_end();
}

static void letters_that_are_refused_again_are_letters_again(void **state)
{
	struct letters *letters;

	(void)state;
	make_letters();
	picky.guilty_every = 20; /* 0 and 20 */
	letters_begin(0, 64u << 20);
	assert_int_equal(replay(NULL), 4);
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_acked(spool_rig.rig), 2);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 2);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 2);
	assert_int_equal(counter_read(&spool_rig_counts()->reburied), 0);
	rig_wait(spool_rig.rig, is_carried);
	assert_true(spool_adds_up());
	rig_wait(spool_rig.rig, spool_rig_hours_are_complete);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 2);
	assert_int_equal(letters->numbers[0] + letters->numbers[1], 20);
	free(letters);
}

/* There is no room for a second copy: the first one counts. */
static void letters_that_are_refused_again_stay_when_the_disk_has_no_room(void **state)
{
	struct letters *letters;

	(void)state;
	make_letters();
	picky.guilty_every = 20;
	letters_begin(0, 4096);
	assert_int_equal(replay(NULL), 4);
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_acked(spool_rig.rig), 2);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 0);
	assert_int_equal(counter_read(&letters_counts()->given_up_invalid), 0);
	assert_int_equal(counter_read(&spool_rig_counts()->reburied), 2);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 2);
	assert_true(spool_adds_up());
	rig_wait(spool_rig.rig, spool_rig_hours_are_complete);
	picky.guilty_every = 0;
	assert_int_equal(replay(NULL), 2);
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_acked(spool_rig.rig), 4);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 0);
	free(letters);
}

static int is_all_acked(struct rig *r)
{
	return rig_acked(r) == r->sent + 3;
}

static int is_tried(struct rig *r)
{
	(void)r;
	return counter_read(&letters_counts()->held) != 0 || counter_read(&spool_rig_counts()->reburied) != 0;
}

/* Kafka is away: they wait, and are letters again after a stop, and nobody remembers that they were asked for. */
static void letters_that_were_not_delivered_at_a_stop_are_letters(void **state)
{
	(void)state;
	make_letters();
	picky.away = 1;
	letters_begin(0, 64u << 20);
	assert_int_equal(replay(NULL), 4);
	rig_wait(spool_rig.rig, is_tried);
	producer_stop(spool_rig.rig->producer);
	assert_true(counter_read(&spool_rig_counts()->exhumed) > 0);
	assert_int_equal(counter_read(&letters_counts()->held), 0);
	spool_rig_end();
	picky.away = 0;
	letters_begin(0, 64u << 20);
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), 0);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 4);
	rig_send(spool_rig.rig, 0, 0, 10, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(rig_acked(spool_rig.rig), 10);
	assert_int_equal(counter_read(&spool_rig_counts()->exhumed), 0);
	assert_int_equal(replay(NULL), 4);
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_acked(spool_rig.rig), 14);
	assert_true(spool_adds_up());
	spool_rig_end();
}

/* Longer than it takes to see that Kafka is away, and back while they wait: each is delivered once. */
static void letters_wait_while_kafka_is_away(void **state)
{
	(void)state;
	make_letters();
	picky.away = 1;
	letters_begin(0, 64u << 20);
	spool_rig.rig->config.drain_seconds = 10;
	assert_int_equal(replay(NULL), 4);
	rig_wait(spool_rig.rig, is_tried);
	picky.away = 0;
	rig_wait(spool_rig.rig, is_replayed);
	assert_int_equal(rig_acked(spool_rig.rig), 4);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 0);
	assert_true(spool_adds_up());
	spool_rig_end();
}

/* Ends with the process, once so many letters are letters anew: in the place of kill -9. */
static void replay_until(const char *directory, uint64_t again)
{
	(void)spool_rig_setup(NULL);
	(void)rmdir(spool_rig.directory);
	(void)strcpy(spool_rig.directory, directory);
	picky = (struct picky){.limit = 1000000, .guilty_every = 1};
	spool_rig.egress = &picky_ops;
	letters_begin(0, 64u << 20);
	(void)replay(NULL);
	while (counter_read(&letters_counts()->dead_lettered) < again)
		(void)sched_yield();
	(void)kill(getpid(), SIGKILL);
}

static void kill_at(const char *again)
{
	uint8_t seen[200] = {0};
	struct letters *letters;
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		(void)execl("/proc/self/exe", "producer_replay", spool_rig.directory, again, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	letters = letters_read();
	for (unsigned i = 0; i < letters->count; i++)
		seen[letters->numbers[i]] = 1;
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(seen[i], 1);
	free(letters);
}

/* Each is there: where it stood, where it was written anew, or in both places. */
static void letters_survive_a_kill_while_they_are_tried(void **state)
{
	(void)state;
	picky.guilty_every = 1;
	letters_begin(0, 64u << 20);
	rig_send(spool_rig.rig, 0, 0, 200, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
	kill_at("1");
	kill_at("40");
	kill_at("160");
}

/* A topic that stands still while another one moves: its letters go to its log, and are delivered from there. */
static void letters_of_a_sick_topic_are_parked(void **state)
{
	(void)state;
	make_letters();
	letters_begin(0, 64u << 20);
	picky.sick = 1;
	rig_send(spool_rig.rig, 0, 0, 10, 20);
	assert_int_equal(replay("t0"), 3);
	for (unsigned i = 0; i < 1000 && counter_read(&spool_rig_counts()->parked) < 3; i++) {
		rig_send(spool_rig.rig, 1, 0, 1, 20);
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 20000000}, NULL);
	}
	assert_true(counter_read(&spool_rig_counts()->parked) >= 3);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 1);
	picky.sick = 0;
	rig_wait(spool_rig.rig, is_replayed);
	rig_wait(spool_rig.rig, is_all_acked);
	assert_int_equal(rig_topic_acked(spool_rig.rig, 0), 13);
	assert_true(spool_adds_up());
	rig_wait(spool_rig.rig, spool_rig_hours_are_complete);
	spool_rig_end();
}

/* With arguments, it is the process that kill_at wants to end. */
int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, letters_setup, spool_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(letters_are_delivered_when_asked_for),
		TEST(letters_of_one_topic_are_delivered_alone),
		TEST(letters_that_are_refused_again_are_letters_again),
		TEST(letters_that_are_refused_again_stay_when_the_disk_has_no_room),
		TEST(letters_that_were_not_delivered_at_a_stop_are_letters),
		TEST(letters_wait_while_kafka_is_away),
		TEST(letters_survive_a_kill_while_they_are_tried),
		TEST(letters_of_a_sick_topic_are_parked),
	};
#undef TEST

	log_set_level(LOG_ERROR);
	if (argc == 3)
		replay_until(argv[1], strtoull(argv[2], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
