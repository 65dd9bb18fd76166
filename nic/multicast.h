/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lets the device pass multicast frames of given groups, with the narrowest means it offers. Private to nic/. */

#include <stdint.h>

#include "nic/port.h"

/*
 * Joins `count` groups by their MAC addresses: through the kernel for a device that it owns (af_packet, af_xdp), by the
 * device's own filter, else all multicast, else promiscuous with a note, else a note. Control thread, device started.
 */
void multicast_join(struct port *port, uint8_t (*macs)[6], unsigned count);

/* Leaves what was joined through the kernel. Control thread. */
void multicast_leave(struct port *port);
