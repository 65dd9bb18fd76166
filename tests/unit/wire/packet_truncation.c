/* SPDX-License-Identifier: Apache-2.0 */
/* Every truncation of every kind of frame is refused by name, and nothing beyond it is read (seen by a sanitizer). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/nic/frames.h"
#include "wire/packet.h"

static enum packet_kind parse(const struct frame *f, uint32_t len)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	struct packet packet;
	enum packet_kind kind;

	assert_non_null(copy);
	memcpy(copy, f->data, len);
	kind = packet_parse(&packet, copy, len, 0);
	free(copy);
	return kind;
}

/* Cut anywhere before its end, a frame is truncated; only headers whose own length lies say something else. */
static void assert_truncations(const struct frame *f, enum packet_kind whole)
{
	assert_int_equal(parse(f, f->len), whole);
	for (uint32_t len = 0; len < f->len; len++)
		assert_int_equal(parse(f, len), PACKET_REFUSED_truncated);
}

static void whole_datagrams(void **state)
{
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		frame_udp(&f, family, 9000, "hello", 5);
		assert_truncations(&f, PACKET_UDP);
		frame_udp(&f, family, 9000, "", 0);
		assert_truncations(&f, PACKET_UDP);
	}
}

static void tagged_frames_with_options(void **state)
{
	struct frame f;

	(void)state;
	frame_ethernet(&f, 0x0800);
	frame_tag(&f, 0x88a8, 100);
	frame_tag(&f, 0x8100, 7);
	(void)frame_ipv4(&f, 17, 12, 13, 1, 0);
	f.len += frame_udp_bytes(f.data + f.len, 4, 40000, 9000, "hello", 5);
	assert_truncations(&f, PACKET_UDP);
}

static void fragments(void **state)
{
	static const uint8_t whole[3000];
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		frame_fragment(&f, family, 1, whole, 0, 800, 1);
		assert_truncations(&f, PACKET_FRAGMENT);
		frame_fragment(&f, family, 1, whole, 800, 17, 0);
		assert_truncations(&f, PACKET_FRAGMENT);
	}
}

static void extension_chains(void **state)
{
	struct frame f;

	(void)state;
	frame_ethernet(&f, 0x86dd);
	(void)frame_ipv6(&f, 0, 8 + 8 + 8 + 13);
	frame_put(&f, "\x3c\0\5\2\0\0\1\0", 8);
	frame_put(&f, "\x2b\0\1\4\0\0\0\0", 8);
	frame_put(&f, "\x11\0\0\0\0\0\0\0", 8);
	f.len += frame_udp_bytes(f.data + f.len, 6, 40000, 9000, "hello", 5);
	assert_truncations(&f, PACKET_UDP);
	/* The same cuts with an IPv6 length that fits them: the chain itself is too short. */
	for (uint32_t len = 54; len < f.len; len++) {
		frame_set16(&f, 18, len - 54);
		assert_int_equal(parse(&f, len), len < 78 ? PACKET_REFUSED_extension : PACKET_REFUSED_udp_header);
	}
}

static void host_frames(void **state)
{
	struct frame f;

	(void)state;
	frame_ethernet(&f, 0x0806);
	frame_put(&f, "\0\1\x08\0\6\4\0\1", 8);
	memset(f.data + f.len, 0, 20);
	f.len += 20;
	assert_truncations(&f, PACKET_ARP);
	frame_ethernet(&f, 0x86dd);
	(void)frame_ipv6(&f, 58, 24);
	frame_put8(&f, 135);
	memset(f.data + f.len, 0, 23);
	f.len += 23;
	assert_truncations(&f, PACKET_ND);
	frame_ethernet(&f, 0x0800);
	(void)frame_ipv4(&f, 1, 0, 16, 1, 0);
	frame_put8(&f, 8);
	memset(f.data + f.len, 0, 15);
	f.len += 15;
	assert_truncations(&f, PACKET_ECHO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_datagrams),
		cmocka_unit_test(tagged_frames_with_options),
		cmocka_unit_test(fragments),
		cmocka_unit_test(extension_chains),
		cmocka_unit_test(host_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
