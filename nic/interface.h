/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the kernel says of one of its network interfaces. Private to nic/. */

#include <stdint.h>

struct interface {
	int up; /* and its other end, too */
	uint32_t mtu;
};

/* The state of the interface that had number `index` (if_nametoindex), also after it was renamed. 0, -ENODEV when there is none any
 * more, or -errno. Control thread. */
int interface_read(unsigned index, struct interface *interface);
