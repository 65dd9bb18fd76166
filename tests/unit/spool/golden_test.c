/* SPDX-License-Identifier: Apache-2.0 */
/* The files in tests/golden/spool, which were made from the documentation and not by the code under test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "sim_disk.h"
#include "spool/format.h"

static struct sim_disk *sim;
static struct spool_log *spool;
static struct error error;

static void put_file(const char *folder, const char *name)
{
	static uint8_t data[16384];
	char path[600];
	FILE *file;
	size_t size;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", GOLDEN, folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(data, 1, sizeof(data), file);
	assert_true(size > 0 && size < sizeof(data));
	(void)fclose(file);
	sim_disk_put(sim, name, data, size);
}

static int open_folder(const char *folder)
{
	struct spool_log_config config = {.segment_bytes = SPOOL_SEGMENT_MIN, .name = "golden"};
	const struct dirent *entry;
	char path[600];
	DIR *names;

	sim = sim_disk_new(1, 0);
	config.disk = sim_disk_of(sim);
	(void)snprintf(path, sizeof(path), "%s/%s", GOLDEN, folder);
	names = opendir(path);
	assert_non_null(names);
	while ((entry = readdir(names)) != NULL)
		if (entry->d_name[0] != '.')
			put_file(folder, entry->d_name);
	(void)closedir(names);
	return spool_log_open(&spool, &config, &error);
}

static struct spool_entry numbers_of(unsigned position, uint32_t bytes)
{
	return (struct spool_entry){.position = position,
		.partition = (int32_t)position - 1,
		.lane = 7,
		.records = 10 + position,
		.events = 10 + position,
		.pack = 1,
		.bytes = bytes,
		.first_seq = 1000 + position,
		.hour = 490000 + (int64_t)position,
		.opened_us = INT64_C(1700000000000001) + (int64_t)position,
		.base_ms = INT64_C(1700000000000) + (int64_t)position};
}

static void expect_letter(
	unsigned position, uint64_t offset, const char *topic, const char *reason, const void *payload, uint32_t bytes)
{
	struct spool_entry want = numbers_of(position, bytes), got;
	uint8_t data[300];

	want.offset = offset;
	(void)snprintf(want.topic, sizeof(want.topic), "%s", topic);
	(void)snprintf(want.reason, sizeof(want.reason), "%s", reason);
	assert_int_equal(spool_log_read(spool, 0, &got, data, sizeof(data)), 1);
	assert_memory_equal(&got, &want, sizeof(got));
	assert_memory_equal(data, payload, bytes);
}

static void expect(unsigned position, uint64_t offset, const char *topic, const void *payload, uint32_t bytes)
{
	expect_letter(position, offset, topic, "", payload, bytes);
}

static void version_1_is_read(void **state)
{
	uint8_t counting[256];
	struct spool_log_info info;
	char longest[SPOOL_TOPIC_MAX + 1] = "";
	struct spool_entry entry;

	(void)state;
	for (unsigned i = 0; i < sizeof(counting); i++)
		counting[i] = (uint8_t)i;
	memset(longest, 't', SPOOL_TOPIC_MAX);
	assert_int_equal(open_folder("v1"), 0);
	spool_log_info(spool, &info);
	assert_int_equal(info.frontier, 1);
	assert_int_equal(info.end, 6);
	assert_int_equal(info.end_offset, 66);
	assert_int_equal(info.recovered, 56);
	assert_int_equal(info.given_up, 4);
	expect(1, 10, "requests", counting, sizeof(counting));
	expect(2, 21, longest, "", 0);
	expect(3, 33, "clicks", "x", 1);
	expect(5, 51, "clicks", "the last one", 12);
	assert_int_equal(spool_log_read(spool, 0, &entry, counting, sizeof(counting)), 0);
	spool_log_info(spool, &info);
	assert_int_equal(info.damaged, 0);
	assert_int_equal(info.empty, 5);
	spool_log_close(spool);
	sim_disk_free(sim);
}

static void reasons_are_read(void **state)
{
	char topic[SPOOL_TOPIC_MAX + 1] = "", reason[SPOOL_REASON_MAX + 1] = "";

	(void)state;
	memset(topic, 't', SPOOL_TOPIC_MAX);
	memset(reason, 'R', SPOOL_REASON_MAX);
	assert_int_equal(open_folder("letters"), 0);
	expect_letter(0, 0, "clicks", "MSG_SIZE_TOO_LARGE", "too long", 8);
	expect_letter(1, 10, topic, reason, "y", 1);
	expect_letter(2, 21, "clicks", "INVALID_RECORD", "", 0);
	spool_log_close(spool);
	sim_disk_free(sim);
}

/* What is written today is what was written then. */
static void expect_written(const char *folder)
{
	uint8_t head[SPOOL_HEAD_MAX];
	struct spool_found found;
	const uint8_t *data;
	uint64_t size;
	unsigned entries = 0;

	assert_int_equal(open_folder(folder), 0);
	data = sim_disk_get(sim, "00000000000000000000.log", &size);
	assert_int_equal(spool_segment_check((const struct spool_segment_header *)(const void *)data), 0);
	for (uint64_t at = 64; at + sizeof(struct spool_entry_header) <= size; at += SPOOL_ALIGN) {
		uint32_t len;

		if (!spool_entry_decode(&found, data + at, size - at, at, 0))
			continue;
		len = spool_entry_encode(head, &found);
		assert_int_equal(len, found.payload_at - at);
		assert_memory_equal(head, data + at, len);
		assert_int_equal(found.payload_crc, crc32c(0, data + found.payload_at, found.entry.bytes));
		entries++;
	}
	assert_int_equal(entries, 3);
	spool_log_close(spool);
	sim_disk_free(sim);
}

static void version_1_is_written(void **state)
{
	(void)state;
	expect_written("v1");
	expect_written("letters");
}

static void a_newer_version_is_refused_with_a_sentence(void **state)
{
	uint64_t size;

	(void)state;
	assert_int_equal(open_folder("newer-segment"), -ENOTSUP);
	assert_string_equal(error.text,
		"golden: 00000000000000000000.log is of a newer format than this program's 1: start the "
		"version that wrote it");
	assert_non_null(sim_disk_get(sim, "00000000000000000000.log", &size));
	assert_int_equal(sim_disk_open_files(sim), 0);
	sim_disk_free(sim);
	assert_int_equal(open_folder("newer-state"), -ENOTSUP);
	assert_string_equal(error.text,
		"golden: its state is of a newer format than this program's 1: start the version that wrote it");
	assert_int_equal(sim_disk_open_files(sim), 0);
	sim_disk_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_is_read),
		cmocka_unit_test(reasons_are_read),
		cmocka_unit_test(version_1_is_written),
		cmocka_unit_test(a_newer_version_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
