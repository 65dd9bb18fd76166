/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/interface.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(int fd, unsigned index, struct interface *interface)
{
	struct ifreq request = {.ifr_ifindex = (int)index};

	if (ioctl(fd, SIOCGIFNAME, &request) != 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		return -errno;
	interface->up = (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
	if (ioctl(fd, SIOCGIFMTU, &request) != 0)
		return -errno;
	interface->mtu = (uint32_t)request.ifr_mtu;
	return 0;
}

int interface_read(unsigned index, struct interface *interface)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;

	if (fd < 0)
		return -errno;
	result = ask(fd, index, interface);
	(void)close(fd);
	return result;
}
