/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/write.h"
#include "tables/category_file.h"
#include "tables/category_priv.h"

/* The body as it is written: a block at a time, each with its checksum behind it. */
struct body {
	int fd;
	uint8_t *block;
	uint32_t used;
	uint64_t number, seed;
};

static int end_block(struct body *body)
{
	uint64_t checksum = category_file_checksum(body->block, body->used, body->seed + body->number);

	memcpy(body->block + body->used, &checksum, sizeof(checksum));
	body->used += (uint32_t)sizeof(checksum);
	body->number++;
	return write_all(body->fd, body->block, body->used);
}

static int write_body(struct body *body, const void *data, uint64_t len)
{
	const uint8_t *from = data;

	while (len > 0) {
		uint32_t n = CATEGORY_FILE_BLOCK - body->used;

		n = n < len ? n : (uint32_t)len;
		memcpy(body->block + body->used, from, n);
		body->used += n;
		from += n;
		len -= n;
		if (body->used == CATEGORY_FILE_BLOCK) {
			int rc = end_block(body);

			if (rc != 0)
				return rc;
			body->used = 0;
		}
	}
	return 0;
}

static int write_names(struct body *body, const struct category_names *names)
{
	int rc = 0;

	for (uint32_t value = 1; rc == 0 && value <= names->count; value++) {
		struct slice name = category_names_get(names, value);
		uint8_t len = (uint8_t)name.len;

		rc = write_body(body, &len, sizeof(len));
		if (rc == 0)
			rc = write_body(body, name.data, name.len);
	}
	return rc;
}

static void make_header(const struct category *category, struct category_file_header *header)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*header = (struct category_file_header){.version = CATEGORY_FILE_VERSION,
		.byte_order = CATEGORY_FILE_BYTE_ORDER,
		.entries = category->slots.entries,
		.values = category->names.count,
		.buckets = category->slots.count,
		.made_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
		.names_bytes = category->names.count + (uint64_t)category->names.text_len,
		.secret = category->secret};
	memcpy(header->magic, CATEGORY_FILE_MAGIC, sizeof(header->magic));
	header->checksum = category_file_checksum(header, offsetof(struct category_file_header, checksum), 0);
}

static int write_table(const struct category *category, int fd)
{
	struct category_file_header header;
	struct body body = {.fd = fd, .block = malloc(CATEGORY_FILE_BLOCK + sizeof(uint64_t))};
	int rc;

	if (body.block == NULL)
		return -ENOMEM;
	make_header(category, &header);
	body.seed = header.checksum;
	rc = write_all(fd, &header, sizeof(header));
	if (rc == 0)
		rc = write_names(&body, &category->names);
	if (rc == 0)
		rc = write_body(&body, category->slots.buckets, category_slots_bytes(category->slots.count));
	if (rc == 0 && body.used != 0)
		rc = end_block(&body);
	free(body.block);
	return rc;
}

/* Whether the file still has this name: whoever had the lock before may have renamed it. */
static int is_named(int fd, int dir, const char *name)
{
	struct stat own, named;

	return fstat(fd, &own) == 0 && fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && own.st_dev == named.st_dev &&
	       own.st_ino == named.st_ino;
}

/* The file, empty and of nobody else, who would mix his table with this one; or -errno. What a killed writer has left is used. */
static int open_alone(int dir, const char *temporary, struct error *why)
{
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640), rc = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_named(fd, dir, temporary))
		rc = error_set(why, -EBUSY, "%s is being written by another process; let one at a time build this table", temporary);
	else if (ftruncate(fd, 0) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	(void)close(fd);
	return rc;
}

/* After a failed sync nothing is known of the file: it is taken away, and the old one stays. */
static int write_to(const struct category *category, int fd, int dir, const char *name, const char *temporary)
{
	int rc = write_table(category, fd);

	if (rc == 0 && fsync(fd) != 0)
		rc = -errno;
	if (rc == 0 && renameat(dir, temporary, dir, name) != 0)
		rc = -errno;
	if (rc != 0)
		(void)unlinkat(dir, temporary, 0);
	return rc;
}

/* Nothing, a file or a link gives way; a device or a pipe would be lost to all who use it. */
static int check_gives_way(int dir, const char *name, struct error *why)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return error_set(why, -EINVAL, "%s is no regular file, and is not replaced by one; name another", name);
}

static int replace(const struct category *category, int dir, const char *name, const char *temporary, struct error *why)
{
	int fd = open_alone(dir, temporary, why), rc;

	if (fd < 0)
		return fd;
	rc = write_to(category, fd, dir, name, temporary);
	(void)close(fd); /* which was synced */
	if (rc == 0 && fsync(dir) != 0)
		rc = -errno;
	return rc;
}

static int save_in(const struct category *category, int dir, const char *name, struct error *why)
{
	char *temporary;
	int rc;

	if (asprintf(&temporary, "%s.new", name) < 0)
		return -ENOMEM;
	rc = check_gives_way(dir, name, why);
	if (rc == 0)
		rc = check_gives_way(dir, temporary, why);
	if (rc == 0)
		rc = replace(category, dir, name, temporary, why);
	free(temporary);
	return rc;
}

int category_save(const struct category *category, const char *path, struct error *error)
{
	char *copy = strdup(path), *again = strdup(path);
	struct error why = {""};
	int dir = -1, rc = -ENOMEM;

	if (copy != NULL && again != NULL) {
		dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = dir >= 0 ? save_in(category, dir, basename(again), &why) : -errno;
	}
	if (dir >= 0)
		close(dir);
	free(copy);
	free(again);
	if (rc != 0 && why.text[0] != '\0')
		return error_set(error, rc, "%s: cannot write the prebuilt table: %s", path, why.text);
	if (rc != 0)
		return error_set(error, rc,
			"%s: cannot write the prebuilt table: %s; see that its folder is there, is writable and "
			"has room",
			path, strerror(-rc));
	return 0;
}
