/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads any bytes as the files of a spool's log. The first byte says whether checksums are made right first, so that
 * what stands behind them is reached; then come files: one byte for the name, two for the length, the bytes. Whatever
 * they are, the log opens or says why not in a sentence, reads to its end, takes another entry and has it after a
 * crash. Whoever looks at it before sees as many entries and changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "spool/format.h"
#include "spool/inspect.h"
#include "spool/state.h"
#include "tests/unit/spool/sim_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAMES 4u

static void require(int truth)
{
	if (!truth)
		abort();
}

static void seal_state(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + sizeof(struct spool_state_record) <= size; at += SPOOL_STATE_BLOCK) {
		struct spool_state_record record;

		memcpy(&record, data + at, sizeof(record));
		spool_state_seal(&record);
		memcpy(data + at, &record, sizeof(record));
	}
}

static void seal_entry(uint8_t *data, size_t size)
{
	struct spool_entry_header header;
	size_t from = offsetof(struct spool_entry_header, payload_crc), payload;

	if (size < sizeof(header))
		return;
	memcpy(&header, data, sizeof(header));
	payload = sizeof(header) + header.topic_len + header.reason_len;
	if (header.magic != SPOOL_ENTRY_MAGIC || payload > size)
		return;
	if (header.bytes <= size - payload)
		header.payload_crc = crc32c(0, data + payload, header.bytes);
	memcpy(data, &header, sizeof(header));
	header.header_crc = crc32c(0, data + from, payload - from);
	memcpy(data, &header, sizeof(header));
}

static void seal_segment(uint8_t *data, size_t size)
{
	struct spool_segment_header header;

	if (size >= sizeof(header)) {
		memcpy(&header, data, sizeof(header));
		spool_segment_seal(&header);
		memcpy(data, &header, sizeof(header));
	}
	for (size_t at = sizeof(header); at < size; at += SPOOL_ALIGN)
		seal_entry(data + at, size - at);
}

static void put_file(struct sim_disk *sim, unsigned number, const uint8_t *data, size_t size, int sealed)
{
	static const uint64_t firsts[NAMES] = {0, 0, 2, 5};
	char name[SPOOL_NAME_MAX] = SPOOL_STATE_NAME;
	uint8_t *copy = malloc(size + 1);

	require(copy != NULL);
	memcpy(copy, data, size);
	if (number != 0)
		spool_segment_name(name, firsts[number]);
	if (sealed && number == 0)
		seal_state(copy, size);
	else if (sealed)
		seal_segment(copy, size);
	sim_disk_put(sim, name, copy, size);
	free(copy);
}

static void put_files(struct sim_disk *sim, const uint8_t *data, size_t size)
{
	int sealed = data[0] & 1;

	data++;
	size--;
	while (size >= 3) {
		size_t len = data[1] | (size_t)data[2] << 8;

		if (len > size - 3)
			len = size - 3;
		put_file(sim, data[0] % NAMES, data + 3, len, sealed);
		data += 3 + len;
		size -= 3 + len;
	}
}

static int open_log(struct sim_disk *sim, struct spool_log **spool)
{
	struct spool_log_config config = {.disk = sim_disk_of(sim), .segment_bytes = SPOOL_SEGMENT_MIN, .name = "fuzz"};
	struct error error = {""};
	int rc = spool_log_open(spool, &config, &error);

	require(rc == 0 || (rc == -ENOTSUP && strncmp(error.text, "fuzz: ", 6) == 0));
	return rc;
}

static uint8_t payload[SPOOL_PAYLOAD_MAX];

struct look {
	uint64_t entries, next;
};

static int look_at(void *context, const struct spool_sight *sight)
{
	struct look *look = context;

	require(strlen(sight->file) > 0 && strlen(sight->what) < sizeof(sight->what));
	if (sight->kind != SPOOL_SIGHT_ENTRY)
		return 0;
	require(sight->position >= look->next && sight->entry->bytes <= SPOOL_PAYLOAD_MAX);
	look->next = sight->position + 1;
	look->entries += !sight->is_empty;
	return 0;
}

/* How many entries a start would read; -1: none would be. */
static int64_t look(struct sim_disk *sim)
{
	struct spool_inspection *inspection;
	struct spool_log_info info;
	struct spool_entry oldest;
	struct error error = {""};
	struct look all = {0, 0}, unsettled = {0, 0};

	if (spool_inspect_open(&inspection, sim_disk_of(sim), "fuzz", &error) != 0)
		return -1;
	spool_inspect_info(inspection, &info);
	require(spool_inspect_oldest(inspection, &oldest) >= 0);
	require(spool_inspect_walk(inspection, 0, NULL, look_at, &all, &error) == 0);
	require(spool_inspect_walk(inspection, info.frontier, payload, look_at, &unsettled, &error) == 0);
	require(unsettled.entries <= all.entries);
	spool_inspect_close(inspection);
	return (int64_t)unsettled.entries;
}

/* Returns how many entries there were. */
static int64_t read_all(struct spool_log *spool)
{
	struct spool_entry entry;
	uint64_t before = 0;
	int64_t count = 0;
	int rc;

	while ((rc = spool_log_read(spool, 0, &entry, payload, sizeof(payload))) == 1) {
		require(entry.position >= before && entry.bytes <= sizeof(payload) &&
			strlen(entry.topic) <= SPOOL_TOPIC_MAX);
		before = entry.position + 1;
		count++;
		if ((entry.position & 1) != 0)
			spool_log_mark(spool, entry.position, SPOOL_SETTLED);
	}
	require(rc == 0);
	return count;
}

/* As a log that came out of an unknown past goes on. */
static void go_on(struct sim_disk *sim, struct spool_log *spool, int drops, int64_t seen)
{
	struct spool_entry entry = {.topic = "fuzz", .bytes = 4, .events = 3};
	struct slice piece = {(const uint8_t *)"fuzz", 4};
	struct spool_log_info info;
	int rc;

	require(read_all(spool) == seen);
	rc = spool_log_append(spool, &entry, &piece, 1);
	if (rc == -ENOBUFS && spool_log_commit(spool) == 0) /* of what was settled while it was read */
		rc = spool_log_append(spool, &entry, &piece, 1);
	spool_log_info(spool, &info);
	if (rc == -ENOBUFS && (info.end - info.frontier >= SPOOL_UNSETTLED_MAX || info.end >= SPOOL_POSITION_LIMIT - 1 ||
				      info.end_offset >= SPOOL_POSITION_LIMIT - SPOOL_EVENTS_MAX)) {
		spool_log_close(spool);
		return;
	}
	require(rc == 0 && spool_log_sync(spool) == 0);
	require(!drops || spool_log_drop_oldest(spool, NULL, NULL) >= 0);
	require(spool_log_commit(spool) == 0);
	sim_disk_freeze(sim, 0);
	spool_log_close(spool);
	sim_disk_crash(sim);
	require(open_log(sim, &spool) == 0);
	spool_log_info(spool, &info);
	require(info.end == entry.position + 1 && info.frontier <= entry.position);
	(void)read_all(spool);
	spool_log_close(spool);
	require(sim_disk_open_files(sim) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_disk *sim;
	struct spool_log *spool;
	int64_t seen;

	if (size == 0)
		return 0;
	log_set_level((enum log_level)(LOG_ERROR - 1));
	sim = sim_disk_new(1, 0);
	put_files(sim, data, size);
	seen = look(sim);
	require(sim_disk_open_files(sim) == 0);
	if (open_log(sim, &spool) == 0)
		go_on(sim, spool, data[0] & 2, seen);
	else
		require(seen < 0);
	sim_disk_free(sim);
	return 0;
}
