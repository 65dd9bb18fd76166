/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse_others(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

int regular_file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return -errno;
	rc = refuse_others(fd);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

const char *regular_file_why(int rc)
{
	return rc == -EINVAL ? "it is no regular file" : strerror(-rc);
}
