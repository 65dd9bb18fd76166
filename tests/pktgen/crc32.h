/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * CRC-32 as zlib, gzip and Ethernet have it (reflected polynomial 0xedb88320), because every scripting language can
 * check it without a further package. Eight bytes a step ("slicing by 8": Kounavis and Berry, 2005).
 */

#include <stddef.h>
#include <stdint.h>

/* CRC-32 of `len` bytes. Any thread; the tables are made before main(). */
uint32_t crc32_of(const uint8_t *data, size_t len);
