/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers as people write them in the configuration: whole numbers, sizes (B KiB MiB GiB), durations (us ms s m),
 * percentages, addresses. The readers return NULL, or the reason why the text is none ("has no unit"), a constant string
 * that reads well after the quoted text. No value overflows: what does not fit 64 bits "is too large". Pure functions.
 */

#include <stddef.h>
#include <stdint.h>

#include "nic/source.h"

/* Decimal digits only, no sign, no leading zero. */
const char *value_number(const char *text, uint64_t *value);

/* Bytes. A unit must be there. */
const char *value_size(const char *text, uint64_t *bytes);

/* Microseconds. A unit must be there. */
const char *value_duration(const char *text, uint64_t *us);

/* The number before the sign: 25 for "25%". */
const char *value_percent(const char *text, uint64_t *percent);

/* Permission bits in octal, such as 0660. */
const char *value_mode(const char *text, uint64_t *mode);

/* "10.9.0.2/24", "fd09::2/64". Without a prefix the whole address counts (32 or 128). What no host can have (unspecified,
 * multicast, the subnet's own number or broadcast) is refused. */
const char *value_address(const char *text, struct source_address *address);

/* One CPU or a range of them, "3" or "3-5". */
const char *value_cpus(const char *text, unsigned *first, unsigned *last);

/* Writes a size or a duration with the largest unit that divides it. Returns `out`. */
const char *value_print_size(char *out, size_t size, uint64_t bytes);
const char *value_print_duration(char *out, size_t size, uint64_t us);

/* Writes `text` between quotes for a message: cut after some 48 bytes, control bytes escaped. Returns `out`. */
const char *value_quote(char *out, size_t size, const char *text);

/* Edits between two words (insert, delete, replace, swap neighbours); words longer than 32 bytes are never close.
 * Source: the restricted Damerau-Levenshtein ("optimal string alignment") distance. */
unsigned value_distance(const char *a, const char *b);
