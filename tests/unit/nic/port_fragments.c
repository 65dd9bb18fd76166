/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port_rig.h"

static uint8_t big[65507], whole[65535];
static uint32_t big_len, whole_len;

static void compare(const struct datagram *datagram)
{
	assert_int_equal(datagram->len, big_len);
	assert_memory_equal(datagram->data, big, big_len);
	assert_int_equal(datagram->destination_port, US_PORT);
}

/* Prepares a datagram of `len` bytes; returns the number of fragments at `piece` bytes each. */
static unsigned make_big(int family, uint32_t len, uint32_t piece)
{
	big_len = len;
	for (uint32_t i = 0; i < len; i++)
		big[i] = (uint8_t)(i * 7 + (i >> 8));
	whole_len = frame_udp_bytes(whole, family, 40000, US_PORT, big, len);
	return (whole_len + piece - 1) / piece;
}

static void add_piece(FILE *file, int family, unsigned id, uint32_t index, uint32_t piece)
{
	uint32_t at = index * piece, len = whole_len - at < piece ? whole_len - at : piece;
	struct frame f;

	frame_fragment(&f, family, id, whole, at, len, at + len < whole_len);
	capture_add(file, &f);
}

/* A datagram of `len` bytes in pieces that come in order, backwards or odd ones first. */
static void assert_reassembled(int family, uint32_t len, unsigned order)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	unsigned count = make_big(family, len, 1440);
	const struct source_counters *c;
	struct source *source;

	for (unsigned i = 0; i < count; i++) {
		unsigned odd = i < count / 2 ? 2 * i + 1 : 2 * (i - count / 2);
		unsigned index = order == 0 ? i : order == 1 ? count - 1 - i : odd;

		add_piece(file, family, 5, index, 1440);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, compare), 1);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->reassembled), 1);
	assert_int_equal(counter_read(&c->datagram_frames), count);
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_balanced(source, count);
	finish(source);
}

static void fragments_are_put_together_in_any_order(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 3; order++) {
		assert_reassembled(4, 4000, order);
		assert_reassembled(6, 4000, order);
	}
	assert_reassembled(4, 60000, 0);
	assert_reassembled(6, 60000, 2);
	assert_reassembled(4, 65507, 1);
}

static void overlapping_fragments_lose_their_datagram(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		(void)make_big(family, 4000, 1440);
		add_piece(file, family, 5, 0, 1440);
		frame_fragment(&f, family, 5, whole, 1432, 800, 1);
		capture_add(file, &f);
		add_piece(file, family, 5, 1, 1440);
		add_piece(file, family, 5, 2, 1440);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_fragment_bad), 8);
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_balanced(source, 8);
	finish(source);
}

static void a_piece_that_comes_twice_does_no_harm(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	unsigned count = make_big(4, 4000, 1440);
	const struct source_counters *c;
	struct source *source;

	(void)state;
	add_piece(file, 4, 5, 0, 1440);
	add_piece(file, 4, 5, 0, 1440);
	for (unsigned i = 1; i < count; i++)
		add_piece(file, 4, 5, i, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, compare), 1);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_fragment_bad), 1);
	assert_balanced(source, count + 1);
	finish(source);
}

static void a_datagram_without_its_rest_times_out(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;

	(void)state;
	(void)make_big(4, 4000, 1440);
	add_piece(file, 4, 5, 0, 1440);
	add_piece(file, 4, 5, 2, 1440);
	(void)make_big(6, 4000, 1440);
	add_piece(file, 6, 5, 1, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->fragments_held), 3);
	assert_balanced(source, 3);
	ops->tick(ops->queue(source, 0), clock_tsc());
	assert_int_equal(counter_read(&c->fragments_held), 3);
	ops->tick(ops->queue(source, 0), clock_tsc() + 2 * clock_hz());
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_int_equal(counter_read(&c->dropped_fragment_timeout), 3);
	assert_balanced(source, 3);
	finish(source);
}

static void a_full_table_and_damage_are_counted_by_name(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;

	(void)state; /* a complete datagram keeps its place in the table until it is released */
	config.fragments = 2;
	config.max_datagram = 3000;
	(void)make_big(4, 2900, 1440);
	whole[100] ^= 1;
	for (unsigned i = 0; i < 3; i++)
		add_piece(file, 4, 1, i, 1440);
	add_piece(file, 4, 2, 0, 1440);
	add_piece(file, 4, 3, 0, 1440);
	add_piece(file, 4, 4, 0, 1440);
	(void)make_big(4, 3300, 1440);
	add_piece(file, 4, 2, 1, 1440);
	add_piece(file, 4, 2, 2, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_l4_checksum), 3);
	assert_int_equal(counter_read(&c->dropped_fragment_memory), 2);
	assert_int_equal(counter_read(&c->dropped_oversize), 3);
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_balanced(source, 8);
	finish(source);
}

/* Each frame of a datagram that is dropped when it is whole counts, since `frames` counted each. */
static void a_whole_datagram_that_nobody_wants_counts_its_frames(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;

	(void)state;
	config.max_datagram = 1000;
	(void)make_big(4, 1001, 600);
	add_piece(file, 4, 1, 0, 600);
	add_piece(file, 4, 1, 1, 600);
	(void)make_big(6, 900, 600);
	whole[3]++; /* another port */
	add_piece(file, 6, 2, 0, 600);
	add_piece(file, 6, 2, 1, 600);
	(void)make_big(4, 900, 600);
	whole[5]++; /* longer than it is */
	add_piece(file, 4, 3, 0, 600);
	add_piece(file, 4, 3, 1, 600);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_oversize), 2);
	assert_int_equal(counter_read(&c->dropped_not_for_us), 2);
	assert_int_equal(counter_read(&c->dropped_udp_header), 2);
	assert_balanced(source, 6);
	finish(source);
}

static void fragments_for_another_address_are_not_kept(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;
	struct frame f;

	(void)state;
	(void)make_big(6, 900, 600);
	frame_fragment(&f, 6, 1, whole, 0, 600, 1);
	f.data[14 + 39]++;
	capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_not_for_us), 1);
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_balanced(source, 1);
	finish(source);
}

/* The fragment header's next one may be destination options, which stand in the first piece before UDP. */
static void options_behind_the_fragment_header_are_stepped_over(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	(void)make_big(6, 900, 600);
	memmove(whole + 8, whole, whole_len);
	memcpy(whole, "\x11\0\1\4\0\0\0\0", 8);
	for (uint32_t at = 0; at < 1200; at += 600) {
		frame_fragment(&f, 6, 1, whole, at, at == 0 ? 600 : whole_len + 8 - 600, at == 0);
		f.data[14 + 40] = 60;
		capture_add(file, &f);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, compare), 1);
	assert_balanced(source, 2);
	finish(source);
}

static void without_a_table_fragments_are_dropped(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	unsigned count = make_big(4, 4000, 1440);

	(void)state;
	config.fragments = 0;
	for (unsigned i = 0; i < count; i++)
		add_piece(file, 4, 1, i, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_fragment_memory), count);
	assert_balanced(source, count);
	finish(source);
}

static void jumbo_frames_are_contiguous(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	config.mtu = 9000;
	(void)make_big(4, 8900, 1440);
	frame_udp(&f, 4, US_PORT, big, big_len);
	capture_add(file, &f);
	frame_udp(&f, 6, US_PORT, big, big_len);
	capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, compare), 2);
	assert_balanced(source, 2);
	finish(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_are_put_together_in_any_order),
		cmocka_unit_test(overlapping_fragments_lose_their_datagram),
		cmocka_unit_test(a_piece_that_comes_twice_does_no_harm),
		cmocka_unit_test(a_datagram_without_its_rest_times_out),
		cmocka_unit_test(a_full_table_and_damage_are_counted_by_name),
		cmocka_unit_test(a_whole_datagram_that_nobody_wants_counts_its_frames),
		cmocka_unit_test(fragments_for_another_address_are_not_kept),
		cmocka_unit_test(options_behind_the_fragment_header_are_stepped_over),
		cmocka_unit_test(without_a_table_fragments_are_dropped),
		cmocka_unit_test(jumbo_frames_are_contiguous),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
