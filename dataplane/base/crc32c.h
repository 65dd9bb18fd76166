/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CRC-32C (Castagnoli), the checksum of iSCSI, ext4 and Kafka's batches, by the CPU's own instruction. */

#include <stddef.h>
#include <stdint.h>

/* The checksum of `len` bytes; `crc` is that of the bytes before them, 0 at the start. Any thread. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
