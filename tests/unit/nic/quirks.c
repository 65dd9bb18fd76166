/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/quirks.h"

static unsigned long value_of(const char *device, const char *key)
{
	const char *at = strstr(device, key);

	assert_non_null(at);
	return strtoul(at + strlen(key), NULL, 10);
}

/* The driver takes its ring for one array of slots, so blocks must hold slots without a rest, and an mbuf must hold a slot. */
static void slots_hold_the_largest_datagram_and_fill_their_blocks(void **state)
{
	static const struct {
		uint16_t mtu;
		uint32_t max_datagram, at_least;
	} cases[] = {{1500, 1472, 1472}, {1500, 4000, 4000}, {9000, 1472, 9000}, {1500, 20000, 20000}, {1500, 65507, 61300}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct source_config config = {
			.device = "net_af_packet0,iface=x", .queues = 2, .mtu = cases[i].mtu, .max_datagram = cases[i].max_datagram};
		unsigned long frame, block;
		char device[512];

		assert_int_equal(quirks_device(&config, device, sizeof(device)), 0);
		frame = value_of(device, ",framesz=");
		block = value_of(device, ",blocksz=");
		assert_true(frame >= cases[i].at_least + 14 + 28);
		assert_true(frame <= 65535 - 128);
		assert_int_equal(block % frame, 0);
		assert_int_equal(block % 4096, 0);
		assert_true(value_of(device, ",framecnt=") >= 512);
		assert_int_equal(value_of(device, ",qpairs="), 2);
	}
}

static void what_the_operator_wrote_stays(void **state)
{
	struct source_config config = {
		.device = "net_af_packet0,iface=x,framesz=2048,framecnt=64", .queues = 1, .mtu = 1500, .max_datagram = 65507};
	char device[512];

	(void)state;
	assert_int_equal(quirks_device(&config, device, sizeof(device)), 0);
	assert_int_equal(value_of(device, ",framesz="), 2048);
	assert_int_equal(value_of(device, ",framecnt="), 64);
	assert_null(strstr(strstr(device, "framesz=") + 1, "framesz="));
}

static void a_frame_of_an_xdp_socket_fits_a_page(void **state)
{
	(void)state;
	assert_true(quirks_largest_room("net_af_xdp0,iface=x") < 4096);
	assert_true(quirks_largest_room("net_af_packet0,iface=x") > 61300);
	assert_true(quirks_kept_mbufs("net_af_xdp0,iface=x") >= 2048);
	assert_int_equal(quirks_kept_mbufs("net_af_packet0,iface=x"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_hold_the_largest_datagram_and_fill_their_blocks),
		cmocka_unit_test(what_the_operator_wrote_stays),
		cmocka_unit_test(a_frame_of_an_xdp_socket_fits_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
