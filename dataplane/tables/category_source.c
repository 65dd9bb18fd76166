/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category_source.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define FILE_BUFFER ((size_t)256 << 10)
#define TEXT_BUFFER ((size_t)256 << 10) /* many times CATEGORY_LINE */

struct category_source {
	char *path;
	const atomic_int *leave;
	int fd;
	struct stat opened;
	ZSTD_DStream *zstd; /* NULL: plain */
	size_t zstd_hint;   /* what it would like to read; 0 at the end of a frame */
	int ended;          /* nothing more to be filled in */
	size_t file_begin, file_end, text_begin, text_end;
	uint64_t file_offset; /* of the bytes behind file_end */
	uint64_t lines;
	uint8_t file[FILE_BUFFER]; /* as read; of a plain file only its first bytes, and the blocks of
				      category_source_bytes */
	uint8_t text[TEXT_BUFFER];
};

static int fail(const struct category_source *source, struct error *error, int rc, const char *tried)
{
	return error_set(error, rc, "%s: cannot %s: %s; see that it is there and that penstockd may read it",
		source->path, tried, strerror(-rc));
}

int category_source_left(const struct category_source *source, struct error *error)
{
	if (source->leave == NULL || atomic_load_explicit(source->leave, memory_order_relaxed) == 0)
		return 0;
	return error_set(error, -ECANCELED, "%s: not read to its end, since everything ends", source->path);
}

/* Fills file[] when nothing of it is left. */
static int fill_file(struct category_source *source, struct error *error)
{
	ssize_t n;

	if (source->file_begin < source->file_end)
		return 0;
	if (category_source_left(source, error) != 0)
		return -ECANCELED;
	do
		n = read(source->fd, source->file, sizeof(source->file));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(source, error, -errno, "read it");
	source->file_begin = 0;
	source->file_end = (size_t)n;
	source->file_offset += (uint64_t)n;
	return 0;
}

static int is_regular(struct category_source *source, struct error *error)
{
	if (fstat(source->fd, &source->opened) != 0)
		return fail(source, error, -errno, "look at it");
	if (!S_ISREG(source->opened.st_mode))
		return error_set(error, -EINVAL, "%s: this is no regular file; give the path of one", source->path);
	return 0;
}

/* With a frame of data, or one to skip, as pzstd writes them (RFC 8878, 3.1). */
static int begins_as_zstd(const struct category_source *source)
{
	uint32_t magic;

	if (source->file_end < sizeof(magic))
		return 0;
	memcpy(&magic, source->file, sizeof(magic));
	magic = le32toh(magic);
	return magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static int begin(struct category_source *source, const char *path, struct error *error)
{
	int rc;

	source->path = strdup(path);
	if (source->path == NULL)
		return error_set(error, -ENOMEM, "%s: out of memory", path);
	source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* so that a named pipe does not hold us up */
	if (source->fd < 0)
		return fail(source, error, -errno, "open it");
	rc = is_regular(source, error);
	if (rc == 0)
		rc = fill_file(source, error);
	if (rc != 0 || !begins_as_zstd(source))
		return rc;
	source->zstd = ZSTD_createDStream();
	return source->zstd != NULL ? 0 : error_set(error, -ENOMEM, "%s: out of memory", path);
}

int category_source_open(struct category_source **source, const char *path, const atomic_int *leave, struct error *error)
{
	struct category_source *s = malloc(sizeof(*s));
	int rc;

	if (s == NULL)
		return error_set(error, -ENOMEM, "%s: out of memory", path);
	memset(s, 0, offsetof(struct category_source, file));
	s->fd = -1;
	s->leave = leave;
	rc = begin(s, path, error);
	if (rc != 0)
		category_source_close(s);
	else
		*source = s;
	return rc;
}

void category_source_close(struct category_source *source)
{
	if (source == NULL)
		return;
	ZSTD_freeDStream(source->zstd);
	if (source->fd >= 0)
		close(source->fd);
	free(source->path);
	free(source);
}

const char *category_source_path(const struct category_source *source)
{
	return source->path;
}

uint64_t category_source_size(const struct category_source *source)
{
	return (uint64_t)source->opened.st_size;
}

int64_t category_source_modified_us(const struct category_source *source)
{
	return (int64_t)source->opened.st_mtim.tv_sec * 1000000 + source->opened.st_mtim.tv_nsec / 1000;
}

int category_source_is_zstd(const struct category_source *source)
{
	return source->zstd != NULL;
}

int category_source_begins(const struct category_source *source, const void *magic, size_t len)
{
	return source->file_end >= len && memcmp(source->file, magic, len) == 0;
}

static int unpack(struct category_source *source, struct error *error)
{
	ZSTD_inBuffer in = {source->file, source->file_end, source->file_begin};
	ZSTD_outBuffer out = {source->text, sizeof(source->text), source->text_end};
	int file_ended = in.pos == in.size;
	size_t hint;

	source->ended = file_ended && source->zstd_hint == 0;
	if (source->ended)
		return 0;
	hint = ZSTD_decompressStream(source->zstd, &out, &in);
	if (ZSTD_isError(hint))
		return error_set(error, -EBADMSG,
			"%s: its zstd data is damaged before byte %llu, after line %llu: %s; copy or "
			"compress it again",
			source->path, (unsigned long long)source->file_offset, (unsigned long long)source->lines,
			ZSTD_getErrorName(hint));
	if (file_ended && hint != 0 && out.pos == source->text_end)
		return error_set(error, -EBADMSG,
			"%s: its zstd data is cut short after %llu bytes; copy or compress it again", source->path,
			(unsigned long long)source->file_offset);
	source->zstd_hint = hint;
	source->file_begin = in.pos;
	source->text_end = out.pos;
	return 0;
}

/* Adds to text[], which has room; sets `ended` when there is no more. */
static int fill_text(struct category_source *source, struct error *error)
{
	int rc = fill_file(source, error);
	size_t n;

	if (rc != 0)
		return rc;
	if (source->zstd != NULL)
		return unpack(source, error);
	n = source->file_end - source->file_begin;
	if (n > sizeof(source->text) - source->text_end)
		n = sizeof(source->text) - source->text_end;
	memcpy(source->text + source->text_end, source->file + source->file_begin, n);
	source->file_begin += n;
	source->text_end += n;
	source->ended = n == 0;
	return 0;
}

static void take_line(struct category_source *source, size_t len, size_t used, struct slice *line)
{
	const uint8_t *data = source->text + source->text_begin;

	if (len > 0 && data[len - 1] == '\r')
		len--;
	*line = (struct slice){data, (uint32_t)len};
	source->text_begin += used;
	source->lines++;
}

int category_source_line(struct category_source *source, struct slice *line, struct error *error)
{
	for (;;) {
		const uint8_t *data = source->text + source->text_begin;
		size_t left = source->text_end - source->text_begin, look = left < CATEGORY_LINE ? left : CATEGORY_LINE;
		const uint8_t *feed = look > 0 ? memchr(data, '\n', look) : NULL;
		int rc;

		if (feed != NULL) {
			take_line(source, (size_t)(feed - data), (size_t)(feed - data) + 1, line);
			return 1;
		}
		if (left >= CATEGORY_LINE)
			return error_set(error, -EINVAL,
				"%s:%llu: the line is longer than %u bytes; a line holds one key and one "
				"category, and ends with a line feed",
				source->path, (unsigned long long)source->lines + 1, CATEGORY_LINE);
		if (source->ended) {
			if (left == 0)
				return 0;
			take_line(source, left, left, line);
			return 1;
		}
		memmove(source->text, data, left);
		source->text_begin = 0;
		source->text_end = left;
		rc = fill_text(source, error);
		if (rc != 0)
			return rc;
	}
}

int category_source_bytes(struct category_source *source, void *out, size_t len, struct error *error)
{
	uint8_t *to = out;

	while (len > 0) {
		size_t n;
		int rc = fill_file(source, error);

		if (rc != 0)
			return rc;
		n = source->file_end - source->file_begin;
		if (n == 0)
			return error_set(error, -EBADMSG,
				"%s: it ends after %llu bytes, before its time; copy or build it again", source->path,
				(unsigned long long)source->file_offset);
		n = n < len ? n : len;
		memcpy(to, source->file + source->file_begin, n);
		source->file_begin += n;
		to += n;
		len -= n;
	}
	return 0;
}

int category_source_unchanged(const struct category_source *source, struct error *error)
{
	const struct stat *old = &source->opened;
	struct stat now;

	if (fstat(source->fd, &now) != 0)
		return fail(source, error, -errno, "look at it");
	if (now.st_size == old->st_size && now.st_mtim.tv_sec == old->st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == old->st_mtim.tv_nsec)
		return 0;
	return error_set(error, -EAGAIN,
		"%s: somebody wrote to it while it was read; write a new file beside it and rename it", source->path);
}
