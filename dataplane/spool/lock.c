/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

struct spool_lock {
	struct spool_lock *next;
	int file;
	dev_t device;
	ino_t inode;
	unsigned shares;
};

static struct spool_lock *locks; /* of this process; control thread */

static int open_file(const char *directory, int flags)
{
	char path[PATH_MAX];
	int file;

	if (snprintf(path, sizeof(path), "%s/" SPOOL_LOCK_NAME, directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	file = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	return file >= 0 ? file : -errno;
}

static struct spool_lock *find(const struct stat *st)
{
	struct spool_lock *lock = locks;

	while (lock != NULL && (lock->device != st->st_dev || lock->inode != st->st_ino))
		lock = lock->next;
	return lock;
}

/* For the sentence that another one gets. */
static void sign(int file)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)len, 0) != len)
		log_write(LOG_WARNING, "the spool's lock file cannot be written: %s", strerror(errno));
}

static int busy(int file, const char *directory, struct error *error)
{
	char text[32] = "";
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);

	text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
	return error_set(error, -EBUSY,
		"spool directory %s is in use by another process (%s by its file %s): a spool belongs to one daemon; "
		"stop that one, "
		"or set spool.directory to another directory",
		directory, text[0] != '\0' ? text : "not named", SPOOL_LOCK_NAME);
}

/* Owns `file`: in *lock, or closed. */
static int take(struct spool_lock **lock, int file, const struct stat *st, const char *directory, struct error *error)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int rc = fcntl(file, F_OFD_SETLK, &whole) == 0 ? 0 : -errno;

	if (rc == 0 && (*lock = malloc(sizeof(**lock))) == NULL)
		rc = error_set(error, -ENOMEM, "spool %s: out of memory", directory);
	else if (rc == -EAGAIN || rc == -EACCES)
		rc = busy(file, directory, error);
	if (rc != 0) {
		(void)close(file);
		return rc;
	}
	sign(file);
	**lock = (struct spool_lock){
		.next = locks, .file = file, .device = st->st_dev, .inode = st->st_ino, .shares = 1};
	locks = *lock;
	return 0;
}

int spool_lock_take(struct spool_lock **lock, const char *directory, struct error *error)
{
	int file = open_file(directory, O_RDWR | O_CREAT), rc = file < 0 ? file : 0;
	struct stat st;

	*lock = NULL;
	if (rc == 0 && fstat(file, &st) != 0) {
		rc = -errno;
		(void)close(file);
	}
	if (rc == 0 && (*lock = find(&st)) != NULL) {
		(*lock)->shares++;
		(void)close(file);
		return 0;
	}
	if (rc == 0)
		rc = take(lock, file, &st, directory, error);
	if (rc == 0 || rc == -EBUSY || rc == -ENOMEM)
		return rc;
	log_write(LOG_WARNING, "spool directory %s cannot be locked: %s; nothing keeps a second daemon out of it",
		directory, strerror(-rc));
	return 0;
}

void spool_lock_release(struct spool_lock *lock)
{
	struct spool_lock **at = &locks;

	if (lock == NULL || --lock->shares > 0)
		return;
	while (*at != lock)
		at = &(*at)->next;
	*at = lock->next;
	(void)close(lock->file);
	free(lock);
}

int spool_lock_is_held(const char *directory)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int file = open_file(directory, O_RDONLY), rc;

	if (file < 0)
		return file == -ENOENT ? 0 : file;
	rc = fcntl(file, F_OFD_GETLK, &whole) == 0 ? whole.l_type != F_UNLCK : -errno;
	(void)close(file);
	return rc;
}
