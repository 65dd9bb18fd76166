/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hex files for tests: pairs of hex digits, white space between them, '#' begins a comment that lasts to the line's end.
 * Bytes are given as a heap block of exactly their number, so that ASan sees a read of one byte too many.
 */

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct golden {
	uint8_t *data; /* free() it */
	uint32_t len;
};

/* A heap block of exactly `len` bytes with these contents; never NULL, also for 0. */
static inline uint8_t *golden_copy(const uint8_t *data, uint32_t len)
{
	uint8_t *copy = malloc(len);

	if (len == 0)
		return copy != NULL ? copy : malloc(1);
	if (copy == NULL)
		abort();
	return memcpy(copy, data, len);
}

/* Reads a file; data is NULL when it cannot be read or is no hex. */
static inline struct golden golden_read(const char *path)
{
	struct golden golden = {NULL, 0};
	uint8_t bytes[4096];
	char line[512];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return golden;
	while (fgets(line, sizeof(line), file) != NULL) {
		for (char *at = line; *at != '\0' && *at != '#'; at++) {
			unsigned value;

			if (isspace((unsigned char)*at))
				continue;
			if (golden.len == sizeof(bytes) || sscanf(at, "%2x", &value) != 1) {
				fclose(file);
				return (struct golden){NULL, 0};
			}
			bytes[golden.len++] = (uint8_t)value;
			at++;
		}
	}
	fclose(file);
	golden.data = golden_copy(bytes, golden.len);
	return golden;
}
