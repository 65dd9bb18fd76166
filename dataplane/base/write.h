/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* Writes all `length` bytes to the file at its place, however many calls that takes. 0 or -errno; some may be written then. Any
 * thread; never a poll core. */
int write_all(int fd, const void *data, size_t length);
