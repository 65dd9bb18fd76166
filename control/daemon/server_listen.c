/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/server_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG      64
#define LOG_SECONDS  10
#define LOCK_TRIES   50
#define LOCK_WAIT_NS (10 * 1000 * 1000L)

/*
 * Two daemons that start at once must not take a dead socket's place from each other between the test and the bind:
 * each holds a lock on the folder meanwhile. Who cannot have it goes on without, since anybody may hold a lock on a
 * folder that he may read. Returns the folder's descriptor or -1.
 */
static int lock_folder(const char *path)
{
	struct timespec pause = {.tv_nsec = LOCK_WAIT_NS};
	char *copy = strdup(path);
	int fd, tries = LOCK_TRIES;

	if (copy == NULL)
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	while (fd >= 0 && tries-- > 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
		(void)nanosleep(&pause, NULL);
	return fd;
}

/* 0 when nobody listens at the address, -EADDRINUSE when somebody does (or is too busy to answer), or -errno. */
static int probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int code;

	if (fd < 0)
		return -errno;
	code = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? EADDRINUSE : errno;
	close(fd);
	if (code == ECONNREFUSED || code == ENOENT)
		return 0;
	return code == EAGAIN ? -EADDRINUSE : -code;
}

static int remove_stale(const struct sockaddr_un *address, struct error *error)
{
	const char *path = address->sun_path;
	struct stat st;
	int rc;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : error_set(error, -errno, "%s: cannot look: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(
			error, -EEXIST, "%s: exists and is no socket; remove it or set another control socket", path);
	rc = probe(address);
	if (rc == -EADDRINUSE)
		return error_set(
			error, rc, "%s: another daemon listens here; stop it or set another control socket", path);
	if (rc != 0)
		return error_set(error, rc, "%s: cannot tell whether a daemon listens here: %s", path, strerror(-rc));
	if (unlink(path) != 0 && errno != ENOENT)
		return error_set(
			error, -errno, "%s: cannot remove the socket of a daemon that died: %s", path, strerror(errno));
	return 0;
}

/* The mode of the socket before bind is that of its file: nobody can reach it until chmod. And nobody before listen. */
static int bind_and_listen(int fd, const struct sockaddr_un *address, unsigned mode, struct error *error)
{
	const char *path = address->sun_path;

	if (fchmod(fd, 0) != 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		return error_set(error, -errno,
			"%s: cannot make the control socket: %s; does its folder exist, and may "
			"this user write there?",
			path, strerror(errno));
	if (chmod(path, (mode_t)(mode & 0777)) != 0 || listen(fd, BACKLOG) != 0) {
		int code = errno;

		(void)unlink(path);
		return error_set(error, -code, "%s: cannot listen: %s", path, strerror(code));
	}
	return 0;
}

static int take_path(
	struct server_listener *listener, const struct sockaddr_un *address, unsigned mode, struct error *error)
{
	int lock = lock_folder(address->sun_path), rc = remove_stale(address, error);
	struct stat st;

	if (rc == 0)
		rc = bind_and_listen(listener->fd, address, mode, error);
	if (rc == 0 && lstat(address->sun_path, &st) == 0) {
		listener->device = st.st_dev;
		listener->inode = st.st_ino;
	}
	if (lock >= 0)
		close(lock);
	return rc;
}

int server_listen(struct server_listener *listener, const char *path, unsigned mode, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int rc;

	*listener = (struct server_listener){.fd = -1};
	if (len == 0 || len >= sizeof(address.sun_path))
		return error_set(error, len == 0 ? -EINVAL : -ENAMETOOLONG,
			"control socket: a path has 1 to %zu bytes, this one has %zu", sizeof(address.sun_path) - 1,
			len);
	memcpy(address.sun_path, path, len + 1);
	listener->path = strdup(path);
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->path == NULL || listener->fd < 0)
		rc = error_set(error, -errno, "%s: cannot make a socket: %s", path, strerror(errno));
	else
		rc = take_path(listener, &address, mode, error);
	if (rc != 0) {
		if (listener->fd >= 0)
			close(listener->fd);
		free(listener->path);
		*listener = (struct server_listener){.fd = -1};
	}
	return rc;
}

static const char *cure_of(int code)
{
	if (code == EMFILE)
		return "raise LimitNOFILE= of the service (ulimit -n)";
	return code == ENFILE ? "raise the kernel's fs.file-max" : "give the box more memory";
}

int server_listen_accept(struct server_listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), code = errno;
	unsigned before = 0;

	if (fd >= 0)
		return fd;
	if (code != EMFILE && code != ENFILE && code != ENOBUFS && code != ENOMEM)
		return -EAGAIN;
	if (log_allowed(&listener->log_limit, LOG_SECONDS, &before))
		log_write(LOG_ERROR, "control: %s: cannot accept who connects: %s; %s (%u more since the last such line)",
			listener->path, strerror(code), cure_of(code), before);
	return -code;
}

void server_listen_end(struct server_listener *listener)
{
	struct stat st;

	if (listener->fd < 0)
		return;
	if (lstat(listener->path, &st) == 0 && st.st_dev == listener->device && st.st_ino == listener->inode)
		(void)unlink(listener->path);
	close(listener->fd);
	free(listener->path);
	*listener = (struct server_listener){.fd = -1};
}
