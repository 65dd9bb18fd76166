/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static const char *path_of(const char *name)
{
	static char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

const char *scratch_new(void)
{
	(void)snprintf(directory, sizeof(directory), "%s/penstock-spool-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	return directory;
}

static int is_shown(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int list(struct dirent ***entries)
{
	int count = scandir(directory, entries, is_shown, alphasort);

	if (count < 0)
		err(1, "%s", directory);
	return count;
}

void scratch_free(void)
{
	struct dirent **entries;
	int count = list(&entries);

	for (int i = 0; i < count; i++) {
		if (remove(path_of(entries[i]->d_name)) != 0)
			err(1, "%s", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (rmdir(directory) != 0)
		err(1, "%s", directory);
}

uint8_t *scratch_read(const char *name, size_t *size)
{
	FILE *file = fopen(path_of(name), "rb");
	struct stat st;
	uint8_t *data;

	if (file == NULL || fstat(fileno(file), &st) != 0)
		err(1, "%s", name);
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	if (data == NULL || fread(data, 1, *size, file) != *size)
		err(1, "%s", name);
	(void)fclose(file);
	return data;
}

void scratch_write(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(path_of(name), "wb");

	if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
		err(1, "%s", name);
}

void scratch_mkdir(const char *name)
{
	if (mkdir(path_of(name), 0700) != 0)
		err(1, "%s", name);
}

int scratch_has(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

unsigned scratch_count(const char *end, char *name)
{
	struct dirent **entries;
	int count = list(&entries);
	unsigned found = 0;

	for (int i = 0; i < count; i++) {
		size_t len = strlen(entries[i]->d_name);

		if (len >= strlen(end) && strcmp(entries[i]->d_name + len - strlen(end), end) == 0 && found++ == 0 &&
			name != NULL)
			(void)snprintf(name, 64, "%.63s", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return found;
}
