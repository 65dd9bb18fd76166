/* SPDX-License-Identifier: Apache-2.0 */
/* The reassembly table by itself: random orders, tiny limits, and the account of every frame. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nic/fragment.h"

#define TICKS 1000

static uint8_t source[16] = {1}, destination[16] = {2};

static struct packet piece(int family, uint32_t id, const uint8_t *whole, uint32_t offset, uint32_t len, int more)
{
	return (struct packet){.source = source, .destination = destination, .l4 = whole + offset, .l4_len = len,
		.fragment_id = id, .fragment_offset = offset, .more_fragments = (uint8_t)more, .family = (uint8_t)family,
		.protocol = 17};
}

static struct fragment_outcome add(struct fragments *t, struct packet packet, uint64_t tsc)
{
	uint8_t *copy = malloc(packet.l4_len);
	struct fragment_outcome outcome;

	assert_non_null(copy);
	memcpy(copy, packet.l4, packet.l4_len);
	packet.l4 = copy;
	fragments_add(t, &packet, tsc, &outcome);
	free(copy);
	return outcome;
}

static struct fragments *make(unsigned count, uint32_t most)
{
	struct fragments *t;

	assert_int_equal(fragments_new(&t, count, most, TICKS, -1), 0);
	return t;
}

/* Many datagrams interleaved at random: each comes out whole once, and every frame is accounted for. */
static void interleaved_datagrams_come_out_whole(void **state)
{
	enum { DATAGRAMS = 40, PIECES = 12, PIECE = 64, LEN = PIECES * PIECE - 5 };
	static uint8_t whole[DATAGRAMS][LEN];
	struct fragments *t = make(DATAGRAMS + 8, 1000); /* the last eighth is not for one that holds much */
	unsigned order[DATAGRAMS * PIECES], held = 0, done = 0;
	uint32_t seed = 12345;

	(void)state;
	for (unsigned i = 0; i < DATAGRAMS * PIECES; i++) {
		unsigned swap = (seed = seed * 1664525 + 1013904223) % (i + 1);

		order[i] = order[swap];
		order[swap] = i;
	}
	for (unsigned d = 0; d < DATAGRAMS; d++)
		for (unsigned i = 0; i < LEN; i++)
			whole[d][i] = (uint8_t)(d * 31 + i);
	for (unsigned i = 0; i < DATAGRAMS * PIECES; i++) {
		unsigned d = order[i] / PIECES, p = order[i] % PIECES;
		int last = p == PIECES - 1;
		struct fragment_outcome o = add(t,
			piece(d % 2 ? 4 : 6, d / 2, whole[d], p * PIECE, last ? PIECE - 5 : PIECE, !last), 1);

		if (o.result == FRAGMENT_HELD) {
			held++;
			continue;
		}
		assert_int_equal(o.result, FRAGMENT_WHOLE);
		assert_int_equal(o.freed, PIECES - 1);
		assert_int_equal(o.len, LEN);
		assert_memory_equal(o.data, whole[d], LEN);
		held -= o.freed;
		done++;
		fragments_release(t);
	}
	assert_int_equal(done, DATAGRAMS);
	assert_int_equal(held, 0);
	assert_int_equal(fragments_expire(t, 1 + 10 * TICKS), 0);
	fragments_free(t);
}

static void a_full_table_takes_no_new_datagram_until_one_leaves(void **state)
{
	static const uint8_t data[64];
	struct fragments *t = make(2, 64);

	(void)state;
	assert_int_equal(add(t, piece(4, 1, data, 0, 8, 1), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 2, data, 0, 8, 1), 2).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 3, data, 0, 8, 1), 3).result, FRAGMENT_NO_ROOM);
	assert_int_equal(add(t, piece(4, 1, data, 8, 8, 0), 3).result, FRAGMENT_WHOLE);
	assert_int_equal(add(t, piece(4, 3, data, 0, 8, 1), 3).result, FRAGMENT_NO_ROOM);
	fragments_release(t);
	assert_int_equal(add(t, piece(4, 3, data, 0, 8, 1), 3).result, FRAGMENT_HELD);
	assert_int_equal(fragments_expire(t, 2 + TICKS - 1), 0);
	assert_int_equal(fragments_expire(t, 2 + TICKS), 1);
	assert_int_equal(fragments_expire(t, 3 + TICKS), 1);
	assert_int_equal(fragments_expire(t, 3 + TICKS), 0);
	fragments_free(t);
}

static enum fragment_result begins(struct fragments *t, uint8_t from, uint32_t id, uint64_t tsc)
{
	static const uint8_t data[64];
	enum fragment_result result;

	source[0] = from;
	result = add(t, piece(4, id, data, 0, 8, 1), tsc).result;
	source[0] = 1;
	return result;
}

/* How many of `count` datagrams that a sender begins are held; the others have no share. */
static unsigned held_of(struct fragments *t, uint8_t from, unsigned count, uint64_t tsc)
{
	unsigned held = 0;

	for (uint32_t id = 0; id < count; id++) {
		enum fragment_result result = begins(t, from, id, tsc);

		assert_true(result == FRAGMENT_HELD || result == FRAGMENT_NO_SHARE);
		held += result == FRAGMENT_HELD;
	}
	return held;
}

/* Whether one that begins datagrams and ends none leaves room for others, which may take little more than they need. */
static int is_shared_out(void)
{
	struct fragments *t = make(64, 64);
	unsigned others = 0;
	int good;

	assert_int_equal(held_of(t, 1, 80, 1), 56);
	good = held_of(t, 2, 4, 2) == 2;
	for (uint8_t from = 3; from < 9; from++)
		others += held_of(t, from, 1, 2);
	good &= others == 6 && begins(t, 9, 1, 2) == FRAGMENT_NO_ROOM;
	assert_int_equal(fragments_expire(t, 1 + TICKS), 56);
	good &= held_of(t, 10, 60, 3) == 48; /* eight others are held */
	fragments_free(t);
	return good;
}

/* The secret of a table is random: one time in a hundred two of the senders are taken for one. */
static void a_mad_sender_does_not_fill_the_table(void **state)
{
	int good = 0;

	(void)state;
	for (unsigned tries = 0; !good && tries < 5; tries++)
		good = is_shared_out();
	assert_true(good);
}

static void contradictions_lose_the_datagram_and_its_later_pieces(void **state)
{
	static uint8_t data[256], other[256];
	struct fragments *t = make(4, 200);
	struct fragment_outcome o;

	(void)state;
	memset(other, 1, sizeof(other));
	assert_int_equal(add(t, piece(4, 1, data, 0, 16, 1), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 1, data, 0, 16, 1), 1).result, FRAGMENT_REPEATED);
	o = add(t, piece(4, 1, other, 0, 16, 1), 1);
	assert_int_equal(o.result, FRAGMENT_BAD);
	assert_int_equal(o.freed, 1);
	o = add(t, piece(4, 1, data, 16, 16, 0), 1);
	assert_int_equal(o.result, FRAGMENT_BAD);
	assert_int_equal(o.freed, 0);

	assert_int_equal(add(t, piece(4, 2, data, 8, 8, 0), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 2, data, 24, 8, 0), 1).result, FRAGMENT_BAD);
	assert_int_equal(add(t, piece(4, 3, data, 32, 8, 1), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 3, data, 8, 8, 0), 1).result, FRAGMENT_BAD);
	assert_int_equal(add(t, piece(4, 4, data, 0, 8, 1), 1).result, FRAGMENT_HELD);
	o = add(t, piece(4, 4, data, 192, 16, 1), 1);
	assert_int_equal(o.result, FRAGMENT_OVERSIZE);
	assert_int_equal(o.freed, 1);
	assert_int_equal(fragments_expire(t, 1 + TICKS), 0);
	fragments_free(t);
}

static void nothing_comes_behind_the_known_end(void **state)
{
	static const uint8_t data[64];
	struct fragments *t = make(1, 64);

	(void)state;
	assert_int_equal(add(t, piece(4, 1, data, 16, 8, 0), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 1, data, 24, 8, 1), 1).result, FRAGMENT_BAD);
	fragments_free(t);
}

/* RFC 8200 4.5: of the pieces' next headers the first one's counts, whichever comes last. */
static void the_first_piece_says_what_follows(void **state)
{
	static const uint8_t data[16];
	struct fragments *t = make(4, 64);
	struct packet first = piece(6, 1, data, 0, 8, 1), second = piece(6, 1, data, 8, 8, 0);
	struct fragment_outcome o;

	(void)state;
	first.protocol = 60;
	assert_int_equal(add(t, first, 1).result, FRAGMENT_HELD);
	o = add(t, second, 1);
	assert_int_equal(o.result, FRAGMENT_WHOLE);
	assert_int_equal(o.protocol, 60);
	fragments_release(t);
	assert_int_equal(add(t, second, 1).result, FRAGMENT_HELD);
	o = add(t, first, 1);
	assert_int_equal(o.result, FRAGMENT_WHOLE);
	assert_int_equal(o.protocol, 60);
	fragments_release(t);
	fragments_free(t);
}

static void a_datagram_may_be_as_long_as_the_limit(void **state)
{
	static const uint8_t data[128];
	struct fragments *t = make(2, 64);

	(void)state;
	assert_int_equal(add(t, piece(4, 1, data, 0, 32, 1), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 1, data, 32, 32, 0), 1).result, FRAGMENT_WHOLE);
	fragments_release(t);
	assert_int_equal(add(t, piece(4, 2, data, 32, 33, 0), 1).result, FRAGMENT_OVERSIZE);
	fragments_free(t);
}

static void families_ids_and_addresses_are_kept_apart(void **state)
{
	static const uint8_t data[16];
	struct fragments *t = make(4, 64);

	(void)state;
	assert_int_equal(add(t, piece(4, 1, data, 0, 8, 1), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(6, 1, data, 8, 8, 0), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 2, data, 8, 8, 0), 1).result, FRAGMENT_HELD);
	source[0] = 9;
	assert_int_equal(add(t, piece(4, 1, data, 8, 8, 0), 1).result, FRAGMENT_HELD);
	source[0] = 1;
	assert_int_equal(add(t, piece(4, 1, data, 8, 8, 0), 1).result, FRAGMENT_WHOLE);
	fragments_free(t);
}

static void too_many_pieces_lose_the_datagram(void **state)
{
	static const uint8_t data[4096];
	struct fragments *t = make(1, sizeof(data));

	(void)state;
	for (uint32_t i = 0; i < FRAGMENT_PIECES; i++)
		assert_int_equal(add(t, piece(4, 1, data, i * 8, 8, 1), 1).result, FRAGMENT_HELD);
	assert_int_equal(add(t, piece(4, 1, data, FRAGMENT_PIECES * 8, 8, 1), 1).freed, FRAGMENT_PIECES);
	fragments_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interleaved_datagrams_come_out_whole),
		cmocka_unit_test(a_full_table_takes_no_new_datagram_until_one_leaves),
		cmocka_unit_test(a_mad_sender_does_not_fill_the_table),
		cmocka_unit_test(contradictions_lose_the_datagram_and_its_later_pieces),
		cmocka_unit_test(nothing_comes_behind_the_known_end),
		cmocka_unit_test(the_first_piece_says_what_follows),
		cmocka_unit_test(a_datagram_may_be_as_long_as_the_limit),
		cmocka_unit_test(families_ids_and_addresses_are_kept_apart),
		cmocka_unit_test(too_many_pieces_lose_the_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
