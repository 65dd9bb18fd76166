/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Oddities of drivers, kept in one place: arguments that a virtual device needs to do what the configuration asks for,
 * and what a driver fails to say about itself. The figures behind them are in hw-notes/.
 */

#include <stddef.h>

#include "nic/source.h"

/*
 * Writes the device string for EAL: that of the configuration, with arguments added that it leaves open (queues, frame
 * size). Returns 0, or -ENAMETOOLONG. Control thread.
 */
int quirks_device(const struct source_config *config, char *out, size_t size);

/* Bytes that the driver may put into one mbuf beyond what the MTU needs, 0 when nothing special. */
uint32_t quirks_frame_room(const struct source_config *config, const char *device);

/* Bytes that one mbuf may have for data at the most, headroom included. */
uint32_t quirks_largest_room(const char *device);

/* Mbufs per queue that the device keeps for itself beyond its descriptors. */
unsigned quirks_kept_mbufs(const char *device);

/* Whether the driver counts what was lost before us. */
int quirks_reports_missed(const char *driver);

/* Whether the driver says a smaller largest frame than it can take, so that it is left to its own at configure. */
int quirks_mtu_is_the_kernels(const char *driver);

/* Gives the port another MAC address where the driver's own is also that of the kernel's end of the link (net_tap). */
void quirks_mac(const struct source_config *config, const char *driver, uint8_t *mac);

/* Name of the kernel's interface behind a device that the kernel keeps owning (af_packet, af_xdp). 0 or -ENODEV. */
int quirks_kernel_interface(const char *device, char *out, size_t size);
