/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes of a set put side by side in registers, for levels that can: tokens, and numbers and literals. A load that takes bytes
 * of several stores waits until they, and all before them, have left the store queue.
 *
 * Included by json_block.h. A level that has JSON_COMPRESSES defines block_gather, block_mark, block_indexes, block_store and
 * store_places beside the rest.
 */

#include <stdint.h>
#include <string.h>

#include "wire/json_scalars.h"

#define WINDOW_BLOCKS 255u /* of bytes, from the first to the last token: their numbers are of 8 bits */

struct window {
	struct block bytes, indexes, numbers; /* of each token: its byte, its place in its block, and that block's number */
};

/* Adds a block's tokens behind `count` others; `number`: that of the block in the window. */
BLOCK_INLINE void window_add(struct window *window, uint32_t count, const struct block *bytes, uint64_t tokens,
	uint32_t offset, uint32_t number)
{
	struct block indexes = block_indexes();

	(void)offset;
	block_gather(&window->bytes, count, bytes, tokens);
	block_gather(&window->indexes, count, &indexes, tokens);
	block_mark(&window->numbers, count, (uint8_t)number);
}

BLOCK_INLINE struct block window_bytes(const struct window *window)
{
	return window->bytes;
}

/* Writes base + the place of each token of `bits` and returns how many; may write 64 whatever they are. */
BLOCK_INLINE uint32_t window_marks(const struct window *window, uint64_t bits, uint32_t base, uint32_t *out)
{
	uint32_t count = (uint32_t)__builtin_popcountll(bits);
	struct block indexes, numbers;

	block_gather(&indexes, 0, &window->indexes, bits);
	block_gather(&numbers, 0, &window->numbers, bits);
	store_places(out, &indexes, &numbers, base, count);
	return count;
}

#define SCALARS_MOST 72u                          /* 64 bytes to check, and what a literal that begins in them needs */
#define SCALARS_ROOM (SCALARS_MOST + BLOCK_BYTES) /* a block's bytes are put behind them */

/*
 * The bytes of all scalars, each with the one byte behind it; the very first byte is of none. Those of most objects are one
 * block, and checked as one; those of others go into memory and are checked 64 at a time. The first byte of such a block is
 * the last of the one before, too.
 */
struct scalars {
	struct block bytes;
	uint32_t count;  /* of them; more than BLOCK_BYTES: they are in memory, */
	uint32_t stored; /* so many */
	struct scalar_carries carries;
};

/* Whether those of another block may not fit. */
BLOCK_INLINE int scalars_overflow(const struct scalars *s, uint64_t scalar)
{
	return s->count + (uint32_t)__builtin_popcountll(scalar | scalar << 1) > BLOCK_BYTES;
}

/* `text`: as in check_scalars. */
BLOCK_INLINE uint64_t check_gathered(
	const struct block *bytes, uint32_t count, const uint8_t *text, struct scalar_carries *carries)
{
	uint64_t there = count < BLOCK_BYTES ? ~(~UINT64_C(0) << count) : ~UINT64_C(0);
	uint64_t scalar =
		~((block_operators(bytes) & ~block_control(bytes)) | block_space(bytes) | block_equal(bytes, '"')) & there;

	/* What is wrong with the first byte has been seen. */
	return there & ~UINT64_C(1) &
	       check_scalars(bytes, scalar, scalar & ~(scalar << 1) & ~UINT64_C(1), there, text, SCALARS_ROOM, carries);
}

/* Checks until no more than `left` bytes are. */
BLOCK_INLINE uint64_t check_stored(uint8_t *room, struct scalars *s, uint32_t left)
{
	uint64_t errors = 0;

	while (s->stored > left) {
		struct block bytes;

		block_load(&bytes, room);
		errors |= check_gathered(&bytes, s->stored, room, &s->carries);
		s->stored -= BLOCK_BYTES - 1;
		memmove(room, room + BLOCK_BYTES - 1, SCALARS_ROOM - BLOCK_BYTES + 1);
	}
	return errors;
}

/* The same for those of a block that are too many for the register. */
BLOCK_INLINE uint64_t store_scalars(
	uint8_t *room, struct scalars *s, const struct block *bytes, uint64_t taken, uint32_t count)
{
	struct block more;

	if (s->count <= BLOCK_BYTES) {
		block_store(&s->bytes, room);
		s->stored = s->count;
		s->count = BLOCK_BYTES + 1;
	}
	block_gather(&more, 0, bytes, taken);
	block_store(&more, room + s->stored);
	s->stored += count;
	return check_stored(room, s, SCALARS_MOST);
}

/* `room` NULL: there are not too many. */
BLOCK_INLINE uint64_t gather_scalars(uint8_t *room, struct scalars *s, const struct block *bytes, uint64_t taken)
{
	uint32_t count = (uint32_t)__builtin_popcountll(taken);

	if (room != NULL && RARE(s->count + count > BLOCK_BYTES))
		return store_scalars(room, s, bytes, taken, count);
	block_gather(&s->bytes, s->count, bytes, taken);
	s->count += count;
	return 0;
}

BLOCK_INLINE uint64_t finish_scalars(uint8_t *room, struct scalars *s)
{
	struct block bytes;
	uint64_t errors;

	if (room == NULL || s->count <= BLOCK_BYTES)
		return check_gathered(&s->bytes, s->count, NULL, &s->carries);
	errors = check_stored(room, s, BLOCK_BYTES);
	block_load(&bytes, room);
	return errors | check_gathered(&bytes, s->stored, room, &s->carries);
}
