/* SPDX-License-Identifier: Apache-2.0 */
/* The real disk, where the simulated one cannot stand in: a file system that has become read-only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "base/error.h"
#include "scratch.h"
#include "spool/disk.h"

static const char text[] = "what was written";
static const struct iovec piece = {(void *)(uintptr_t)text, sizeof(text)};
static const char *directory;
static struct spool_disk *disk;

/* A file system of its own, in a mount namespace of its own. */
static int begin(void **state)
{
	struct error error;

	(void)state;
	directory = scratch_new();
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", directory, "tmpfs", 0, NULL) != 0)
		return 0;
	return spool_disk_posix_new(&disk, directory, &error);
}

static int end(void **state)
{
	(void)state;
	if (disk != NULL && umount2(directory, MNT_DETACH) != 0)
		return -1;
	spool_disk_posix_free(disk);
	scratch_free();
	return 0;
}

static void write_file(const char *name)
{
	int file = disk->ops->open(disk, name, 1);

	assert_true(file >= 0);
	assert_int_equal(disk->ops->write(disk, file, 0, &piece, 1), 0);
	disk->ops->close(disk, file);
}

static void what_is_on_a_file_system_that_went_read_only_is_read(void **state)
{
	char back[sizeof(text)] = "";
	int file;

	(void)state;
	if (disk == NULL) /* these rights are not given here */
		skip();
	write_file("a");
	assert_int_equal(mount("none", directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	file = disk->ops->open(disk, "a", 0);
	assert_true(file >= 0);
	assert_int_equal(disk->ops->read(disk, file, 0, back, sizeof(back)), sizeof(text));
	assert_string_equal(back, text);
	assert_int_equal(disk->ops->write(disk, file, 0, &piece, 1), -EROFS);
	disk->ops->close(disk, file);
	assert_int_equal(disk->ops->open(disk, "b", 1), -EROFS);
	assert_int_equal(disk->ops->open(disk, "b", 0), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_on_a_file_system_that_went_read_only_is_read, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
