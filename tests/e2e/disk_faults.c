/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOADed: what lies below the directory DISK_FAULTS_UNDER fails as the file DISK_FAULTS says, read at each call. Its words:
 *
 *   sync-eio     fdatasync and fsync fail with EIO      sync-slow     they take two seconds
 *   sync-stuck   they take as long as the word is there
 *   write-eio    writes fail with EIO                   write-short   writes take half of what they are given
 *   read-only    all that changes something fails with EROFS, as on a file system that went read-only
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int is_below(int file)
{
	const char *under = getenv("DISK_FAULTS_UNDER");
	char link[32], path[PATH_MAX];
	ssize_t n;

	if (under == NULL || *under == '\0')
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	n = readlink(link, path, sizeof(path) - 1);
	return n > 0 && strncmp(path, under, strlen(under)) == 0;
}

static int is_on(const char *word)
{
	const char *name = getenv("DISK_FAULTS");
	char text[128] = "";
	long file = name != NULL ? syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC) : -1;

	if (file < 0)
		return 0;
	if (read((int)file, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	(void)syscall(SYS_close, file);
	return strstr(text, word) != NULL;
}

static int is_read_only(int file)
{
	if (!is_below(file) || !is_on("read-only"))
		return 0;
	errno = EROFS;
	return 1;
}

static int sync_as(long call, int file)
{
	if (is_below(file) && is_on("sync-slow"))
		(void)nanosleep(&(struct timespec){2, 0}, NULL);
	while (is_below(file) && is_on("sync-stuck"))
		(void)nanosleep(&(struct timespec){0, 10000000}, NULL);
	if (is_below(file) && is_on("sync-eio")) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(call, file);
}

int fdatasync(int file)
{
	return sync_as(SYS_fdatasync, file);
}

int fsync(int file)
{
	return sync_as(SYS_fsync, file);
}

ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t offset)
{
	if (is_read_only(file))
		return -1;
	if (is_below(file) && is_on("write-eio")) {
		errno = EIO;
		return -1;
	}
	if (count > 0 && pieces[0].iov_len > 0 && is_below(file) && is_on("write-short"))
		return pwrite(file, pieces[0].iov_base, (pieces[0].iov_len + 1) / 2, offset);
	return syscall(SYS_pwritev, file, pieces, (long)count, (long)offset, 0L);
}

ssize_t pwritev64(int file, const struct iovec *pieces, int count, off64_t offset)
{
	return pwritev(file, pieces, count, (off_t)offset);
}

int fallocate(int file, int mode, off_t offset, off_t size)
{
	return is_read_only(file) ? -1 : (int)syscall(SYS_fallocate, file, (long)mode, (long)offset, (long)size);
}

int fallocate64(int file, int mode, off64_t offset, off64_t size)
{
	return fallocate(file, mode, (off_t)offset, (off_t)size);
}

int openat(int directory, const char *name, int flags, ...)
{
	unsigned mode = 0;
	va_list more;

	va_start(more, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(more, unsigned);
	va_end(more);
	if (((flags & O_CREAT) != 0 || (flags & O_ACCMODE) != O_RDONLY) && is_read_only(directory))
		return -1;
	return (int)syscall(SYS_openat, directory, name, flags, mode);
}

int openat64(int directory, const char *name, int flags, ...)
{
	unsigned mode = 0;
	va_list more;

	va_start(more, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(more, unsigned);
	va_end(more);
	return openat(directory, name, flags, mode);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
	return is_read_only(from_directory) ? -1 : (int)syscall(SYS_renameat, from_directory, from, to_directory, to);
}

int unlinkat(int directory, const char *name, int flags)
{
	return is_read_only(directory) ? -1 : (int)syscall(SYS_unlinkat, directory, name, flags);
}

int mkdir(const char *path, mode_t mode)
{
	const char *under = getenv("DISK_FAULTS_UNDER");

	if (under != NULL && strncmp(path, under, strlen(under)) == 0 && is_on("read-only")) {
		errno = EROFS;
		return -1;
	}
	return (int)syscall(SYS_mkdir, path, mode);
}
