/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Small text files that must survive a crash at any moment. A file is a title line, the content's lines, and a last line
 * "check" with the FNV-1a sum (32 bit) of everything before it. It is replaced whole: written beside as NAME.tmp, synced,
 * renamed, and the directory synced; so a reader finds the old or the new one, and NAME.tmp is a leftover without meaning.
 *
 * `dir` is the open directory everywhere. Errors are -errno. Control threads; these calls wait for the disk.
 */

#include <stddef.h>

#define STATE_FILE_MAX (4u << 20) /* bytes of one file */

/* Replaces the file. `content` ends with a newline. */
int state_file_write(int dir, const char *name, const char *title, const char *content);

/*
 * Reads a file. 0: `*text` holds the content alone. -EBADMSG: damaged, `*text` holds what is there, NULs as 0x01.
 * -ENOENT: there is none; else it cannot be read; `*text` is NULL then. The caller frees `*text`.
 */
int state_file_read(int dir, const char *name, const char *title, char **text);

/* Renames a damaged file to NAME.bad, or NAME.bad.1 to .9 when those are taken. `kept` gets the new name. */
int state_file_quarantine(int dir, const char *name, char *kept, size_t size);

/* The largest decimal number up to `limit` in what a file, its leftover and its quarantined ones hold; 0: none. */
unsigned long state_file_salvage(int dir, const char *name, unsigned long limit);
