/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of lanes, and whose they are when classes or workers are others than before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "batch/settled.h"
#include "hand.h"

#define BYTES 65536u /* a batch takes a segment */
#define MANY  6u     /* of them: more than a small class has room for */

static const struct spool_class hi = {.name = "hi", .percent = 50}, lo = {.name = "lo", .percent = 40},
				small_lo = {.name = "lo", .percent = 10, .policy = SPOOL_KEEP_NEWEST};

static void add_class(const struct spool_class *class)
{
	hand.config.classes[hand.config.class_count++] = *class;
}

static int setup(void **state)
{
	int rc = hand_setup(state);

	hand.config.size_bytes = 2u << 20;
	add_class(&hi);
	add_class(&lo);
	return rc;
}

static void start(void)
{
	hand_start(BYTES);
}

static struct batch *take(enum spool_answer *answer)
{
	struct batch *batch = hand_take(answer);

	if (*answer == SPOOL_READ)
		atomic_fetch_sub(&spool_counters(hand.spool)->passing, batch->events);
	return batch;
}

/* What is read of logs that are left over goes back to the disk meanwhile. */
static enum spool_answer take_answer_of(const struct batch *batch)
{
	enum spool_answer answer;

	for (;;) {
		struct batch *other = take(&answer);

		if (other == batch)
			return answer;
		assert_int_equal(answer, SPOOL_READ);
		batch_unsettle(other);
		hand_give(other, SPOOL_LEAVE);
	}
}

/* Batches of t0, t1 ..., which are in the classes by number. */
static void leave(unsigned class, unsigned batches)
{
	for (unsigned i = 0; i < batches; i++) {
		struct batch *batch = hand_batch((uint16_t)class, 7, 8000);

		batch->class = (uint8_t)class;
		atomic_store(&hand.topics.topics[class].class, (unsigned char)class);
		hand_give(batch, SPOOL_LEAVE);
		assert_int_equal(take_answer_of(batch), SPOOL_LEFT);
		batch_put(hand.pool, batch);
	}
}

static uint64_t bytes_of(unsigned class)
{
	uint64_t bytes, share;

	assert_non_null(spool_class_at(hand.spool, class, &bytes, &share));
	return bytes;
}

static uint64_t made_room(void)
{
	return counter_read(&spool_count(hand.spool)->made_room);
}

static const char *path(const char *name)
{
	static char paths[2][128];
	static unsigned next;
	char *text = paths[next++ % 2];

	(void)snprintf(text, sizeof(paths[0]), "%s/%s", hand.directory, name);
	return text;
}

/* As if there had been one more, and this were its. */
static void fewer_workers(void)
{
	assert_int_equal(rename(path("lane.0"), path("lane.1")), 0);
}

static void log_of_a_worker_that_is_gone_keeps_its_class(void **state)
{
	(void)state;
	start();
	leave(0, MANY);
	hand_stop();
	fewer_workers();
	hand.config.classes[1] = small_lo;
	start();
	leave(1, 1);
	assert_int_equal(made_room(), 0);
	assert_true(bytes_of(0) >= MANY * BYTES);
	assert_in_range(bytes_of(1), BYTES / 2, 2 * BYTES);
}

static const struct spool_class top = {.name = "top", .percent = 10, .policy = SPOOL_KEEP_NEWEST};

static void classes_are(unsigned count, const struct spool_class *const *classes)
{
	hand.config.class_count = 0;
	for (unsigned i = 0; i < count; i++)
		add_class(classes[i]);
}

static uint64_t left_in(unsigned class)
{
	return atomic_load(&spool_lane_state(hand.spool, 0, class)->left);
}

static void class_that_comes_before_others_takes_nothing_from_them(void **state)
{
	(void)state;
	start();
	leave(0, MANY);
	hand_stop();
	classes_are(3, (const struct spool_class *const[]){&top, &hi, &lo});
	start();
	leave(0, 1);
	assert_int_equal(made_room(), 0);
	assert_in_range(bytes_of(0), BYTES / 2, 2 * BYTES);
	assert_true(bytes_of(1) >= MANY * BYTES);
	assert_int_equal(left_in(0), 1);
	assert_int_equal(left_in(1), MANY);
	hand_stop();
	classes_are(3, (const struct spool_class *const[]){&lo, &hi, &top});
	start();
	assert_int_equal(left_in(0), 0);
	assert_int_equal(left_in(1), MANY);
	assert_int_equal(left_in(2), 1);
}

static void log_of_a_worker_that_is_gone_goes_by_the_name_of_its_class(void **state)
{
	(void)state;
	start();
	leave(0, MANY);
	hand_stop();
	fewer_workers();
	classes_are(3, (const struct spool_class *const[]){&top, &lo, &hi});
	start();
	assert_in_range(bytes_of(0) + bytes_of(1), 0, BYTES);
	assert_true(bytes_of(2) >= MANY * BYTES);
}

static void log_of_a_class_that_is_gone_counts_for_the_last_until_it_is_empty(void **state)
{
	(void)state;
	start();
	leave(1, MANY);
	hand_stop();
	classes_are(2, (const struct spool_class *const[]){&top, &hi});
	start();
	assert_true(bytes_of(1) >= MANY * BYTES);
	for (unsigned i = 0; i < MANY; i++) {
		enum spool_answer answer;
		struct batch *batch = take(&answer);

		assert_int_equal(answer, SPOOL_READ);
		hand_give(batch, SPOOL_SETTLE);
	}
	hand_stop();
	assert_int_equal(access(path("lane.0.1"), F_OK), 0);
	start();
	hand_stop();
	if (access(path("lane.0.1"), F_OK) == 0) /* its last file was still there */
		start();
	assert_int_not_equal(access(path("lane.0.1"), F_OK), 0);
}

static void what_was_there_before_there_were_classes_is_the_first_ones(void **state)
{
	(void)state;
	hand.config.class_count = 0;
	start();
	leave(0, MANY);
	hand_stop();
	classes_are(2, (const struct spool_class *const[]){&hi, &small_lo});
	start();
	leave(1, 1);
	assert_int_equal(made_room(), 0);
	assert_true(bytes_of(0) >= MANY * BYTES);
}

/* As a version left it that had no such file, and as a disk may. */
static void without_names_logs_go_by_their_order(void **state)
{
	FILE *file;

	(void)state;
	start();
	leave(1, MANY);
	hand_stop();
	assert_int_equal(unlink(path("classes")), 0);
	start();
	assert_int_equal(left_in(1), MANY);
	hand_stop();
	file = fopen(path("classes"), "we");
	assert_non_null(file);
	assert_true(fputs("penstock classes 1\n0 lo\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	start();
	assert_int_equal(left_in(1), MANY);
	hand_stop();
	classes_are(3, (const struct spool_class *const[]){&lo, &top, &hi});
	start();
	assert_int_equal(left_in(0), MANY);
}

/* A log that nobody knows the class of, and a file of somebody else's, keep their numbers. */
static void new_class_gets_a_number_that_nothing_has(void **state)
{
	FILE *file;

	(void)state;
	start();
	leave(1, MANY);
	hand_stop();
	assert_int_equal(rename(path("lane.0.1"), path("lane.0.2")), 0);
	file = fopen(path("lane.7.3"), "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	classes_are(3, (const struct spool_class *const[]){&top, &hi, &lo});
	start();
	assert_int_equal(left_in(0), 0);
	assert_true(bytes_of(2) >= MANY * BYTES);
	assert_int_equal(access(path("lane.0.4"), F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, hand_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(log_of_a_worker_that_is_gone_keeps_its_class),
		TEST(class_that_comes_before_others_takes_nothing_from_them),
		TEST(log_of_a_worker_that_is_gone_goes_by_the_name_of_its_class),
		TEST(log_of_a_class_that_is_gone_counts_for_the_last_until_it_is_empty),
		TEST(what_was_there_before_there_were_classes_is_the_first_ones),
		TEST(without_names_logs_go_by_their_order),
		TEST(new_class_gets_a_number_that_nothing_has),
	};
#undef TEST

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
