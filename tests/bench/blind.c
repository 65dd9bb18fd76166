/* SPDX-License-Identifier: Apache-2.0 */
#include "blind.h"

#include "nic/port_burst.h"

ALWAYS_INLINE unsigned drop_frame(struct port_queue *q, const struct rte_mbuf *m, const uint8_t *frame,
	struct port_tally *tally, struct datagram *out, uint64_t tsc)
{
	(void)m, (void)frame, (void)tally, (void)out, (void)tsc;
	counter_add(&q->counters.dropped_not_for_us, 1);
	return 0;
}

static unsigned blind_receive(struct source_queue *queue, struct datagram *out, uint64_t tsc)
{
	return port_burst((struct port_queue *)queue, out, tsc, drop_frame);
}

const struct source_ops *blind_ops(void)
{
	static struct source_ops ops;

	ops = source_dpdk;
	ops.receive = blind_receive;
	return &ops;
}
