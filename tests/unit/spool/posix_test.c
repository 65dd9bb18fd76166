/* SPDX-License-Identifier: Apache-2.0 */
/* The real disk, where the simulated one cannot stand in: a directory that is made, a file system that has become read-only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "scratch.h"
#include "spool/disk.h"

static const char text[] = "what was written";
static const struct iovec piece = {(void *)(uintptr_t)text, sizeof(text)};
static const char *directory;
static struct spool_disk *disk;

static int sync_fails, syncs;

/* In the library's place: the disk's own. */
int fsync(int file)
{
	syncs++;
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, file);
}

/* Files in a directory last no longer than its own name: what is made is not used before that is on the disk; and of one that is
 * there, made by who knows whom, it is synced if the disk can. */
static void directory_is_used_when_its_name_is_synced(void **state)
{
	struct spool_disk *made = NULL;
	struct error error;
	char path[256];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/made", scratch_new());
	sync_fails = 1;
	for (int i = 0; i < 2; i++)
		assert_int_equal(spool_disk_posix_new(&made, path, &error), -EIO);
	assert_int_equal(rmdir(path), -1);
	sync_fails = 0;
	for (int i = 0; i < 3; i++) {
		sync_fails = i == 2;
		syncs = 0;
		assert_int_equal(spool_disk_posix_new(&made, path, &error), 0);
		spool_disk_posix_free(made);
		assert_int_equal(syncs, 1);
	}
	sync_fails = 0;
	assert_int_equal(rmdir(path), 0);
	scratch_free();
}

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
		cmocka_unit_test(directory_is_used_when_its_name_is_synced),
		cmocka_unit_test_setup_teardown(what_is_on_a_file_system_that_went_read_only_is_read, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
