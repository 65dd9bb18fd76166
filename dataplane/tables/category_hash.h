/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keyed hash of the category table; private to tables/category*.c. Texts: XXH3, 128 bits, with a secret of 192
 * random bytes (github.com/Cyan4973/xxHash). Numbers: a keyed permutation of 64 bits in the manner of MurmurHash3's
 * finaliser, so that numbers hardly ever share a check, and 32 bits of a product of it as the place.
 */

#include <stdint.h>

#include "base/slice.h"
#include "tables/category.h"

struct category_secret {
	uint8_t text[192];
	uint64_t number[4];
};

/* Random bytes. 0 or -errno. */
int category_secret_make(struct category_secret *secret);

struct category_key category_hash(const struct category_secret *secret, struct slice text);
