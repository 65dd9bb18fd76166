/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A window of tokens in memory, for levels that cannot put the bytes of a set side by side in a register (json_gather.h).
 *
 * Included by json_block.h. Such a level defines store_tokens and store_marks beside the rest.
 */

#include <stdint.h>

#include "wire/json_text.h"

/* Places are of 16 bits, and the first window's are all windows': larger objects are left to the scalar reader. */
#define WINDOW_BLOCKS UINT32_MAX
#define OBJECT_MAX    UINT16_MAX

struct window {
	uint8_t bytes[TOKENS + BLOCK_BYTES]; /* room for what a block's store writes too much */
	uint16_t at[TOKENS + BLOCK_BYTES];   /* places, from the object's first byte */
};

/* Adds a block's tokens behind `count` others; `offset`: the place of its first byte in the object. */
BLOCK_INLINE void window_add(struct window *window, uint32_t count, const struct block *bytes, uint64_t tokens,
	uint32_t offset, uint32_t number)
{
	(void)number;
	store_tokens(window->bytes + count, window->at + count, bytes, tokens, offset);
}

BLOCK_INLINE struct block window_bytes(const struct window *window)
{
	struct block bytes;

	block_load(&bytes, window->bytes);
	return bytes;
}

/* Writes base + the place of each token of `bits` and returns how many; may write up to 64 whatever they are. */
BLOCK_INLINE uint32_t window_marks(const struct window *window, uint64_t bits, uint32_t base, uint32_t *out)
{
	return store_marks(out, window->at, bits, base);
}

/* What is checked block by block waits for no other. */
BLOCK_INLINE int scalars_overflow(const void *scalars, uint64_t scalar)
{
	(void)scalars;
	(void)scalar;
	return 0;
}
