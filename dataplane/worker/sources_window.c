/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sources_window.h"

#include "base/compiler.h"
#include "worker/sources.h"

#define READ_TRIES 64
#define WORDS_MAX  (SOURCES_WINDOW_MAX / WINDOW_BLOCK)

static inline uint64_t load(const _Atomic uint64_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static inline void add(_Atomic uint64_t *at, uint64_t n)
{
	atomic_fetch_add_explicit(at, n, memory_order_relaxed);
}

static inline uint32_t lap_of_block(const struct window_shape *shape, uint64_t block)
{
	return (uint32_t)(block >> shape->shift);
}

static inline uint32_t lap_of_word(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* The bits of a block that lie at `from` or behind it. */
static inline uint32_t bits_from(uint64_t block, uint64_t from)
{
	int64_t below = (int64_t)(from - block * WINDOW_BLOCK);

	if (below <= 0)
		return UINT32_MAX;
	return below >= (int64_t)WINDOW_BLOCK ? 0 : UINT32_MAX << below;
}

static inline uint32_t ones(uint32_t bits)
{
	return (uint32_t)__builtin_popcount(bits);
}

void window_start(struct window *window, const struct window_shape *shape, uint64_t first, uint64_t tsc)
{
	uint64_t block = first / WINDOW_BLOCK;

	window->first = first;
	atomic_store_explicit(&window->run_next, first + ((uint64_t)1 << 63), memory_order_relaxed);
	atomic_store_explicit(&window->recent, first, memory_order_relaxed);
	atomic_store_explicit(&window->moved, tsc, memory_order_relaxed);
	atomic_store_explicit(&window->received, 0, memory_order_relaxed);
	atomic_store_explicit(&window->duplicate, 0, memory_order_relaxed);
	atomic_store_explicit(&window->late, 0, memory_order_relaxed);
	atomic_store_explicit(&window->lost, 0, memory_order_relaxed);
	atomic_store_explicit(&window->outside, 0, memory_order_relaxed);
	atomic_store_explicit(&window->announced, first, memory_order_relaxed);
	for (uint32_t i = 0; i < shape->words; i++) {
		uint64_t word = (uint64_t)lap_of_block(shape, block - i) << 32;

		atomic_store_explicit(&window->words[(block - i) & (shape->words - 1)], word, memory_order_relaxed);
	}
}

enum put { PUT_NEW, PUT_SEEN, PUT_BEHIND };

/*
 * Sets `bit` (none: 0) of a block in its word, which moves on by `*ahead` laps if it must. The numbers that a move settles
 * as lost are added before the move can be seen, so that a late one of them always finds its loss.
 */
static enum put put(struct window *window, const struct window_shape *shape, uint64_t block, uint32_t bit, int32_t *ahead)
{
	_Atomic uint64_t *at = &window->words[block & (shape->words - 1)];
	uint64_t word = atomic_load_explicit(at, memory_order_acquire), wanted;
	int64_t settled = 0;
	enum put result;

	do {
		int64_t lost = 0;

		*ahead = (int32_t)(lap_of_block(shape, block) - lap_of_word(word));
		wanted = word | bit;
		if (*ahead < 0)
			result = PUT_BEHIND;
		else
			result = *ahead == 0 && ((uint32_t)word & bit) == bit ? PUT_SEEN : PUT_NEW;
		if (result == PUT_NEW && *ahead > 0) {
			uint64_t left = block - ((uint64_t)(uint32_t)*ahead << shape->shift);

			lost = ones(~(uint32_t)word & bits_from(left, window->first)) + (int64_t)WINDOW_BLOCK * (*ahead - 1);
			wanted = (uint64_t)lap_of_block(shape, block) << 32 | bit;
		}
		if (UNLIKELY(lost != settled))
			atomic_fetch_add_explicit(&window->lost, lost - settled, memory_order_relaxed);
		settled = lost;
	} while (result == PUT_NEW &&
		 !atomic_compare_exchange_weak_explicit(at, &word, wanted, memory_order_acq_rel, memory_order_acquire));
	return result;
}

/* The word before that of `block` has fallen behind by more than a lap: bring every word into the window that ends with
 * `block`, as a stream without such a hole would have done. Without this a sender could drive words apart at will. */
static void keep_up(struct window *window, const struct window_shape *shape, uint64_t block)
{
	uint64_t word = atomic_load_explicit(&window->words[(block - 1) & (shape->words - 1)], memory_order_acquire);
	int32_t ignored;

	if ((int32_t)(lap_of_block(shape, block - 1) - lap_of_word(word)) <= 1)
		return;
	for (uint32_t i = shape->words; i-- > 0;)
		(void)put(window, shape, block - i, 0, &ignored);
}

static int is_restart(struct window *window, const struct window_shape *shape, uint64_t seq, uint64_t next, uint64_t tsc)
{
	uint64_t expected = atomic_exchange_explicit(&window->run_next, next, memory_order_relaxed);

	return expected == seq && (int64_t)(tsc - load(&window->moved)) >= (int64_t)shape->quiet;
}

/* One number less is lost, if any is. */
static int take_loss(struct window *window)
{
	int64_t lost = atomic_load_explicit(&window->lost, memory_order_relaxed);

	while (lost > 0)
		if (atomic_compare_exchange_weak_explicit(
			    &window->lost, &lost, lost - 1, memory_order_relaxed, memory_order_relaxed))
			return 1;
	return 0;
}

/* A number that no word can take. */
static enum window_verdict far_off(struct window *window, uint64_t seq, int far)
{
	if (far || (int64_t)(seq - window->first) < 0) {
		add(&window->outside, 1);
		add(&window->received, 1);
		return WINDOW_RECEIVED;
	}
	if (!take_loss(window)) {
		add(&window->duplicate, 1);
		return WINDOW_DUPLICATE;
	}
	add(&window->received, 1);
	add(&window->late, 1);
	return WINDOW_LATE;
}

static void raise(_Atomic uint64_t *at, uint64_t to)
{
	uint64_t now = load(at);

	while ((int64_t)(to - now) > 0)
		if (atomic_compare_exchange_weak_explicit(at, &now, to, memory_order_relaxed, memory_order_relaxed))
			break;
}

static inline void progress(struct window *window, uint64_t tsc)
{
	if (load(&window->moved) != tsc)
		atomic_store_explicit(&window->moved, tsc, memory_order_relaxed);
}

/* Farther from what arrived lately than a sequence may jump, either way: laps might mean something else there. */
static inline int is_remote(int64_t distance)
{
	return distance > (int64_t)SOURCES_JUMP_MAX || distance < -(int64_t)SOURCES_JUMP_MAX;
}

enum window_verdict window_packet_any(struct window *window, const struct window_shape *shape, uint64_t seq, uint64_t tsc)
{
	int64_t distance = (int64_t)(seq - load(&window->recent));
	uint64_t block = seq / WINDOW_BLOCK;
	enum put result = PUT_BEHIND;
	int32_t ahead;

	if (LIKELY(!is_remote(distance)))
		result = put(window, shape, block, 1u << (seq % WINDOW_BLOCK), &ahead);
	if (result == PUT_SEEN) {
		add(&window->duplicate, 1);
		return WINDOW_DUPLICATE;
	}
	if (UNLIKELY(result == PUT_BEHIND)) {
		if (is_restart(window, shape, seq, seq + 1, tsc))
			return WINDOW_RESTART;
		return far_off(window, seq, distance > 0 && is_remote(distance));
	}
	if (UNLIKELY(ahead > 0)) {
		raise(&window->recent, seq);
		keep_up(window, shape, block);
	}
	return window_take(window, seq, tsc);
}

enum window_verdict window_heartbeat(struct window *window, const struct window_shape *shape, uint64_t next, uint64_t tsc)
{
	uint64_t block = (next - 1) / WINDOW_BLOCK;
	uint64_t word = atomic_load_explicit(&window->words[block & (shape->words - 1)], memory_order_acquire);
	int32_t ahead = (int32_t)(lap_of_block(shape, block) - lap_of_word(word)), ignored;

	if (is_remote((int64_t)(next - load(&window->recent))) || ahead < 0)
		return is_restart(window, shape, next, next, tsc) ? WINDOW_RESTART : WINDOW_NOTED;
	raise(&window->announced, next);
	if (ahead > 1)
		(void)put(window, shape, block, 0, &ignored);
	raise(&window->recent, next - 1);
	keep_up(window, shape, block);
	progress(window, tsc);
	return WINDOW_NOTED;
}

/* The block that a word serves: the one with its lap that is nearest to a recent one. */
static uint64_t block_of_word(const struct window_shape *shape, uint64_t word, uint32_t index, uint64_t recent)
{
	uint64_t lap = recent / WINDOW_BLOCK >> shape->shift;

	lap += (uint64_t)(int64_t)(int32_t)(lap_of_word(word) - (uint32_t)lap);
	return (lap << shape->shift) + index;
}

static uint64_t find_head(const struct window *window, const struct window_shape *shape, const uint64_t *words,
	uint64_t recent)
{
	uint64_t head = load(&window->announced);

	for (uint32_t i = 0; i < shape->words; i++) {
		uint32_t bits = (uint32_t)words[i];
		uint64_t next;

		if (bits == 0)
			continue;
		next = block_of_word(shape, words[i], i, recent) * WINDOW_BLOCK + WINDOW_BLOCK -
			(uint32_t)__builtin_clz(bits);
		if ((int64_t)(next - head) > 0)
			head = next;
	}
	return head;
}

/* Numbers from first to head that are neither here nor settled as lost, of one word: holes in the block it serves, and
 * all of the later blocks below the head that it has not come to. */
static uint64_t missing_of_word(const struct window *window, const struct window_shape *shape, uint64_t word,
	uint64_t block, uint64_t head)
{
	uint64_t missing = ones(~(uint32_t)word & bits_from(block, window->first) & ~bits_from(block, head));
	uint64_t later = (block + shape->words) * WINDOW_BLOCK, stride = (uint64_t)WINDOW_BLOCK << shape->shift;

	if ((int64_t)(head - later) > 0) {
		uint64_t whole = (head - later) / WINDOW_BLOCK >> shape->shift, rest = (head - later) & (stride - 1);

		missing += whole * WINDOW_BLOCK + (rest < WINDOW_BLOCK ? rest : WINDOW_BLOCK);
	}
	return missing;
}

/* One look; true when nothing moved meanwhile and the sum is right. */
static int look(const struct window *window, const struct window_shape *shape, struct window_reading *out)
{
	uint64_t words[WORDS_MAX], recent;
	int64_t lost = atomic_load_explicit(&window->lost, memory_order_acquire);

	out->received = atomic_load_explicit(&window->received, memory_order_acquire);
	out->outside = atomic_load_explicit(&window->outside, memory_order_acquire);
	recent = atomic_load_explicit(&window->recent, memory_order_acquire);
	for (uint32_t i = 0; i < shape->words; i++)
		words[i] = atomic_load_explicit(&window->words[i], memory_order_acquire);
	out->head = find_head(window, shape, words, recent);
	out->pending = 0;
	for (uint32_t i = 0; i < shape->words; i++)
		out->pending += missing_of_word(
			window, shape, words[i], block_of_word(shape, words[i], i, recent), out->head);
	out->lost = (uint64_t)lost + out->pending;
	out->expected = out->head - window->first + out->outside;
	return out->expected == out->received + out->lost &&
		lost == atomic_load_explicit(&window->lost, memory_order_acquire) &&
		out->received == atomic_load_explicit(&window->received, memory_order_acquire);
}

void window_read(const struct window *window, const struct window_shape *shape, struct window_reading *out)
{
	out->closed = 0;
	for (unsigned i = 0; i < READ_TRIES && !out->closed; i++)
		out->closed = look(window, shape, out);
	out->late = load(&window->late);
	out->duplicate = load(&window->duplicate);
}
