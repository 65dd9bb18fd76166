/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A record as a line of JSON:
 *
 *   {"log","position","index","topic","partition","key"|"key_base64","reason","timestamp_ms","value"|"value_base64"}
 *
 * A value that is JSON without line breaks, as ours is, stands there byte by byte as it is. Any other, and a key that is no
 * UTF-8, stands there in base64. A key, a reason or a time that the record has not is
 * left out. One thread.
 */

#include <stdio.h>

#include "batch/record.h"
#include "spool/log.h"

void spool_line_write(
	FILE *out, const char *log, const struct spool_entry *entry, uint32_t index, const struct record *record);
