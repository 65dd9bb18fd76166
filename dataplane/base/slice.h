/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Some bytes that somebody else owns. */

#include <stdint.h>

struct slice {
	const uint8_t *data; /* NULL: absent */
	uint32_t len;
};
