/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or with a leading @ a name in the abstract namespace. */
static int address_of(const char *name, struct sockaddr_un *address, socklen_t *len)
{
	size_t n = strlen(name);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(address->sun_path))
		return -EINVAL;
	memcpy(address->sun_path, name, n);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return 0;
}

static int tell(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t len = 0;
	ssize_t n;
	int fd, rc;

	if (name == NULL || *name == '\0')
		return 0;
	rc = address_of(name, &address, &len);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	n = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
	rc = n < 0 ? -errno : 1;
	close(fd);
	return rc;
}

int notify_starting(unsigned seconds)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long)seconds * 1000000);
	return tell(text);
}

int notify_ready(void)
{
	return tell("READY=1");
}

int notify_stopping(unsigned seconds)
{
	char text[96];

	(void)snprintf(
		text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu", (unsigned long long)seconds * 1000000);
	return tell(text);
}

int notify_watchdog(void)
{
	return tell("WATCHDOG=1");
}
