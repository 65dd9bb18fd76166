/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in the frame, and those that the device took off. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port_rig.h"

static void only_the_configured_vlan_is_taken(void **state)
{
	static const unsigned tags[4][2] = {{100, 7}, {100, 8}, {100, 0}, {0, 0}};
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	config.vlan[0] = 100;
	config.vlan[1] = 7;
	for (unsigned i = 0; i < 4; i++) {
		frame_ethernet(&f, 0x0800);
		for (unsigned tag = 0; tag < 2 && tags[i][tag] != 0; tag++)
			frame_tag(&f, tag == 0 && tags[i][1] != 0 ? 0x88a8 : 0x8100, tags[i][tag]);
		(void)frame_ipv4(&f, 17, 0, 13, 1, 0);
		f.len += frame_udp_bytes(f.data + f.len, 4, 40000, US_PORT, "hello", 5);
		capture_add(file, &f);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, remember), 1);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_vlan), 3);
	assert_balanced(source, 4);
	finish(source);
}

/* Sends a frame round through a ring device, as a driver gives it that took its tag off: `tci` is with it. */
static void send_stripped(const struct source *source, uint16_t tci)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(((const struct port *)source)->queue[0]->pool);
	struct frame f;
	char *to;

	assert_non_null(m);
	frame_udp(&f, 4, US_PORT, "hello", 5);
	to = rte_pktmbuf_append(m, (uint16_t)f.len);
	assert_non_null(to);
	memcpy(to, f.data, f.len);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = tci;
	assert_int_equal(rte_eth_tx_burst(((const struct port *)source)->id, 0, &m, 1), 1);
}

/* Whatever its priority (the upper bits). */
static void a_tag_that_the_device_took_off_counts(void **state)
{
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;

	(void)state;
	config.device = "net_ring2";
	config.vlan[0] = 100;
	source = start(&config);
	c = ops->counters(ops->queue(source, 0));
	send_stripped(source, 0xe064);
	send_stripped(source, 0xe065);
	assert_int_equal(receive_all(source, remember), 1);
	assert_int_equal(counter_read(&c->dropped_vlan), 1);
	assert_balanced(source, 2);
	finish(source);
	config.device = "net_ring3";
	config.vlan[0] = 0;
	source = start(&config);
	c = ops->counters(ops->queue(source, 0));
	send_stripped(source, 0xe064);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&c->dropped_vlan), 1);
	assert_balanced(source, 1);
	finish(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_configured_vlan_is_taken),
		cmocka_unit_test(a_tag_that_the_device_took_off_counts),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
