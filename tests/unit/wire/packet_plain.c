/* SPDX-License-Identifier: Apache-2.0 */
/* The plain case and the full parser agree on frames of many shapes, damaged at every byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/nic/frames.h"
#include "wire/packet.h"
#include "wire/packet_plain.h"

static unsigned plain_seen;

static void compare(const uint8_t *frame, uint32_t len, int verified)
{
	struct packet_plain plain;
	struct packet packet;
	int is_ipv4 = packet_plain_ipv4(&plain, frame, len, verified);

	if (!is_ipv4 && !packet_plain_ipv6(&plain, frame, len))
		return;
	plain_seen++;
	assert_int_equal(packet_parse(&packet, frame, len, verified), PACKET_UDP);
	assert_int_equal(packet.family, is_ipv4 ? ADDRESS_IPV4 : ADDRESS_IPV6);
	assert_ptr_equal(packet.payload, plain.udp + PLAIN_UDP);
	assert_int_equal(packet.payload_len, plain.udp_len - PLAIN_UDP);
	assert_int_equal(packet.source_port, plain.source_port);
	assert_int_equal(packet.destination_port, plain.destination_port);
	assert_ptr_equal(packet.source, plain.source);
	assert_ptr_equal(packet.destination, plain.source + (is_ipv4 ? 4 : 16));
	assert_int_equal(packet_udp_checksum_ok(&packet),
		is_ipv4 ? packet_plain_checksum_ok(&plain, 4) : packet_plain_checksum_ok(&plain, 16));
}

/* The frame itself, every truncation, and every byte with every bit turned, on blocks of exact size. */
static void try_all(const struct frame *f)
{
	for (uint32_t len = 0; len <= f->len; len++) {
		uint8_t *copy = malloc(len != 0 ? len : 1);

		assert_non_null(copy);
		memcpy(copy, f->data, len);
		compare(copy, len, 0);
		for (uint32_t i = 0; i < len && len + 3 > f->len; i++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				copy[i] = (uint8_t)(copy[i] ^ 1u << bit);
				compare(copy, len, 0);
				compare(copy, len, 1);
				copy[i] = (uint8_t)(copy[i] ^ 1u << bit);
			}
		}
		free(copy);
	}
}

static void both_parsers_agree(void **state)
{
	static const uint8_t payload[300] = {1, 2, 3};
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		for (uint32_t len = 0; len <= 300; len += 100) {
			frame_udp(&f, family, 9000, payload, len);
			plain_seen = 0;
			compare(f.data, f.len, 0);
			assert_int_equal(plain_seen, 1);
			try_all(&f);
		}
		frame_fragment(&f, family, 1, payload, 0, 80, 1);
		plain_seen = 0;
		compare(f.data, f.len, 0);
		assert_int_equal(plain_seen, 0);
		try_all(&f);
	}
	frame_ethernet(&f, 0x0800);
	frame_tag(&f, 0x8100, 7);
	(void)frame_ipv4(&f, 17, 4, 13, 1, 0);
	f.len += frame_udp_bytes(f.data + f.len, 4, 40000, 9000, "hello", 5);
	try_all(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_parsers_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
