/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/ring.h"

static void mapped_memory_is_aligned_zeroed_and_accounted_for(void **state)
{
	static const struct {
		size_t size, align;
	} cases[] = {{1, 1}, {4096, 64}, {100000, 65536}, {(size_t)5 << 20, 4096}, {(size_t)3 << 20, (size_t)2 << 20}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = memory_mapped_bytes();
		uint8_t *base = memory_map(cases[i].size, cases[i].align, MEMORY_ANY_NODE);

		assert_non_null(base);
		assert_int_equal((uintptr_t)base % cases[i].align, 0);
		assert_true(memory_mapped_bytes() - before >= cases[i].size);
		for (size_t k = 0; k < cases[i].size; k++)
			if (base[k] != 0)
				fail();
		base[cases[i].size - 1] = 1;
		memory_unmap(base, cases[i].size);
		assert_int_equal(memory_mapped_bytes(), before);
	}
	assert_null(memory_map(0, 64, MEMORY_ANY_NODE));
	assert_null(memory_map(64, 48, MEMORY_ANY_NODE));
	assert_int_equal(errno, EINVAL);
	memory_unmap(NULL, 64);
}

static void a_ring_holds_what_was_asked_for_and_no_less(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 4, 7, 8, 100};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct rte_ring *ring = ring_new(counts[i], MEMORY_ANY_NODE);
		void *objects[100];

		assert_non_null(ring);
		for (unsigned k = 0; k < counts[i]; k++)
			assert_int_equal(ring_push(ring, (void *)(uintptr_t)(k + 1)), 1);
		assert_int_equal(ring_count(ring), counts[i]);
		assert_int_equal(ring_pop(ring, objects, 100), counts[i]);
		for (unsigned k = 0; k < counts[i]; k++)
			assert_ptr_equal(objects[k], (void *)(uintptr_t)(k + 1));
		assert_int_equal(ring_pop(ring, objects, 100), 0);
		ring_free(ring);
	}
	ring_free(NULL);
}

#define PASSED 200000u

static void *push_all(void *argument)
{
	for (uintptr_t i = 1; i <= PASSED;)
		i += ring_push(argument, (void *)i);
	return NULL;
}

static void two_threads_pass_pointers_in_order(void **state)
{
	struct rte_ring *ring = ring_new(4, MEMORY_ANY_NODE);
	uintptr_t next = 1;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, push_all, ring), 0);
	while (next <= PASSED) {
		void *objects[3];
		unsigned n = ring_pop(ring, objects, 3);

		for (unsigned i = 0; i < n; i++)
			if ((uintptr_t)objects[i] != next++)
				fail();
	}
	pthread_join(thread, NULL);
	ring_free(ring);
}

/* The order that the ledger stands on: outcomes before the total, the total read first. */
static counter outcome, total;

static void *count_all(void *argument)
{
	(void)argument;
	for (int i = 0; i < 300000; i++) {
		counter_add(&outcome, 1);
		counter_add(&total, 1);
	}
	return NULL;
}

static void a_reader_never_sees_more_in_total_than_outcomes(void **state)
{
	pthread_t thread;
	uint64_t seen;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, count_all, NULL), 0);
	do {
		seen = counter_read(&total);
		if (seen > counter_read(&outcome))
			fail();
	} while (seen < 300000);
	pthread_join(thread, NULL);
}

static void the_clock_tells_utc_and_takes_a_shift(void **state)
{
	struct timespec now;
	int64_t utc, shown;

	(void)state;
	(void)clock_init();
	assert_true(clock_hz() > 100000000);
	clock_gettime(CLOCK_REALTIME, &now);
	utc = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	shown = clock_utc_us(clock_tsc());
	assert_true(shown >= utc - 1000000 && shown <= utc + 60000000);
	clock_shift_us(INT64_C(-86400000000));
	assert_true(clock_utc_us(clock_tsc()) < utc - INT64_C(86000000000));
	clock_shift_us(0);
}

/* What is left of `tail` behind so many digits that `room` bytes of it have a place. */
static void expect_cut(const char *tail, int room, const char *left)
{
	struct error error;
	int before = (int)sizeof(error.text) - 1 - room;

	assert_int_equal(error_set(&error, -EINVAL, "%0*u%s", before, 7, tail), -EINVAL);
	assert_string_equal(error.text + before, left);
}

static void a_sentence_is_cut_where_a_character_begins(void **state)
{
	(void)state;
	expect_cut("ab", 1, "a");
	expect_cut("\xc3\xa9", 1, "");
	expect_cut("\xc3\xa9", 2, "\xc3\xa9");
	expect_cut("\xc3\xa9z", 2, "\xc3\xa9");
	expect_cut("\xe2\x82\xac", 1, "");
	expect_cut("\xe2\x82\xac", 2, "");
	expect_cut("\xe2\x82\xac\xe2\x82\xac", 3, "\xe2\x82\xac");
	expect_cut("\xe2\x82\xac\xe2\x82\xac", 4, "\xe2\x82\xac");
	expect_cut("\xf0\x9f\x98\x80", 1, "");
	expect_cut("\xf0\x9f\x98\x80", 2, "");
	expect_cut("\xf0\x9f\x98\x80", 3, "");
	expect_cut("\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80");
	expect_cut("\xf0\x9f\x98\x80z", 4, "\xf0\x9f\x98\x80");
	expect_cut("\x80\x80\x80\x80\x80", 4, "\x80\x80\x80\x80"); /* no character at all: stays */
	assert_int_equal(error_set(NULL, -EINVAL, "nobody reads it"), -EINVAL);
}

/* What log_write makes of `text`, in `line`. */
static void logged(const char *text, char *line, size_t size)
{
	int ends[2], before = dup(STDERR_FILENO);
	ssize_t got;

	assert_true(before >= 0);
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_write(LOG_ERROR, "%s", text);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	got = read(ends[0], line, size - 1);
	assert_true(got > 0);
	line[got] = '\0';
	close(ends[0]);
	close(ends[1]);
	close(before);
}

static void nothing_in_the_log_moves_a_terminal(void **state)
{
	char line[2048], many[1024];

	(void)state;
	unsetenv("JOURNAL_STREAM");
	logged("a\x1b[31m\nb\x7f", line, sizeof(line));
	assert_string_equal(line, "penstockd: error: a\\x1b[31m\\x0ab\\x7f\n");
	logged("a\xc2\x9b" "31m\xe2\x80\xae" "b\xe2\x81\xa6", line, sizeof(line));
	assert_string_equal(line, "penstockd: error: a\\xc2\\x9b31m\\xe2\\x80\\xaeb\\xe2\\x81\\xa6\n");
	logged("\xc3\xa9\xc2\xa0\xe2\x80\xa6", line, sizeof(line)); /* letters, spaces and dots of others stay */
	assert_string_equal(line, "penstockd: error: \xc3\xa9\xc2\xa0\xe2\x80\xa6\n");
	memset(many, '\x1b', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	logged(many, line, sizeof(line)); /* cut between two */
	assert_string_equal(line + strlen(line) - 5, "\\x1b\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped_memory_is_aligned_zeroed_and_accounted_for),
		cmocka_unit_test(a_ring_holds_what_was_asked_for_and_no_less),
		cmocka_unit_test(two_threads_pass_pointers_in_order),
		cmocka_unit_test(a_reader_never_sees_more_in_total_than_outcomes),
		cmocka_unit_test(a_sentence_is_cut_where_a_character_begins),
		cmocka_unit_test(the_clock_tells_utc_and_takes_a_shift),
		cmocka_unit_test(nothing_in_the_log_moves_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
