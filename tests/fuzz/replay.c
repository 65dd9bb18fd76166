/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a fuzz target over stored inputs, for builds without libFuzzer: each argument is a file, or a folder whose files are
 * taken in the order of their names. Every input is copied to a heap block of its exact size, so that a sanitizer sees
 * reads beyond it. Fails when a path cannot be read or when there was no input at all.
 */

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned inputs;

static int fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return -1;
}

static int replay_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(size > 0 ? size : 1);
	int result = 0;

	if (file == NULL || data == NULL || fread(data, 1, size, file) != size)
		result = fail(path);
	else
		(void)LLVMFuzzerTestOneInput(data, size);
	inputs++;
	free(data);
	if (file != NULL)
		(void)fclose(file);
	return result;
}

static int replay(const char *path);

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_shown, alphasort), result = 0;

	if (count < 0)
		return fail(folder);
	for (int i = 0; i < count; i++) {
		char *path;

		if (result == 0 && asprintf(&path, "%s/%s", folder, entries[i]->d_name) > 0) {
			result = replay(path);
			free(path);
		}
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(path);
	return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) != 0)
			return EXIT_FAILURE;
	printf("%u inputs\n", inputs);
	return inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
