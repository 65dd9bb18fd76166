/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small log of three segments and a state, of which each byte is changed, each file cut at each length, and each file
 * taken away. It opens every time, loses what was damaged and nothing else, and counts that to the event.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "random.h"
#include "sim_disk.h"
#include "spool/format.h"

#define FILES    4u
#define ENTRIES  12u /* four a segment */
#define SETTLED  2u  /* by the state's newer slot; by the other one, one less */
#define SEGMENTS 3u

struct file {
	char name[SPOOL_NAME_MAX];
	uint8_t *data;
	uint64_t size;
};

/* An entry's bytes: all but its padding matter. */
struct place {
	unsigned file;
	uint64_t begin, end;
	uint32_t events;
};

static struct file files[FILES];
static struct place places[ENTRIES + 1];
static struct sim_disk *sim;
static struct spool_log *spool;

static void open_log(void)
{
	struct spool_log_config config = {
		.disk = sim_disk_of(sim), .segment_bytes = SPOOL_SEGMENT_MIN, .name = "damaged"};
	struct error error = {""};

	if (spool_log_open(&spool, &config, &error) != 0) {
		print_error("%s\n", error.text);
		fail();
	}
}

static uint32_t make(unsigned number, struct spool_entry *entry, uint8_t payload[64])
{
	*entry = (struct spool_entry){
		.events = 3 + number * number, .records = 1, .pack = 1, .bytes = 10 + number, .first_seq = number};
	(void)snprintf(entry->topic, sizeof(entry->topic), "topic%u", number % 3);
	(void)snprintf(entry->reason, sizeof(entry->reason), "%s", number % 2 == 0 ? "" : "INVALID_RECORD");
	memset(payload, (int)number, 64);
	return entry->events;
}

static void append(unsigned number)
{
	struct spool_entry entry;
	uint8_t payload[64];
	struct slice piece = {payload, 0};

	places[number].events = make(number, &entry, payload);
	piece.len = entry.bytes;
	assert_int_equal(spool_log_append(spool, &entry, &piece, 1), 0);
	assert_int_equal(entry.position, number);
}

static void keep_files(void)
{
	for (unsigned i = 0; i < FILES; i++) {
		const uint8_t *data;

		if (i < SEGMENTS)
			spool_segment_name(files[i].name, (uint64_t)i * (ENTRIES / SEGMENTS));
		else
			(void)snprintf(files[i].name, sizeof(files[i].name), "state");
		data = sim_disk_get(sim, files[i].name, &files[i].size);
		assert_non_null(data);
		files[i].data = malloc(files[i].size);
		assert_non_null(files[i].data);
		memcpy(files[i].data, data, files[i].size);
	}
}

static void find_places(void)
{
	for (unsigned file = 0, number = 0; file < SEGMENTS; file++)
		for (uint64_t at = 0; at + sizeof(struct spool_entry_header) <= files[file].size; at += SPOOL_ALIGN) {
			struct spool_found found;

			if (!spool_entry_decode(&found, files[file].data + at, files[file].size - at, at, 0))
				continue;
			places[number].file = file;
			places[number].begin = at;
			places[number++].end = found.payload_at + found.entry.bytes;
		}
	assert_int_equal(places[ENTRIES - 1].file, SEGMENTS - 1);
}

/* Each opening begins a segment; a sync within one begins a block. */
static int build(void **state)
{
	(void)state;
	sim = sim_disk_new(1, 0);
	for (unsigned i = 0; i < ENTRIES; i++) {
		if (i % (ENTRIES / SEGMENTS) == 0)
			open_log();
		append(i);
		if (i == 5)
			assert_int_equal(spool_log_sync(spool), 0);
		if (i % (ENTRIES / SEGMENTS) != ENTRIES / SEGMENTS - 1)
			continue;
		for (unsigned k = 0; i == ENTRIES - 1 && k < SETTLED; k++) {
			spool_log_mark(spool, k, SPOOL_SETTLED);
			assert_int_equal(spool_log_commit(spool), 0);
		}
		spool_log_close(spool);
	}
	keep_files();
	find_places();
	sim_disk_free(sim);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FILES; i++)
		free(files[i].data);
	return 0;
}

/* All files but one, which is changed before. */
static void begin(unsigned changed, const uint8_t *data, uint64_t size)
{
	sim = sim_disk_new(1, 0);
	for (unsigned i = 0; i < FILES; i++)
		if (i != changed)
			sim_disk_put(sim, files[i].name, files[i].data, files[i].size);
		else if (data != NULL)
			sim_disk_put(sim, files[i].name, data, size);
}

static void take(unsigned number)
{
	struct spool_entry got, want;
	uint8_t data[64], payload[64];

	assert_int_equal(spool_log_read(spool, 0, &got, data, sizeof(data)), 1);
	(void)make(number, &want, payload);
	want.position = number;
	want.offset = got.offset;
	assert_memory_equal(&got, &want, sizeof(got));
	assert_memory_equal(data, payload, got.bytes);
	spool_log_mark(spool, number, SPOOL_SETTLED);
}

/* Everything from `from` on is there, but what `lost` has a bit for. */
static void check(unsigned from, unsigned lost)
{
	struct spool_log_info info;
	struct spool_entry entry;
	uint64_t events = 0;
	uint8_t data[64];

	open_log();
	for (unsigned i = from; i < ENTRIES; i++)
		if ((lost >> i & 1) != 0)
			events += places[i].events;
		else
			take(i);
	assert_int_equal(spool_log_read(spool, 0, &entry, data, sizeof(data)), 0);
	spool_log_info(spool, &info);
	assert_int_equal(info.damaged, events);
	assert_int_equal(info.frontier, ENTRIES);
	assert_int_equal(info.end, ENTRIES);
	assert_int_equal(info.frontier_offset, info.end_offset);
	append(ENTRIES);
}

/* All but the new entry is settled. Whoever was damaged is kept aside. */
static void finish(const char *aside)
{
	struct spool_log_info info;
	uint64_t size;

	spool_log_close(spool);
	if (aside != NULL)
		assert_non_null(sim_disk_get(sim, aside, &size));
	open_log();
	spool_log_info(spool, &info);
	assert_int_equal(info.segments, 1);
	assert_int_equal(info.frontier, ENTRIES);
	assert_int_equal(info.end, ENTRIES + 1);
	assert_int_equal(info.damaged, 0);
	spool_log_close(spool);
	assert_int_equal(sim_disk_open_files(sim), 0);
	sim_disk_free(sim);
}

static void change_byte(unsigned file, uint64_t at, uint8_t mask)
{
	char aside[SPOOL_NAME_MAX + 8];
	unsigned lost = 0;

	files[file].data[at] ^= mask;
	begin(file, files[file].data, files[file].size);
	files[file].data[at] ^= mask;
	for (unsigned i = SETTLED; i < ENTRIES; i++)
		if (places[i].file == file && at >= places[i].begin && at < places[i].end)
			lost |= 1u << i;
	(void)snprintf(aside, sizeof(aside), "%.*s.bad", (int)sizeof(files[file].name), files[file].name);
	check(SETTLED, lost);
	finish(lost != 0 ? aside : NULL);
}

static void each_byte_may_change(void **state)
{
	(void)state;
	for (unsigned file = 0; file < FILES; file++)
		for (uint64_t at = 0; at < files[file].size; at++) {
			change_byte(file, at, 0xff);
			change_byte(file, at, (uint8_t)(1u << at % 8));
		}
}

static void a_segment_may_be_cut_anywhere(void **state)
{
	(void)state;
	for (unsigned file = 0; file < SEGMENTS; file++)
		for (uint64_t size = 0; size < files[file].size; size++) {
			unsigned lost = 0;

			for (unsigned i = SETTLED; i < ENTRIES; i++)
				if (places[i].file == file && size < places[i].end)
					lost |= 1u << i;
			begin(file, files[file].data, size);
			check(SETTLED, lost);
			finish(NULL);
		}
}

/* Without any good slot, what was settled comes again. */
static void a_state_may_be_cut_anywhere(void **state)
{
	(void)state;
	for (uint64_t size = 0; size < files[SEGMENTS].size; size++) {
		begin(SEGMENTS, files[SEGMENTS].data, size);
		check(size < sizeof(struct spool_state_record) ? 0 : SETTLED, 0);
		finish(NULL);
	}
}

static void each_file_may_be_missing(void **state)
{
	(void)state;
	for (unsigned file = 0; file < SEGMENTS; file++) {
		unsigned lost = 0;

		for (unsigned i = SETTLED; i < ENTRIES; i++)
			if (places[i].file == file)
				lost |= 1u << i;
		begin(file, NULL, 0);
		check(SETTLED, lost);
		finish(NULL);
	}
	begin(SEGMENTS, NULL, 0);
	check(0, 0);
	finish(NULL);
}

static void damage_much(uint64_t *random)
{
	for (uint64_t times = 2 + random_below(random, 30); times > 0; times--) {
		const struct file *file = &files[random_below(random, FILES)];
		uint64_t size, at = random_below(random, file->size);
		uint8_t *bytes = (uint8_t *)(uintptr_t)sim_disk_get(sim, file->name, &size);

		bytes[(random_next(random) & 1) != 0 ? at : at % 1000] ^= (uint8_t)(1 + random_below(random, 255));
	}
}

/* What is read is right, and the rest is counted. */
static void any_damage_is_survived_and_counted(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		struct spool_entry got, want;
		uint8_t data[64], payload[64];
		struct spool_log_info info;
		uint64_t events = 0;

		begin(FILES, NULL, 0);
		damage_much(&random);
		open_log();
		while (spool_log_read(spool, 0, &got, data, sizeof(data)) == 1) {
			(void)make((unsigned)got.position, &want, payload);
			assert_memory_equal(data, payload, got.bytes);
			assert_string_equal(got.topic, want.topic);
			assert_string_equal(got.reason, want.reason);
			events += got.events;
		}
		spool_log_info(spool, &info);
		assert_int_equal(events + info.damaged, info.recovered);
		spool_log_close(spool);
		sim_disk_free(sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_may_change),
		cmocka_unit_test(a_segment_may_be_cut_anywhere),
		cmocka_unit_test(a_state_may_be_cut_anywhere),
		cmocka_unit_test(each_file_may_be_missing),
		cmocka_unit_test(any_damage_is_survived_and_counted),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1)); /* it warns of each */
	return cmocka_run_group_tests(tests, build, clean);
}
