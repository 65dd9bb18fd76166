/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <nmmintrin.h>
#include <pthread.h>
#include <string.h>

/*
 * The instruction takes three cycles and may be begun in each of them: three runs side by side, of which the first two
 * are then led over the zeros that stand for what lies behind them. A checksum is linear, so a table for each of its
 * bytes says where that leads.
 */

#define RUN 1024u

static uint32_t behind_run[4][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (uint32_t byte = 0; byte < 4; byte++)
		for (uint32_t value = 0; value < 256; value++) {
			uint64_t state = value << 8 * byte;

			for (uint32_t i = 0; i < RUN; i += 8)
				state = _mm_crc32_u64(state, 0);
			behind_run[byte][value] = (uint32_t)state;
		}
}

static uint64_t lead_over(uint64_t state)
{
	return behind_run[0][state & 0xff] ^ behind_run[1][state >> 8 & 0xff] ^ behind_run[2][state >> 16 & 0xff] ^
	       behind_run[3][state >> 24 & 0xff];
}

static uint64_t word_at(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static uint64_t three_runs(uint64_t first, const uint8_t *at)
{
	uint64_t second = 0, third = 0;

	for (uint32_t i = 0; i < RUN; i += 8) {
		first = _mm_crc32_u64(first, word_at(at + i));
		second = _mm_crc32_u64(second, word_at(at + RUN + i));
		third = _mm_crc32_u64(third, word_at(at + 2u * RUN + i));
	}
	return lead_over(lead_over(first) ^ second) ^ third;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t state = ~crc;

	if (len >= 3u * RUN)
		(void)pthread_once(&tables_made, make_tables);
	for (; len >= 3u * RUN; len -= 3u * RUN, at += 3u * RUN)
		state = three_runs(state, at);
	for (; len >= 8; len -= 8, at += 8)
		state = _mm_crc32_u64(state, word_at(at));
	for (; len > 0; len--, at++)
		state = _mm_crc32_u8((uint32_t)state, *at);
	return ~(uint32_t)state;
}
