/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "spool/planted.h"

#ifdef PENSTOCK_FAULTS
enum spool_bug spool_planted_bug;
#endif

static uint32_t entry_crc(const uint8_t *head, uint32_t names)
{
	size_t from = offsetof(struct spool_entry_header, payload_crc);

	return crc32c(0, head + from, sizeof(struct spool_entry_header) - from + names);
}

void spool_segment_seal(struct spool_segment_header *header)
{
	header->magic = SPOOL_SEGMENT_MAGIC;
	header->version = SPOOL_VERSION;
	header->crc = crc32c(0, header, offsetof(struct spool_segment_header, crc));
}

void spool_state_seal(struct spool_state_record *record)
{
	record->magic = SPOOL_STATE_MAGIC;
	record->version = SPOOL_VERSION;
	record->crc = crc32c(0, record, offsetof(struct spool_state_record, crc));
}

int spool_segment_check(const struct spool_segment_header *header)
{
	if (header->magic != SPOOL_SEGMENT_MAGIC ||
		header->crc != crc32c(0, header, offsetof(struct spool_segment_header, crc)))
		return -EBADMSG;
	if (header->version > SPOOL_VERSION)
		return -ENOTSUP;
	if (header->version == 0 || header->first >= SPOOL_POSITION_LIMIT ||
		header->first_offset >= SPOOL_POSITION_LIMIT)
		return -EBADMSG;
	return 0;
}

int spool_state_check(const struct spool_state_record *record)
{
	if (record->magic != SPOOL_STATE_MAGIC ||
		record->crc != crc32c(0, record, offsetof(struct spool_state_record, crc)))
		return -EBADMSG;
	if (record->version > SPOOL_VERSION)
		return -ENOTSUP;
	if (record->version == 0 || record->generation == 0 || record->frontier >= SPOOL_POSITION_LIMIT ||
		record->frontier_offset >= SPOOL_POSITION_LIMIT || record->synced >= SPOOL_POSITION_LIMIT ||
		record->synced_offset >= SPOOL_POSITION_LIMIT)
		return -EBADMSG;
	if (record->synced < record->frontier || record->synced - record->frontier > 2 * SPOOL_UNSETTLED_MAX)
		return -EBADMSG;
	return 0;
}

uint32_t spool_entry_encode(uint8_t *head, const struct spool_found *found)
{
	const struct spool_entry *entry = &found->entry;
	uint32_t topic_len = (uint32_t)strnlen(entry->topic, SPOOL_TOPIC_MAX);
	uint32_t reason_len = (uint32_t)strnlen(entry->reason, SPOOL_REASON_MAX);
	struct spool_entry_header header = {.magic = SPOOL_ENTRY_MAGIC,
		.payload_crc = found->payload_crc,
		.flags = found->flags,
		.topic_len = (uint8_t)topic_len,
		.reason_len = (uint8_t)reason_len,
		.id = found->id,
		.position = entry->position,
		.offset = entry->offset,
		.synced = found->synced,
		.partition = entry->partition,
		.lane = entry->lane,
		.records = entry->records,
		.events = entry->events,
		.pack = entry->pack,
		.bytes = entry->bytes,
		.first_seq = entry->first_seq,
		.hour = (int32_t)entry->hour,
		.skipped = entry->skipped,
		.opened_us = entry->opened_us,
		.base_ms = entry->base_ms};

	memcpy(head, &header, sizeof(header));
	memcpy(head + sizeof(header), entry->topic, topic_len);
	memcpy(head + sizeof(header) + topic_len, entry->reason, reason_len);
	header.header_crc = entry_crc(head, topic_len + reason_len);
	memcpy(head + offsetof(struct spool_entry_header, header_crc), &header.header_crc, sizeof(header.header_crc));
	return (uint32_t)sizeof(header) + topic_len + reason_len;
}

static uint32_t names_of(const struct spool_entry_header *header)
{
	return (uint32_t)header->topic_len + header->reason_len;
}

static int header_is_sound(const struct spool_entry_header *header, const uint8_t *data, uint64_t len, uint64_t id)
{
	if (header->magic != SPOOL_ENTRY_MAGIC || (id != 0 && header->id != id))
		return 0;
	if (header->topic_len > SPOOL_TOPIC_MAX || header->reason_len > SPOOL_REASON_MAX ||
		len - sizeof(*header) < names_of(header))
		return 0;
	if (header->header_crc != entry_crc(data, names_of(header)) && !SPOOL_PLANTED(SPOOL_BUG_CRC_IGNORED))
		return 0;
	return header->bytes <= SPOOL_PAYLOAD_MAX && header->events <= SPOOL_EVENTS_MAX &&
	       header->position < SPOOL_POSITION_LIMIT - 1 &&
	       header->offset < SPOOL_POSITION_LIMIT - SPOOL_EVENTS_MAX &&
	       (header->flags & ~SPOOL_FLAG_EMPTY) == 0;
}

int spool_entry_decode(struct spool_found *found, const uint8_t *data, uint64_t len, uint64_t at, uint64_t id)
{
	struct spool_entry_header header;

	if (len < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	if (!header_is_sound(&header, data, len, id))
		return 0;
	*found = (struct spool_found){
		.entry = {.position = header.position,
			.offset = header.offset,
			.partition = header.partition,
			.lane = header.lane,
			.records = header.records,
			.events = header.events,
			.pack = header.pack,
			.bytes = header.bytes,
			.first_seq = header.first_seq,
			.skipped = header.skipped,
			.hour = header.hour,
			.opened_us = header.opened_us,
			.base_ms = header.base_ms},
		.at = at,
		.payload_at = at + sizeof(header) + names_of(&header),
		.next = at + spool_entry_size(names_of(&header), header.bytes),
		.id = header.id,
		.synced = header.synced,
		.payload_crc = header.payload_crc,
		.flags = header.flags,
	};
	memcpy(found->entry.topic, data + sizeof(header), header.topic_len);
	memcpy(found->entry.reason, data + sizeof(header) + header.topic_len, header.reason_len);
	return 1;
}

void spool_segment_name(char name[SPOOL_NAME_MAX], uint64_t first)
{
	(void)snprintf(name, SPOOL_NAME_MAX, "%020" PRIu64 ".log", first);
}

int spool_segment_first(const char *name, uint64_t *first)
{
	uint64_t value = 0;

	if (strlen(name) != 24 || strcmp(name + 20, ".log") != 0)
		return 0;
	for (int i = 0; i < 20; i++) {
		if (name[i] < '0' || name[i] > '9' || value > (UINT64_MAX - 9) / 10)
			return 0;
		value = value * 10 + (uint64_t)(name[i] - '0');
	}
	*first = value;
	return value < SPOOL_POSITION_LIMIT;
}
