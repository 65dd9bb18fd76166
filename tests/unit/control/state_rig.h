/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A state directory of a test's own, and its files by hand. Include after cmocka. */

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/daemon/state.h"
#include "control/daemon/state_file.h"

static char directory[64];

static inline void remove_all(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	(void)rmdir(path);
}

static inline int setup(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/penstock-state-XXXXXX");
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static inline int teardown(void **state)
{
	(void)state;
	remove_all(directory);
	return 0;
}

static inline const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static inline void put(const char *name, const char *text, size_t length)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	close(fd);
}

static inline size_t get(const char *name, char *text, size_t size)
{
	int fd = open(path_of(name), O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, size - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return (size_t)n;
}

static inline int exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static inline struct state *open_ok(void)
{
	struct state *s = NULL;
	struct error error = {""};

	if (state_open(&s, directory, &error) != 0)
		fail_msg("%s", error.text);
	return s;
}
