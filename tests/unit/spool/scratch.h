/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory of its own for a test, and files in it as bytes. Every failure ends the program. */

#include <stddef.h>
#include <stdint.h>

/* Makes an empty directory; its path is kept until the next call. */
const char *scratch_new(void);
/* Takes it away with all files in it. */
void scratch_free(void);

/* A file of it, whole; the caller frees it. */
uint8_t *scratch_read(const char *name, size_t *size);
void scratch_write(const char *name, const void *data, size_t size);
void scratch_mkdir(const char *name);
int scratch_has(const char *name);
/* The number of files; the name of the first one by name that ends so, in `name` of 64 bytes, when that is not NULL. */
unsigned scratch_count(const char *end, char *name);
