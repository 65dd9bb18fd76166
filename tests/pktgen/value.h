/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Values of options. Each function reads `text`, which was given to `--option`, and returns 0, or -EINVAL with a
 * sentence that says what was expected.
 */

#include "options.h"

/* The sentence: "--option value: expected ...". Returns -EINVAL. */
int value_bad(struct error *error, const char *option, const char *value, const char *expected);

/* A whole number from min to max, with k, M or G behind it; without a sentence. */
int value_plain(const char *text, uint64_t min, uint64_t max, uint64_t *out);

int value_number(struct error *error, const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out);
int value_number32(
	struct error *error, const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out);

/* A number from min to max; whole ones may end in k, M or G. */
int value_double(struct error *error, const char *option, const char *text, double min, double max, double *out);

/* Adds an IPv4 or IPv6 address to a list of at most TARGETS_MAX. */
int value_address(struct error *error, const char *option, const char *text, struct address *list, unsigned *count);

/* "json=5,raw=1" into a value per format, at most `max`. Formats that are not named keep theirs. */
int value_per_format(struct error *error, const char *option, const char *text, uint64_t max, uint64_t *values);

/* Six bytes. */
int value_mac(struct error *error, const char *option, const char *text, uint8_t *mac);

/* One VLAN, or outer and inner; 0 is none. */
int value_vlan(struct error *error, const char *option, const char *text, uint16_t *vlan);
