/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DPDK's environment layer, once a process. It gets one core, the control core; workers are plain threads that register
 * themselves (source attach). Devices are not named here: each source brings its own when it is opened, so a device that
 * fails does so with its own message. All drivers that are installed are available; none is probed unasked.
 * Socket sources need none of this.
 */

#include "base/error.h"

struct eal_config {
	const char *prefix;  /* of the runtime directory; NULL: one for all daemons, which keep no files in it */
	int control_cpu;     /* where EAL's threads live; -1: the CPU the caller runs on */
	unsigned huge_pages; /* 1: hugepages, private to the process; 0: ordinary memory */
	unsigned memory_mb;  /* what EAL maps without hugepages, at least 64; with them it maps what is needed */
	unsigned pci;        /* 0: no device is on PCI, and the bus is left alone */
	const char *plugins; /* one more folder or library of drivers, or NULL */
};

/*
 * Starts EAL. Returns 0 or -errno with a sentence. The calling thread keeps its CPU mask; threads that EAL starts stay on
 * the control core. Main thread, once, before any dpdk source is opened.
 */
int eal_start(const struct eal_config *config, struct error *error);

/* Ends EAL: sources are closed before. Does nothing if it was not started. Main thread. */
void eal_stop(void);

/* Whether a device string names a PCI device ("0000:41:00.0", "41:00.0,args"). Any thread. */
int eal_device_is_pci(const char *device);
