/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "batch/record.h"

static struct batch_pool *pool;

static struct batch *fresh(unsigned count, uint32_t size)
{
	assert_int_equal(batch_pool_new(&pool, count, size, 3, -1), 0);
	return batch_get(pool);
}

static void home(struct batch *batch)
{
	batch_put(pool, batch);
	assert_int_equal(batch_pool_free(pool), 0);
}

static int add(struct batch *batch, const char *key, uint32_t key_len, const char *value, uint32_t len)
{
	const struct slice k = {(const uint8_t *)key, key_len};
	struct record_writer writer;
	uint8_t *at;

	record_writer_begin(&writer, batch);
	at = record_open(&writer, k, len);
	if (at != NULL) {
		memcpy(at, value, len);
		record_close(&writer, at + len);
	}
	record_writer_end(&writer, batch);
	return at != NULL;
}

/* Kafka's documentation of the record, by hand: length 9 and 8, attributes, deltas, key "k" or none, value, no headers. */
static void records_are_written_as_kafka_has_them(void **state)
{
	static const uint8_t expected[] = {
		18, 0, 0, 0, 2, 'k', 4, 'v', 'w', 0, /* key of 1, value of 2 */
		14, 0, 0, 2, 1, 2, 'x', 0,           /* no key, value of 1, offset delta 1 */
		14, 0, 0, 4, 0, 2, 'y', 0,           /* empty key */
	};
	struct batch *batch = fresh(1, 8192);

	(void)state;
	assert_true(add(batch, "k", 1, "vw", 2));
	assert_true(add(batch, NULL, 0, "x", 1));
	assert_true(add(batch, "", 0, "y", 1));
	assert_int_equal(batch->bytes, sizeof(expected));
	assert_memory_equal(batch->data, expected, sizeof(expected));
	home(batch);
}

/* Length, index and value's length each pass from one byte to two and three. */
static void numbers_take_as_many_bytes_as_they_need(void **state)
{
	static const uint32_t lengths[] = {0, 53, 54, 55, 56, 62, 63, 64, 65, 100, 8181, 8182, 8183, 8184, 8190, 8191, 8192, 8193};
	static char text[9000];
	struct batch *batch = fresh(1, 1u << 21);
	uint32_t offset = 0;
	struct record record;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 10 * ARRAY_LENGTH(lengths); i++)
		assert_true(add(batch, NULL, 0, text, lengths[i % ARRAY_LENGTH(lengths)]));
	for (unsigned i = 0; i < 10 * ARRAY_LENGTH(lengths); i++) {
		uint32_t len = lengths[i % ARRAY_LENGTH(lengths)], begin = offset;
		const uint8_t *at = batch->data + begin;
		int head = 1 + (at[0] >= 128) + (at[0] >= 128 && at[1] >= 128);

		assert_int_equal(record_next(batch, &offset, &record), 1);
		assert_int_equal(record.value.len, len);
		assert_null(record.key.data);
		assert_memory_equal(record.value.data, text, len);
		assert_ptr_equal(record.value.data + len + 1, batch->data + offset);
		assert_int_equal(record.value.data - at,
			head + 2 + (i < 64 ? 1 : 2) + 1 + (len < 64 ? 1 : len < 8192 ? 2 : 3));
	}
	assert_int_equal(record_next(batch, &offset, &record), 0);
	home(batch);
}

static int add_timed(struct batch *batch, const char *key, const char *value, int64_t time_ms)
{
	const struct slice k = {(const uint8_t *)key, key != NULL ? (uint32_t)strlen(key) : 0};
	uint32_t len = (uint32_t)strlen(value);
	struct record_writer writer;
	uint8_t *at;

	record_writer_begin(&writer, batch);
	at = record_open_timed(&writer, batch, k, len, time_ms);
	if (at != NULL) {
		memcpy(at, value, len);
		record_close(&writer, at + len);
	}
	record_writer_end(&writer, batch);
	return at != NULL;
}

/* By hand: deltas 0, 1, -1, 63, -64, 64 and 8192 as zig-zag varints. */
static void times_are_written_as_deltas(void **state)
{
	static const uint8_t expected[] = {
		14, 0, 0, 0, 1, 2, 'a', 0,
		14, 0, 2, 2, 1, 2, 'b', 0,
		14, 0, 1, 4, 1, 2, 'c', 0,
		14, 0, 126, 6, 1, 2, 'd', 0,
		14, 0, 127, 8, 1, 2, 'e', 0,
		18, 0, 0x80, 1, 10, 2, 'k', 2, 'f', 0,
		18, 0, 0x80, 0x80, 1, 12, 1, 2, 'g', 0,
	};
	struct batch *batch = fresh(1, 8192);

	(void)state;
	batch->base_ms = 1000000;
	assert_true(add_timed(batch, NULL, "a", 1000000));
	assert_true(add_timed(batch, NULL, "b", 1000001));
	assert_true(add_timed(batch, NULL, "c", 999999));
	assert_true(add_timed(batch, NULL, "d", 1000063));
	assert_true(add_timed(batch, NULL, "e", 999936));
	assert_true(add_timed(batch, "k", "f", 1000064));
	assert_true(add_timed(batch, NULL, "g", 1008192));
	assert_int_equal(batch->bytes, sizeof(expected));
	assert_memory_equal(batch->data, expected, sizeof(expected));
	home(batch);
}

static void any_time_is_read_back(void **state)
{
	static const int64_t bases[] = {1, 1700000000123, -1, INT64_MAX, INT64_MIN};
	struct batch *batch = fresh(1, 1u << 20);
	struct record record;

	(void)state;
	for (size_t b = 0; b < ARRAY_LENGTH(bases); b++) {
		uint32_t offset = 0, bytes;

		batch->bytes = batch->records = 0;
		batch->base_ms = bases[b];
		for (unsigned shift = 0; shift < 63; shift++) {
			int64_t delta = INT64_C(1) << shift;

			if (bases[b] <= 0 || bases[b] <= INT64_MAX - delta)
				assert_true(add_timed(batch, shift % 2 ? "key" : NULL, "value", bases[b] + delta));
			if (bases[b] >= 0 || bases[b] >= INT64_MIN + delta)
				assert_true(add_timed(batch, NULL, "", bases[b] - delta));
		}
		for (unsigned shift = 0; shift < 63; shift++) {
			int64_t delta = INT64_C(1) << shift;

			if (bases[b] <= 0 || bases[b] <= INT64_MAX - delta) {
				assert_int_equal(record_next(batch, &offset, &record), 1);
				assert_int_equal(record.value.len, 5);
				assert_true(record.time_ms == bases[b] + delta);
			}
			if (bases[b] >= 0 || bases[b] >= INT64_MIN + delta) {
				assert_int_equal(record_next(batch, &offset, &record), 1);
				assert_int_equal(record.value.len, 0);
				assert_true(record.time_ms == bases[b] - delta);
			}
		}
		bytes = offset;
		assert_int_equal(bytes, batch->bytes);
	}
	/* Without a base there is no time. */
	batch->base_ms = 0;
	assert_int_equal(record_next(batch, &(uint32_t){0}, &record), 1);
	assert_int_equal(record.time_ms, 0);
	home(batch);
}

/* A record whose value grows, with an index of one and two bytes. */
static void packed_records_keep_their_time(void **state)
{
	static const int64_t deltas[] = {0, -1, 64, -86400000, INT64_C(1) << 40};
	struct batch *batch = fresh(1, 1u << 20);
	uint32_t offset = 0;
	struct record record;

	(void)state;
	batch->base_ms = 1700000000123;
	for (uint32_t i = 0; i < 200; i++) {
		uint8_t *from = batch->data + batch->bytes, *at;

		at = record_open_packed(from, i, deltas[i % ARRAY_LENGTH(deltas)]);
		for (unsigned more = 1; more < 4; more++) {
			memcpy(at, "line\n", 5);
			at += 5;
			*at = 0;
			record_mend_packed(from, i, at + 1);
		}
		batch->bytes = (uint32_t)(at + 1 - batch->data);
		batch->records++;
	}
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(record_next(batch, &offset, &record), 1);
		assert_int_equal(record.value.len, 15);
		assert_memory_equal(record.value.data, "line\nline\nline\n", 15);
		assert_true(record.time_ms == batch->base_ms + deltas[i % ARRAY_LENGTH(deltas)]);
	}
	assert_int_equal(record_next(batch, &offset, &record), 0);
	home(batch);
}

static void what_is_written_is_read_back(void **state)
{
	static char text[70000];
	struct batch *batch = fresh(1, 262144);
	uint32_t lengths[BATCH_RECORDS], keys[BATCH_RECORDS], offset = 0;
	struct record record;
	unsigned n = 0;

	(void)state;
	srand(7);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)rand();
	for (; n < BATCH_RECORDS; n++) {
		lengths[n] = (uint32_t)rand() % (n % 50 == 0 ? 66000u : 120u);
		keys[n] = (uint32_t)rand() % 80;
		if (!add(batch, n % 3 == 0 ? NULL : text + n, keys[n], text, lengths[n]))
			break;
	}
	assert_true(n > 20);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(record_next(batch, &offset, &record), 1);
		assert_int_equal(record.value.len, lengths[i]);
		assert_memory_equal(record.value.data, text, lengths[i]);
		assert_true((record.key.data == NULL) == (i % 3 == 0));
		if (record.key.data != NULL) {
			assert_int_equal(record.key.len, keys[i]);
			assert_memory_equal(record.key.data, text + i, keys[i]);
		}
	}
	assert_int_equal(record_next(batch, &offset, &record), 0);
	home(batch);
}

static void a_full_batch_is_left_as_it_was(void **state)
{
	struct batch *batch = fresh(1, 4096);
	static char text[4096];
	uint32_t bytes;

	(void)state;
	assert_true(add(batch, NULL, 0, text, 1000));
	bytes = batch->bytes;
	assert_false(add(batch, NULL, 0, text, 4000));
	assert_int_equal(batch->bytes, bytes);
	assert_int_equal(batch->records, 1);
	home(batch);
}

static void a_batch_takes_so_many_records_and_no_more(void **state)
{
	struct batch *batch = fresh(1, 262144);
	unsigned n = 0;

	(void)state;
	while (add(batch, NULL, 0, "x", 1))
		n++;
	assert_int_equal(n, BATCH_RECORDS);
	home(batch);
}

/* Whatever stands in the batch, the reader stays inside it and ends. */
static void damaged_records_end_the_reading(void **state)
{
	struct batch *batch = fresh(1, 8192);
	struct record record;

	(void)state;
	batch->base_ms = 1700000000123;
	for (int i = 0; i < 20; i++)
		assert_true(add_timed(batch, "key", "some value", batch->base_ms - i * 100000));
	srand(11);
	for (int round = 0; round < 20000; round++) {
		uint32_t at = (uint32_t)rand() % batch->bytes, offset = 0;
		uint8_t before = batch->data[at];

		batch->data[at] = (uint8_t)rand();
		while (record_next(batch, &offset, &record)) {
			assert_true(record.value.data == NULL ||
				    record.value.data + record.value.len <= batch->data + batch->bytes);
			assert_true(record.key.data == NULL || record.key.data + record.key.len <= batch->data + batch->bytes);
		}
		assert_true(offset <= batch->bytes);
		batch->data[at] = before;
	}
	home(batch);
}

static void batch_get_returns_null_when_all_are_out(void **state)
{
	struct batch *first = fresh(2, 4096), *second = batch_get(pool);

	(void)state;
	assert_non_null(second);
	assert_null(batch_get(pool));
	assert_int_equal(batch_pool_available(pool), 0);
	batch_put(pool, second);
	assert_int_equal(batch_pool_available(pool), 1);
	assert_int_equal(first->lane, 3);
	home(first);
}

static void a_batch_that_is_not_home_is_counted_as_a_leak(void **state)
{
	struct batch *batch = fresh(3, 4096);

	(void)state;
	(void)batch;
	assert_int_equal(batch_pool_free(pool), 1);
}

static void a_tag_names_a_record_and_its_batch(void **state)
{
	struct batch *batch = fresh(2, 8192), *found;
	uint32_t index;

	(void)state;
	for (uint32_t i = 0; i < BATCH_RECORDS; i += 13) {
		found = batch_of_tag(batch_tag(batch, i), &index);
		assert_ptr_equal(found, batch);
		assert_int_equal(index, i);
	}
	home(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_written_as_kafka_has_them),
		cmocka_unit_test(numbers_take_as_many_bytes_as_they_need),
		cmocka_unit_test(times_are_written_as_deltas),
		cmocka_unit_test(any_time_is_read_back),
		cmocka_unit_test(packed_records_keep_their_time),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_full_batch_is_left_as_it_was),
		cmocka_unit_test(a_batch_takes_so_many_records_and_no_more),
		cmocka_unit_test(damaged_records_end_the_reading),
		cmocka_unit_test(batch_get_returns_null_when_all_are_out),
		cmocka_unit_test(a_batch_that_is_not_home_is_counted_as_a_leak),
		cmocka_unit_test(a_tag_names_a_record_and_its_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
