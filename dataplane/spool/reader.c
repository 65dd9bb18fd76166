/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "spool/planted.h"

#define STEP   (64u << 10) /* bytes that are searched at once */
#define BUFFER (STEP + SPOOL_HEAD_MAX)

int spool_reader_init(struct spool_reader *reader, struct spool_disk *disk)
{
	*reader = (struct spool_reader){.disk = disk, .file = -1, .buffer = malloc(BUFFER)};
	return reader->buffer != NULL ? 0 : -ENOMEM;
}

void spool_reader_fini(struct spool_reader *reader)
{
	if (reader->buffer != NULL)
		spool_reader_close(reader);
	free(reader->buffer);
	reader->buffer = NULL;
}

static int64_t read_at(struct spool_reader *reader, uint64_t at, void *data, uint64_t size)
{
	return reader->disk->ops->read(reader->disk, reader->file, at, data, size);
}

int spool_reader_open(struct spool_reader *reader, uint64_t first)
{
	return spool_reader_open_as(reader, first, "");
}

int spool_reader_open_as(struct spool_reader *reader, uint64_t first, const char *suffix)
{
	char name[SPOOL_NAME_MAX + 8];
	int64_t n;

	spool_reader_close(reader);
	spool_segment_name(name, first);
	(void)strcat(name, suffix);
	reader->file = reader->disk->ops->open(reader->disk, name, 0);
	if (reader->file < 0) {
		int rc = reader->file;

		reader->file = -1;
		return rc;
	}
	memset(&reader->segment, 0, sizeof(reader->segment));
	n = read_at(reader, 0, &reader->segment, sizeof(reader->segment));
	if (n < 0) {
		spool_reader_close(reader);
		return (int)n;
	}
	reader->header = spool_segment_check(&reader->segment);
	if (reader->header == 0 && reader->segment.first != first)
		reader->header = -EBADMSG;
	reader->first = first;
	reader->id = reader->header == 0 ? reader->segment.id : 0;
	reader->at = sizeof(reader->segment);
	reader->position = first;
	reader->offset = reader->header == 0 ? reader->segment.first_offset : 0;
	return 0;
}

void spool_reader_close(struct spool_reader *reader)
{
	if (reader->file >= 0)
		reader->disk->ops->close(reader->disk, reader->file);
	reader->file = -1;
}

/* Entries of a segment have positions in a row, so that there is a highest one that can stand at a place. */
static int can_stand(const struct spool_reader *reader, uint64_t at, uint64_t position)
{
	uint64_t most = (at - sizeof(struct spool_segment_header)) / sizeof(struct spool_entry_header);

	return position >= reader->first && position - reader->first <= most;
}

static int accept(struct spool_reader *reader, const uint8_t *data, uint64_t len, uint64_t at, uint64_t position,
	struct spool_found *found)
{
	if (!spool_entry_decode(found, data, len, at, reader->id) || found->entry.position < position ||
		!can_stand(reader, at, found->entry.position))
		return 0;
	reader->id = found->id;
	return 1;
}

static int search(struct spool_reader *reader, uint64_t at, uint64_t position, struct spool_found *found)
{
	for (;; at += STEP) {
		int64_t n = read_at(reader, at, reader->buffer, BUFFER);

		if (n < (int64_t)sizeof(struct spool_entry_header))
			return n < 0 ? (int)n : 0;
		for (uint64_t i = 0; i < STEP && i + sizeof(struct spool_entry_header) <= (uint64_t)n;
			i += SPOOL_ALIGN) {
			uint32_t magic;

			memcpy(&magic, reader->buffer + i, sizeof(magic));
			if (magic == SPOOL_ENTRY_MAGIC &&
				accept(reader, reader->buffer + i, (uint64_t)n - i, at + i, position, found))
				return 1;
		}
	}
}

int spool_reader_next(struct spool_reader *reader, uint64_t at, uint64_t position, struct spool_found *found)
{
	int64_t n = read_at(reader, at, reader->buffer, SPOOL_HEAD_MAX);

	if (n < 0)
		return (int)n;
	if (accept(reader, reader->buffer, (uint64_t)n, at, position, found))
		return 1;
	return search(reader, at + SPOOL_ALIGN, position, found);
}

/* The checksum of bytes that nobody wants to have. 1 with it, 0 when the file ends before, -errno. */
static int sum(struct spool_reader *reader, uint64_t at, uint32_t bytes, uint32_t *crc)
{
	while (bytes > 0) {
		uint32_t want = bytes < STEP ? bytes : STEP;
		int64_t n = read_at(reader, at, reader->buffer, want);

		if (n < (int64_t)want)
			return n < 0 ? (int)n : 0;
		*crc = crc32c(*crc, reader->buffer, want);
		at += want;
		bytes -= want;
	}
	return 1;
}

int spool_reader_payload(struct spool_reader *reader, const struct spool_found *found, void *data)
{
	uint32_t bytes = found->entry.bytes, crc = 0;
	int rc = 1;

	if (data == NULL) {
		rc = sum(reader, found->payload_at, bytes, &crc);
	} else {
		int64_t n = read_at(reader, found->payload_at, data, bytes);

		if (n < (int64_t)bytes)
			rc = n < 0 ? (int)n : 0;
		else
			crc = crc32c(0, data, bytes);
	}
	if (rc != 1)
		return rc;
	return crc == found->payload_crc || SPOOL_PLANTED(SPOOL_BUG_CRC_IGNORED);
}

int spool_reader_rewrite(struct spool_reader *reader, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t want = to - from < STEP ? to - from : STEP;
		int64_t n = read_at(reader, from, reader->buffer, want);
		struct iovec piece = {reader->buffer, (size_t)n};
		int rc;

		if (n <= 0)
			return (int)n;
		rc = reader->disk->ops->write(reader->disk, reader->file, from, &piece, 1);
		if (rc != 0)
			return rc;
		from += (uint64_t)n;
	}
	return 0;
}

int spool_reader_blank(struct spool_reader *reader)
{
	for (uint64_t at = 0;; at += STEP) {
		int64_t n = read_at(reader, at, reader->buffer, STEP);

		if (n <= 0)
			return n < 0 ? (int)n : 1;
		if (reader->buffer[0] != 0 || memcmp(reader->buffer, reader->buffer + 1, (size_t)n - 1) != 0)
			return 0;
	}
}
