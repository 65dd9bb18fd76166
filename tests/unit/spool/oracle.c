/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

void oracle_init(struct oracle *oracle, jmp_buf *failed)
{
	*oracle = (struct oracle){.failed = failed};
}

void oracle_fini(struct oracle *oracle)
{
	free(oracle->slots);
}

void oracle_require(struct oracle *oracle, int truth, const char *fmt, ...)
{
	va_list ap;

	if (truth)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(oracle->text, sizeof(oracle->text), fmt, ap);
	va_end(ap);
	longjmp(*oracle->failed, 1);
}

struct oracle_slot *oracle_at(struct oracle *oracle, uint64_t position)
{
	if (position >= oracle->room) {
		uint64_t room = oracle->room * 2 + 256;

		oracle_require(oracle, position < 1000000, "position %" PRIu64 " is out of this world", position);
		oracle->slots = reallocarray(oracle->slots, room, sizeof(*oracle->slots));
		if (oracle->slots == NULL)
			err(1, "memory");
		memset(oracle->slots + oracle->room, 0, (room - oracle->room) * sizeof(*oracle->slots));
		oracle->room = room;
	}
	return &oracle->slots[position];
}

static uint64_t hash(uint32_t serial)
{
	uint64_t state = serial;

	return random_next(&state);
}

uint32_t oracle_events(uint32_t serial)
{
	return (uint32_t)(hash(serial) % 50);
}

static uint32_t bytes_of(uint32_t serial)
{
	uint64_t h = hash(serial) >> 20, kind = h % 32;

	h >>= 8;
	if (kind == 0)
		return (uint32_t)(h % ORACLE_BYTES);
	return kind < 9 ? (uint32_t)(h % 16000) : (uint32_t)(h % 1500);
}

void oracle_make(uint32_t serial, struct spool_entry *entry, uint8_t *payload)
{
	uint64_t state = serial;

	*entry = (struct spool_entry){.partition = (int32_t)serial,
		.lane = serial % 7,
		.records = oracle_events(serial),
		.events = oracle_events(serial),
		.pack = 1,
		.bytes = bytes_of(serial),
		.first_seq = serial,
		.hour = serial % 11,
		.opened_us = serial % 13,
		.base_ms = serial % 17};
	(void)snprintf(
		entry->topic, sizeof(entry->topic), "t%.*s", (int)(serial % 30), "opics-of-many-different-lengths");
	if (serial % 5 == 0)
		(void)snprintf(entry->reason, sizeof(entry->reason), "%.*s", (int)(serial % 32), "A_REASON_OF_THIRTY_ONE_BYTES_EA");
	for (uint32_t at = 0; at < entry->bytes; at += 8) {
		uint64_t word = random_next(&state);

		memcpy(payload + at, &word, 8);
	}
}

void oracle_tried(struct oracle *oracle, uint64_t position, uint32_t serial, int empty)
{
	struct oracle_slot *slot = oracle_at(oracle, position);

	for (unsigned i = 0; i < slot->count; i++)
		if (slot->tries[i].serial == serial && slot->tries[i].empty == empty) {
			slot->tries[i] = slot->tries[--slot->count];
			break;
		}
	oracle_require(oracle, slot->count < ORACLE_TRIES, "the test tried too often at one position");
	slot->tries[slot->count++] = (struct oracle_try){serial, empty};
	slot->certain = slot->count == 1;
}

static void settle_front(struct oracle *oracle)
{
	while (oracle->frontier < oracle->top && oracle_at(oracle, oracle->frontier)->mark == SPOOL_SETTLED)
		oracle->frontier++;
}

int oracle_may_be_empty(const struct oracle_slot *slot)
{
	for (unsigned i = 0; i < slot->count; i++)
		if (slot->tries[i].empty)
			return 1;
	return 0;
}

void oracle_mark(struct oracle *oracle, uint64_t position, enum spool_mark mark)
{
	oracle_at(oracle, position)->mark = mark;
	settle_front(oracle);
}

static void promise(struct oracle *oracle, uint64_t synced)
{
	for (; oracle->synced < synced; oracle->synced++) {
		struct oracle_slot *slot = oracle_at(oracle, oracle->synced);

		if (slot->count > 0 && !slot->promised) {
			slot->tries[0] = slot->tries[slot->count - 1];
			slot->count = 1;
			slot->certain = 1;
		}
		slot->promised = 1;
	}
}

void oracle_compare(struct oracle *oracle, const struct spool_log *log)
{
	struct spool_log_info info;

	spool_log_info(log, &info);
	oracle_require(oracle, info.end == oracle->end, "the end is %" PRIu64 ", not %" PRIu64, info.end, oracle->end);
	oracle_require(oracle, info.frontier == oracle->frontier, "the frontier is %" PRIu64 ", not %" PRIu64,
		info.frontier, oracle->frontier);
	oracle_require(oracle, info.synced >= oracle->synced && info.synced <= info.end,
		"%" PRIu64 " is synced, at the least %" PRIu64 " should be", info.synced, oracle->synced);
	oracle_require(oracle, info.damaged == 0, "%" PRIu64 " events are damaged", info.damaged);
	oracle_require(oracle, info.given_up == oracle->given_up, "%" PRIu64 " events were given up, not %" PRIu64,
		info.given_up, oracle->given_up);
	promise(oracle, info.synced);
}

static void check_reopened(struct oracle *oracle, const struct spool_log_info *info, int whole)
{
	oracle_require(oracle, info->frontier >= oracle->committed && info->frontier <= oracle->reach,
		"the frontier is %" PRIu64 " after a restart, of %" PRIu64 " to %" PRIu64, info->frontier,
		oracle->committed, oracle->reach);
	oracle_require(oracle, info->end >= oracle->synced,
		"it ends at %" PRIu64 " after a restart, but all below %" PRIu64 " was synced", info->end,
		oracle->synced);
	oracle_require(oracle, info->end <= oracle->top + 1,
		"it ends at %" PRIu64 ", but nothing was ever written from %" PRIu64, info->end, oracle->top + 1);
	oracle_require(oracle, !whole || info->end >= oracle->top,
		"it ends at %" PRIu64 ", but %" PRIu64 " were written", info->end, oracle->top);
	oracle_require(oracle,
		info->end_offset >= info->frontier_offset &&
			info->recovered == info->end_offset - info->frontier_offset,
		"%" PRIu64 " events were recovered between offsets %" PRIu64 " and %" PRIu64, info->recovered,
		info->frontier_offset, info->end_offset);
	oracle_require(oracle, info->given_up == oracle->given_up || oracle->given_up_open,
		"%" PRIu64 " events were given up, not %" PRIu64, info->given_up, oracle->given_up);
}

void oracle_reopened(struct oracle *oracle, const struct spool_log *log, int whole, int faulty)
{
	uint64_t before = oracle->top;
	struct spool_log_info info;

	spool_log_info(log, &info);
	check_reopened(oracle, &info, whole);
	for (uint64_t position = info.end; position <= before; position++)
		*oracle_at(oracle, position) = (struct oracle_slot){0};
	for (uint64_t position = info.frontier; position < info.end; position++)
		oracle_at(oracle, position)->mark = SPOOL_ON_DISK;
	oracle->frontier = info.frontier;
	if (!faulty || oracle->reach < info.frontier)
		oracle->reach = info.frontier;
	if (!faulty)
		oracle->committed = info.frontier;
	oracle->end = oracle->top = oracle->synced = info.end;
	for (uint64_t position = info.frontier; position < info.end; position++)
		oracle_at(oracle, position)->promised = 1;
	oracle->given_up = info.given_up;
	oracle->given_up_open = faulty; /* what was read may not be durable, and the disk failed to make it so */
	for (uint64_t position = 0; position < info.frontier; position++)
		oracle_at(oracle, position)->mark = SPOOL_SETTLED;
}

void oracle_read(struct oracle *oracle, const struct spool_entry *entry, const uint8_t *data)
{
	static uint8_t payload[ORACLE_BYTES + 8];
	struct oracle_slot *slot = oracle_at(oracle, entry->position);
	uint32_t serial = (uint32_t)entry->first_seq;
	struct spool_entry want;
	unsigned i = 0;

	oracle_require(oracle, slot->mark == SPOOL_ON_DISK, "position %" PRIu64 " was read but not on disk alone",
		entry->position);
	while (i < slot->count && (slot->tries[i].serial != serial || slot->tries[i].empty))
		i++;
	oracle_require(
		oracle, i < slot->count, "entry %u was never written at position %" PRIu64, serial, entry->position);
	oracle_make(serial, &want, payload);
	want.position = entry->position;
	want.offset = entry->offset;
	oracle_require(oracle, memcmp(entry, &want, sizeof(want)) == 0 && memcmp(data, payload, want.bytes) == 0,
		"entry %u at position %" PRIu64 " is not what was written", serial, entry->position);
	slot->tries[0] = slot->tries[i];
	slot->count = 1;
	slot->certain = 1;
	slot->mark = SPOOL_IN_MEMORY;
}
