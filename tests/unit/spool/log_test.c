/* SPDX-License-Identifier: Apache-2.0 */
/* The log on a real directory, without anything going wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "scratch.h"
#include "spool/log.h"

static struct spool_disk *disk;
static struct spool_log *spool;

static int open_log(void)
{
	struct spool_log_config config = {.disk = disk, .segment_bytes = SPOOL_SEGMENT_MIN, .name = "lane 0"};
	struct error error;

	return spool_log_open(&spool, &config, &error);
}

static int begin(void **state)
{
	struct error error;

	(void)state;
	return spool_disk_posix_new(&disk, scratch_new(), &error) != 0 || open_log() != 0;
}

static int end(void **state)
{
	(void)state;
	spool_log_close(spool);
	spool_disk_posix_free(disk);
	scratch_free();
	return 0;
}

static void reopen(void)
{
	spool_log_close(spool);
	assert_int_equal(open_log(), 0);
}

static struct spool_log_info info_now(void)
{
	struct spool_log_info info;

	spool_log_info(spool, &info);
	return info;
}

static uint8_t payload[SPOOL_PAYLOAD_MAX + 1];

/* An entry whose numbers all follow from `number`. */
static struct spool_entry entry_of(unsigned number, uint32_t bytes)
{
	struct spool_entry entry = {.partition = (int32_t)number - 1,
		.lane = number + 1,
		.records = number + 2,
		.events = number + 3,
		.pack = number + 4,
		.bytes = bytes,
		.first_seq = number + UINT64_C(5),
		.hour = number + INT64_C(6),
		.opened_us = number + INT64_C(7),
		.base_ms = number + INT64_C(8)};

	(void)snprintf(entry.topic, sizeof(entry.topic), "topic-%u", number);
	for (uint32_t i = 0; i < bytes; i++)
		payload[i] = (uint8_t)(number + i);
	return entry;
}

static void append(unsigned number, uint32_t bytes)
{
	struct spool_entry entry = entry_of(number, bytes);
	struct slice pieces[3] = {{payload, bytes / 3}, {NULL, 0}, {payload + bytes / 3, bytes - bytes / 3}};
	uint64_t before = info_now().end, offset = info_now().end_offset;

	assert_int_equal(spool_log_append(spool, &entry, pieces, 3), 0);
	assert_int_equal(entry.position, before);
	assert_int_equal(entry.offset, offset);
	assert_int_equal(spool_log_mark_of(spool, before), SPOOL_IN_MEMORY);
	assert_int_equal(info_now().end_offset, offset + number + 3);
}

static uint8_t taken[SPOOL_PAYLOAD_MAX];

static void expect(uint64_t from, uint64_t position, unsigned number, uint32_t bytes)
{
	struct spool_entry want = entry_of(number, bytes), got;

	assert_int_equal(spool_log_read(spool, from, &got, taken, sizeof(taken)), 1);
	assert_int_equal(got.position, position);
	want.position = got.position;
	want.offset = got.offset;
	assert_memory_equal(&got, &want, sizeof(got));
	assert_memory_equal(taken, payload, bytes);
	assert_int_equal(spool_log_mark_of(spool, position), SPOOL_IN_MEMORY);
}

static void expect_nothing(void)
{
	struct spool_entry got;

	assert_int_equal(spool_log_read(spool, 0, &got, taken, sizeof(taken)), 0);
}

static void crc32c_agrees_with_its_published_check_values(void **state)
{
	uint8_t zeros[32] = {0};

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa); /* RFC 3720, B.4 */
	assert_int_equal(crc32c(crc32c(0, "12345", 5), "6789", 4), 0xe3069283);
	assert_int_equal(crc32c(0, NULL, 0), 0);
}

static void crc32c_of_pieces_is_that_of_the_whole(void **state)
{
	uint32_t whole;

	(void)state;
	(void)entry_of(7, 40000);
	whole = crc32c(0, payload + 1, 39990);
	for (uint32_t cut = 0; cut < 39990; cut += 997) {
		uint32_t bytewise = crc32c(0, payload + 1, cut);

		for (uint32_t i = 0; i < 5 && cut + i < 39990; i++)
			bytewise = crc32c(bytewise, payload + 1 + cut + i, 1);
		if (cut + 5 < 39990)
			bytewise = crc32c(bytewise, payload + 1 + cut + 5, 39990 - cut - 5);
		assert_int_equal(bytewise, whole);
	}
}

static void a_new_log_is_empty_and_stays_so(void **state)
{
	(void)state;
	assert_int_equal(spool_log_sync(spool), 0);
	assert_int_equal(spool_log_commit(spool), 0);
	expect_nothing();
	reopen();
	assert_int_equal(info_now().end, 0);
	assert_int_equal(info_now().segments, 0);
	assert_int_equal(scratch_count("", NULL), 0);
}

static void entries_come_back_after_a_reopen_as_they_were(void **state)
{
	(void)state;
	append(1, 100);
	append(2, 0);
	append(3, 30000);
	assert_true(spool_log_unsynced(spool) > 30100);
	assert_int_equal(spool_log_sync(spool), 0);
	assert_int_equal(spool_log_unsynced(spool), 0);
	expect_nothing(); /* their owner has them */
	reopen();
	assert_int_equal(info_now().recovered, 4 + 5 + 6);
	assert_int_equal(info_now().synced, 3);
	expect(0, 0, 1, 100);
	expect(0, 1, 2, 0);
	expect(0, 2, 3, 30000);
	expect_nothing();
	assert_int_equal(info_now().damaged, 0);
}

static void what_is_given_back_can_be_read_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		append(i, 10000);
	spool_log_mark(spool, 3, SPOOL_ON_DISK);
	spool_log_mark(spool, 15, SPOOL_ON_DISK);
	expect(0, 3, 3, 10000);
	expect(0, 15, 15, 10000);
	spool_log_mark(spool, 3, SPOOL_ON_DISK);
	spool_log_mark(spool, 16, SPOOL_ON_DISK);
	expect(4, 16, 16, 10000);
	expect(0, 3, 3, 10000);
	expect_nothing();
}

static void the_frontier_moves_over_settled_ones_at_its_front_only(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		append(i, 1000);
	spool_log_mark(spool, 1, SPOOL_SETTLED);
	spool_log_mark(spool, 3, SPOOL_SETTLED);
	assert_int_equal(info_now().frontier, 0);
	spool_log_mark(spool, 0, SPOOL_SETTLED);
	assert_int_equal(info_now().frontier, 2);
	assert_int_equal(info_now().frontier_offset, 3 + 4);
	spool_log_mark(spool, 0, SPOOL_ON_DISK); /* too late */
	assert_int_equal(spool_log_mark_of(spool, 0), SPOOL_SETTLED);
	assert_int_equal(spool_log_commit(spool), 0);
	reopen();
	assert_int_equal(info_now().frontier, 2);
	assert_int_equal(info_now().recovered, 5 + 6 + 7);
	expect(0, 2, 2, 1000);
	expect(0, 3, 3, 1000); /* settled above the frontier: a duplicate */
	expect(0, 4, 4, 1000);
}

static void segments_go_when_all_in_them_is_settled(void **state)
{
	unsigned segments;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		append(i, 10000);
	segments = info_now().segments;
	assert_true(segments >= 7);
	assert_int_equal(scratch_count(".log", NULL), segments);
	for (unsigned i = 0; i < 40; i++)
		spool_log_mark(spool, i, SPOOL_SETTLED);
	assert_int_equal(spool_log_commit(spool), 0);
	assert_int_equal(info_now().segments, 1);
	assert_int_equal(scratch_count(".log", NULL), 1);
	assert_int_equal(info_now().frontier_offset, info_now().end_offset);
	reopen();
	assert_int_equal(info_now().end, 40);
	assert_int_equal(info_now().recovered, 0);
	assert_int_equal(scratch_count(".log", NULL), 0);
	append(40, 10);
	reopen();
	assert_int_equal(scratch_count(".log", NULL), 1);
	expect(0, 40, 40, 10);
	spool_log_mark(spool, 40, SPOOL_SETTLED);
	assert_int_equal(spool_log_commit(spool), 0);
	assert_int_equal(scratch_count(".log", NULL), 0);
	assert_int_equal(info_now().bytes, 0);
	reopen();
	assert_int_equal(info_now().end, 41);
}

static void an_entry_larger_than_a_segment_gets_one_of_its_own(void **state)
{
	(void)state;
	append(1, 10);
	append(2, SPOOL_PAYLOAD_MAX);
	append(3, 10);
	assert_int_equal(info_now().segments, 3);
	reopen();
	expect(0, 0, 1, 10);
	expect(0, 1, 2, SPOOL_PAYLOAD_MAX);
	expect(0, 2, 3, 10);
}

static void a_payload_that_does_not_fit_is_left_where_it_is(void **state)
{
	struct spool_entry got;

	(void)state;
	append(1, 500);
	reopen();
	assert_int_equal(spool_log_read(spool, 0, &got, taken, 499), -EMSGSIZE);
	assert_int_equal(got.bytes, 500);
	assert_int_equal(spool_log_mark_of(spool, 0), SPOOL_ON_DISK);
	expect(0, 0, 1, 500);
}

static void an_entry_that_contradicts_itself_is_refused(void **state)
{
	struct spool_entry entry = entry_of(1, 10);
	struct slice piece = {payload, 11};

	(void)state;
	assert_int_equal(spool_log_append(spool, &entry, &piece, 1), -EINVAL);
	entry = entry_of(1, SPOOL_PAYLOAD_MAX);
	entry.bytes = piece.len = SPOOL_PAYLOAD_MAX + 1;
	assert_int_equal(spool_log_append(spool, &entry, &piece, 1), -EINVAL);
	assert_int_equal(info_now().end, 0);
}

static void what_was_settled_unread_counts_with_its_events(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		append(i, 10000);
	reopen();
	for (unsigned i = 0; i < 4; i++)
		spool_log_mark(spool, i, SPOOL_SETTLED);
	assert_int_equal(info_now().frontier_offset, 3 + 4 + 5 + 6);
}

static void the_oldest_segment_is_given_up_and_counted(void **state)
{
	uint64_t lost = 0;
	int64_t events;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		append(i, 10000);                          /* six a segment */
	assert_int_equal(spool_log_drop_oldest(spool, NULL, NULL), 0); /* all in memory */
	assert_int_equal(info_now().frontier, 6);
	reopen();
	expect(0, 6, 6, 10000);
	spool_log_mark(spool, 7, SPOOL_SETTLED);
	events = spool_log_drop_oldest(spool, NULL, NULL);
	for (unsigned i = 8; i < 12; i++)
		lost += i + 3;
	assert_int_equal(events, lost);
	assert_int_equal(info_now().given_up, lost);
	assert_int_equal(info_now().frontier, 12);
	spool_log_mark(spool, 6, SPOOL_SETTLED); /* its owner's, late */
	reopen();
	assert_int_equal(info_now().given_up, lost);
	assert_int_equal(info_now().frontier, 12);
	expect(0, 12, 12, 10000);
	assert_true(spool_log_drop_oldest(spool, NULL, NULL) > 0);
	assert_true(spool_log_drop_oldest(spool, NULL, NULL) > 0);
	assert_int_equal(spool_log_drop_oldest(spool, NULL, NULL), 0);
	assert_int_equal(info_now().frontier, 20);
	assert_int_equal(info_now().frontier_offset, info_now().end_offset);
	assert_int_equal(info_now().segments, 0);
}

static void files_of_others_are_left_alone(void **state)
{
	(void)state;
	append(1, 10);
	spool_log_close(spool);
	scratch_write("notes.txt", "mine", 4);
	scratch_write("0000.log", "mine", 4);
	assert_int_equal(open_log(), 0);
	expect(0, 0, 1, 10);
	assert_true(scratch_has("notes.txt") && scratch_has("0000.log"));
}

static void what_cannot_be_a_segment_is_put_aside(void **state)
{
	(void)state;
	append(1, 10);
	spool_log_close(spool);
	scratch_mkdir("00000000000000000001.log");
	scratch_write("00000000000000000002.log", "", 0);
	scratch_write("00000000000000000003.log", "what is this", 12);
	assert_int_equal(open_log(), 0);
	assert_true(scratch_has("00000000000000000001.log.bad"));
	assert_int_equal(scratch_count("2.log", NULL) + scratch_count("2.log.bad", NULL), 0);
	assert_true(scratch_has("00000000000000000003.log.bad"));
	assert_int_equal(info_now().end, 1);
	expect(0, 0, 1, 10);
	append(2, 10);
	reopen();
	expect(0, 0, 1, 10);
	expect(0, 1, 2, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_agrees_with_its_published_check_values),
		cmocka_unit_test(crc32c_of_pieces_is_that_of_the_whole),
		cmocka_unit_test_setup_teardown(a_new_log_is_empty_and_stays_so, begin, end),
		cmocka_unit_test_setup_teardown(entries_come_back_after_a_reopen_as_they_were, begin, end),
		cmocka_unit_test_setup_teardown(what_is_given_back_can_be_read_again, begin, end),
		cmocka_unit_test_setup_teardown(the_frontier_moves_over_settled_ones_at_its_front_only, begin, end),
		cmocka_unit_test_setup_teardown(segments_go_when_all_in_them_is_settled, begin, end),
		cmocka_unit_test_setup_teardown(an_entry_larger_than_a_segment_gets_one_of_its_own, begin, end),
		cmocka_unit_test_setup_teardown(a_payload_that_does_not_fit_is_left_where_it_is, begin, end),
		cmocka_unit_test_setup_teardown(an_entry_that_contradicts_itself_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(what_was_settled_unread_counts_with_its_events, begin, end),
		cmocka_unit_test_setup_teardown(the_oldest_segment_is_given_up_and_counted, begin, end),
		cmocka_unit_test_setup_teardown(files_of_others_are_left_alone, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_a_segment_is_put_aside, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
