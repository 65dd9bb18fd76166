/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "spool/disk.h"

/*
 * Small texts beside the logs (docs/spool-format.md): a title, lines, and in the last one the checksum of all before. They are
 * written whole, beside, and renamed by their owner.
 */

/* The text without its last line; "": it is damaged, of another kind, or cannot be read; NULL: there is none, or no memory. The
 * caller frees it. */
char *text_read(struct spool_disk *disk, const char *name, const char *title);

/* Ends a text that is written to open_memstream(text, length), which this closes: its last line. NULL: no memory. */
char *text_end(FILE *out, char **text, size_t *length);

/* Makes a file anew, durable but for its name. 0 or -errno. */
int text_write(struct spool_disk *disk, const char *name, char *text, size_t length);
