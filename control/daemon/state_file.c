/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/write.h"

#define NAME_SIZE   64
#define QUARANTINED 10
#define CHECK_LINE  "check %08x\n"
#define CHECK_BYTES 15u /* of that line */

static uint32_t fnv1a(const char *text, size_t length)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (uint8_t)text[i]) * 16777619u;
	return sum;
}

/* After a failed sync nothing is known of the file: it is taken away, and the old one stays. */
static int write_beside(int dir, const char *temporary, const char *text, size_t length)
{
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, text, length);
	if (rc == 0 && fdatasync(fd) != 0)
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc != 0)
		(void)unlinkat(dir, temporary, 0);
	return rc;
}

int state_file_write(int dir, const char *name, const char *title, const char *content)
{
	size_t size = strlen(title) + strlen(content) + CHECK_BYTES + 2;
	char temporary[NAME_SIZE], *text;
	int length, rc;

	if (size > STATE_FILE_MAX)
		return -EFBIG;
	text = malloc(size);
	if (text == NULL)
		return -ENOMEM;
	length = snprintf(text, size, "%s\n%s", title, content);
	length += snprintf(text + length, size - (size_t)length, CHECK_LINE, fnv1a(text, (size_t)length));
	(void)snprintf(temporary, sizeof(temporary), "%s.tmp", name);
	rc = write_beside(dir, temporary, text, (size_t)length);
	free(text);
	if (rc != 0)
		return rc;
	if (renameat(dir, temporary, dir, name) != 0 || fsync(dir) != 0)
		return -errno;
	return 0;
}

/* 0 with a text that ends with NUL and holds no other. */
static int read_text(int dir, const char *name, char **text, size_t *length)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc = 0;
	ssize_t n = 1;
	char *buffer;

	if (fd < 0)
		return -errno;
	buffer = malloc(STATE_FILE_MAX + 1);
	if (buffer == NULL)
		rc = -ENOMEM;
	for (*length = 0; rc == 0 && n > 0 && *length < STATE_FILE_MAX; *length += (size_t)n) {
		n = read(fd, buffer + *length, STATE_FILE_MAX - *length);
		if (n < 0)
			rc = -errno;
	}
	close(fd);
	if (rc != 0) {
		free(buffer);
		return rc;
	}
	for (size_t i = 0; i < *length; i++)
		if (buffer[i] == '\0')
			buffer[i] = '\x01';
	buffer[*length] = '\0';
	*text = buffer;
	return 0;
}

int state_file_read(int dir, const char *name, const char *title, char **text)
{
	size_t length, head = strlen(title);
	char line[CHECK_BYTES + 1], *check;
	int rc;

	*text = NULL;
	rc = read_text(dir, name, text, &length);
	if (rc != 0)
		return rc;
	if (length < head + 1 + CHECK_BYTES || memcmp(*text, title, head) != 0 || (*text)[head] != '\n')
		return -EBADMSG;
	check = *text + length - CHECK_BYTES;
	(void)snprintf(line, sizeof(line), CHECK_LINE, fnv1a(*text, length - CHECK_BYTES));
	if (strcmp(check, line) != 0)
		return -EBADMSG;
	*check = '\0';
	memmove(*text, *text + head + 1, length - CHECK_BYTES - head);
	return 0;
}

static const char *quarantine_name(char *out, size_t size, const char *name, unsigned i)
{
	if (i == 0)
		(void)snprintf(out, size, "%s.bad", name);
	else
		(void)snprintf(out, size, "%s.bad.%u", name, i);
	return out;
}

int state_file_quarantine(int dir, const char *name, char *kept, size_t size)
{
	for (unsigned i = 0; i < QUARANTINED; i++) {
		quarantine_name(kept, size, name, i);
		if (i + 1 < QUARANTINED && faccessat(dir, kept, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (renameat(dir, name, dir, kept) != 0 || fsync(dir) != 0)
			return -errno;
		return 0;
	}
	return 0;
}

static unsigned long largest_number(const char *text, unsigned long limit)
{
	unsigned long largest = 0;

	while (*text != '\0') {
		char *end;
		unsigned long value;

		if (*text < '0' || *text > '9') {
			text++;
			continue;
		}
		errno = 0;
		value = strtoul(text, &end, 10);
		if (errno == 0 && value <= limit && value > largest)
			largest = value;
		text = end;
	}
	return largest;
}

unsigned long state_file_salvage(int dir, const char *name, unsigned long limit)
{
	unsigned long largest = 0;

	for (unsigned i = 0; i < QUARANTINED + 2; i++) {
		char other[NAME_SIZE], *text;
		unsigned long value;
		size_t length;

		if (i < QUARANTINED)
			quarantine_name(other, sizeof(other), name, i);
		else
			(void)snprintf(other, sizeof(other), "%s%s", name, i == QUARANTINED ? "" : ".tmp");
		if (read_text(dir, other, &text, &length) != 0)
			continue;
		value = largest_number(text, limit);
		largest = value > largest ? value : largest;
		free(text);
	}
	return largest;
}
