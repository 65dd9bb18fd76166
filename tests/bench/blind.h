/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The dpdk source with its frames not looked at: the real receive, counters and release, but each frame is dropped as
 * not for us before a byte of it is read. What is left is what our loop costs beside the driver.
 */

#include "nic/source.h"

/* source_dpdk with another receive. Main thread, once. */
const struct source_ops *blind_ops(void);
