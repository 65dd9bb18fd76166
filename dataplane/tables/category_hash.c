/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category_hash.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tables/category_priv.h"

#define DIGITS_MAX 20u /* of 2^64 - 1 */

_Static_assert(sizeof(((struct category_secret *)0)->text) >= XXH3_SECRET_SIZE_MIN, "what XXH3 asks for");

int category_secret_make(struct category_secret *secret)
{
	ssize_t n = getrandom(secret, sizeof(*secret), 0);

	if (n == (ssize_t)sizeof(*secret))
		return 0;
	return n < 0 ? -errno : -EIO;
}

/* A check of 0 is that of free ways. */
static struct category_key make_key(uint64_t check, uint32_t place)
{
	return (struct category_key){check + (check == 0), place};
}

static struct category_key hash_number(const struct category_secret *secret, uint64_t number)
{
	uint64_t x = number ^ secret->number[0];

	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x += secret->number[1];
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return make_key(x, (uint32_t)(((x ^ secret->number[2]) * UINT64_C(0x9e3779b97f4a7c15)) >> 32));
}

static struct category_key hash_text(const struct category_secret *secret, struct slice text)
{
	XXH128_hash_t hash = XXH3_128bits_withSecret(text.data, text.len, secret->text, sizeof(secret->text));

	return make_key(hash.low64, (uint32_t)(hash.high64 >> 32));
}

/*
 * The len bytes (1 to 8) from `at` on, the last one highest and '0' in front of them, as the text of a number of eight
 * digits has them. Nothing outside the text is read: what is too short for a word is read as overlapping parts, or with
 * what stands before it.
 */
static uint64_t load_padded(struct slice text, uint32_t at, uint32_t len)
{
	const uint64_t zeros = UINT64_C(0x3030303030303030);
	const uint8_t *data = text.data + at;
	uint64_t word;

	if (at + len >= 8) {
		memcpy(&word, data + len - 8, 8);
		return len == 8 ? word : (word >> 8 * (8 - len) << 8 * (8 - len)) | zeros >> 8 * len;
	}
	if (len >= 4) {
		uint32_t first, last;

		memcpy(&first, data, 4);
		memcpy(&last, data + len - 4, 4);
		word = first | (uint64_t)last << 8 * (len - 4);
	} else {
		word = data[0] | (uint64_t)data[len / 2] << 8 * (len / 2) | (uint64_t)data[len - 1] << 8 * (len - 1);
	}
	return word << 8 * (8 - len) | zeros >> 8 * len;
}

static int are_digits(uint64_t word)
{
	const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), six = UINT64_C(0x0606060606060606);

	return ((word & high) | ((word + six) & high) >> 4) == UINT64_C(0x3333333333333333);
}

/* Eight digits: pairs, then fours, then all (D. Lemire, "Quickly parsing eight digits", 2018). */
static uint64_t digits_value(uint64_t word)
{
	word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
	return (word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
}

/* True for the one text that a number has: digits without a needless zero, below 2^64. */
static int read_number(struct slice text, uint64_t *number)
{
	static const uint64_t powers[] = {0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	uint64_t n = 0;

	if (text.len - 1 >= DIGITS_MAX || (unsigned)text.data[0] - '0' > 9 || (text.data[0] == '0' && text.len > 1))
		return 0;
	for (uint32_t at = 0; at < text.len;) {
		uint32_t len = text.len - at < 8 ? text.len - at : 8;
		uint64_t word = load_padded(text, at, len);

		if (!are_digits(word) || __builtin_mul_overflow(n, powers[len], &n) ||
			__builtin_add_overflow(n, digits_value(word), &n))
			return 0;
		at += len;
	}
	*number = n;
	return 1;
}

struct category_key category_hash(const struct category_secret *secret, struct slice text)
{
	uint64_t number;

	return read_number(text, &number) ? hash_number(secret, number) : hash_text(secret, text);
}

struct category_key category_key_text(const struct category *category, struct slice text)
{
	return category_hash(&category->secret, text);
}

struct category_key category_key_number(const struct category *category, uint64_t number)
{
	return hash_number(&category->secret, number);
}
