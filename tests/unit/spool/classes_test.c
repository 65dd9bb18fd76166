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

/* Batches of t0, t1 ..., which are in the classes by number. */
static void leave(unsigned class, unsigned batches)
{
	for (unsigned i = 0; i < batches; i++) {
		struct batch *batch = hand_batch((uint16_t)class, 7, 8000);

		batch->class = (uint8_t)class;
		atomic_store(&hand.topics.topics[class].class, (unsigned char)class);
		assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_LEFT);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, hand_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(log_of_a_worker_that_is_gone_keeps_its_class),
	};
#undef TEST

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
