/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"

#define CHECK    "check %08x\n"
#define CHECKED  15u /* bytes of that line */
#define FILE_MAX (32u << 20) /* with all topics and lanes that there may be they are smaller */

/* Whole, and of this kind; takes its last line off. */
static int is_whole(char *text, const char *title)
{
	size_t length = strlen(text);
	char line[CHECKED + 1];

	if (length < strlen(title) + CHECKED || strncmp(text, title, strlen(title)) != 0)
		return 0;
	(void)snprintf(line, sizeof(line), CHECK, crc32c(0, text, length - CHECKED));
	if (strcmp(text + length - CHECKED, line) != 0)
		return 0;
	text[length - CHECKED] = '\0';
	return 1;
}

char *text_read(struct spool_disk *disk, const char *name, const char *title)
{
	int file = disk->ops->open(disk, name, 0);
	int64_t size = file >= 0 ? disk->ops->size(disk, file) : 0;
	char *text = NULL;

	if (file == -ENOENT)
		return NULL;
	if (size > 0 && size <= FILE_MAX)
		text = calloc(1, (size_t)size + 1);
	if (text != NULL && (disk->ops->read(disk, file, 0, text, (uint64_t)size) != size || !is_whole(text, title)))
		text[0] = '\0';
	if (file >= 0)
		disk->ops->close(disk, file);
	return text != NULL ? text : calloc(1, 1);
}

char *text_end(FILE *out, char **text, size_t *length)
{
	(void)fflush(out);
	(void)fprintf(out, CHECK, crc32c(0, *text, *length));
	if (fclose(out) == 0)
		return *text;
	free(*text);
	return NULL;
}

int text_write(struct spool_disk *disk, const char *name, char *text, size_t length)
{
	struct iovec piece = {text, length};
	int rc = disk->ops->unlink(disk, name), file;

	if (rc != 0 && rc != -ENOENT)
		return rc;
	file = disk->ops->open(disk, name, 1);
	if (file < 0)
		return file;
	rc = disk->ops->write(disk, file, 0, &piece, 1);
	if (rc == 0)
		rc = disk->ops->sync(disk, file);
	disk->ops->close(disk, file);
	return rc;
}
