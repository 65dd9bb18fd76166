/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "port_rig.h"

static int resets_to_fail, resets_tried;
static int gone;
static uint64_t missed; /* as the device says */

/* In the library's place, as the next. */
int rte_eth_dev_reset(uint16_t id)
{
	(void)id;
	resets_tried++;
	missed = 0;
	if (resets_to_fail > 0) {
		resets_to_fail--;
		return -EAGAIN;
	}
	return -ENOTSUP; /* it is stopped and started then */
}

int rte_eth_stats_get(uint16_t id, struct rte_eth_stats *stats)
{
	(void)id;
	*stats = (struct rte_eth_stats){.imissed = missed};
	return gone ? -ENODEV : 0;
}

static uint64_t missed_in_all(struct source *source)
{
	struct source_status status;

	ops->status(source, &status);
	return status.missed;
}

/* Frames that come by now; those before are counted, too. */
static uint64_t frames_now(struct source *source)
{
	struct source_queue *q = ops->queue(source, 0);
	uint64_t before = counter_read(&ops->counters(q)->frames);
	struct datagram out[SOURCE_BURST];

	(void)ops->receive(q, out, 1);
	ops->release(q);
	return counter_read(&ops->counters(q)->frames) - before;
}

/* What is heard of it then. */
static const char *follow(struct source *source, int64_t now_ms)
{
	static struct source_news news;

	ops->follow(source, now_ms, &news);
	return news.text;
}

/* Nobody asks how it is. */
static void resets_link_changes_and_removal_are_survived(void **state)
{
	struct source_config config = config_of();
	struct source_status status;
	struct source *source;
	struct port *port;

	(void)state;
	config.device = "net_null1,size=64";
	source = start(&config);
	port = (struct port *)source;
	assert_true(frames_now(source) > 0);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_LSC, port, NULL);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RESET, port, NULL);
	assert_non_null(strstr(follow(source, 0), "has had it"));
	ops->status(source, &status);
	assert_int_equal(status.link_changes, 1);
	assert_int_equal(status.resets, 1);
	assert_int_equal(status.removed, 0);
	assert_true(frames_now(source) > 0);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RMV, port, NULL);
	assert_non_null(strstr(follow(source, 1000), "removed"));
	assert_string_equal(follow(source, 2000), "");
	assert_int_equal(frames_now(source), 0);
	ops->status(source, &status);
	assert_int_equal(status.removed, 1);
	assert_non_null(strstr(status.notes, "removed"));
	assert_balanced(source, counter_read(&ops->counters(ops->queue(source, 0))->frames));
	finish(source);
}

/* Less and less often, until it succeeds. */
static void reset_that_fails_is_tried_again(void **state)
{
	struct source_config config = config_of();
	struct source_status status;
	struct source *source;
	struct port *port;

	(void)state;
	config.device = "net_null2,size=64";
	source = start(&config);
	port = (struct port *)source;
	resets_tried = 0;
	resets_to_fail = 3;
	missed = 70;
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RESET, port, NULL);
	for (int64_t now_ms = 0; now_ms < 7000; now_ms += 500) { /* at 0, 1, 3 */
		assert_true((follow(source, now_ms)[0] != '\0') == (now_ms == 0));
		assert_int_equal(frames_now(source), 0);
		ops->status(source, &status);
		assert_true(status.awaits_reset);
	}
	assert_int_equal(resets_tried, 3);
	assert_non_null(strstr(follow(source, 7000), "has had it"));
	assert_int_equal(resets_tried, 4);
	ops->status(source, &status);
	assert_int_equal(status.resets, 1);
	assert_int_equal(missed_in_all(source), 70);
	missed = 5;
	assert_int_equal(missed_in_all(source), 75);
	assert_false(status.awaits_reset);
	assert_true(frames_now(source) > 0);
	finish(source);
}

/* Each device begins to count anew; what the last had counted when it was seen last stays. */
static void what_was_missed_is_not_forgotten(void **state)
{
	struct source_config config = config_of();
	struct source *source;
	struct port *port;

	(void)state;
	config.device = "net_null3,size=64";
	missed = 0;
	source = start(&config);
	port = (struct port *)source;
	missed = 70;
	resets_to_fail = 2;
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RESET, port, NULL);
	(void)follow(source, 0);
	assert_int_equal(missed_in_all(source), 70);
	missed = 8;
	(void)follow(source, 1000);
	assert_int_equal(missed_in_all(source), 78);
	assert_non_null(strstr(follow(source, 3000), "has had it"));
	assert_int_equal(missed_in_all(source), 78);
	missed = 5;
	assert_string_equal(follow(source, 4000), "");
	gone = 1;
	assert_int_equal(missed_in_all(source), 83);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RMV, port, NULL);
	assert_non_null(strstr(follow(source, 5000), "removed"));
	assert_int_equal(missed_in_all(source), 83);
	gone = 0;
	finish(source);
}

/* A device that is reset while somebody is at its queue would take the queue from under it. */
static void a_worker_that_stays_in_its_queue_puts_a_reset_off(void **state)
{
	struct source_config config = config_of();
	struct source_status status;
	struct source *source;
	const char *news;
	struct port *port;

	(void)state;
	config.device = "net_null4,size=64";
	source = start(&config);
	port = (struct port *)source;
	resets_tried = 0;
	atomic_store(&port->queue[0]->gate.owner, 1); /* another thread, which does not come by */
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RESET, port, NULL);
	news = follow(source, 0);
	assert_non_null(strstr(news, "worker 0"));
	assert_non_null(strstr(news, "tried again"));
	assert_int_equal(resets_tried, 0);
	ops->status(source, &status);
	assert_true(status.awaits_reset);
	assert_int_equal(frames_now(source), 0); /* here it does */
	assert_non_null(strstr(follow(source, 1000), "has had it"));
	assert_true(frames_now(source) > 0);
	ops->status(source, &status);
	assert_null(strstr(status.notes, "worker"));
	finish(source);
}

/* The capture is read again after the reset. */
static void conflicts_of_addresses_are_counted_on_after_a_reset(void **state)
{
	struct source_config config = config_of();
	FILE *file = new_capture();
	const struct source_counters *c;
	struct source *source;
	struct port *port;
	struct frame f;

	(void)state;
	frame_ethernet(&f, 0x0806);
	frame_put(&f, "\0\1\x08\0\6\4\0\1", 8);
	frame_put(&f, frame_mac_peer, 6);
	frame_put(&f, frame_v4_us, 4);
	frame_put(&f, "\0\0\0\0\0\0", 6);
	frame_put(&f, frame_v4_peer, 4);
	for (unsigned i = 0; i < 3; i++)
		capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	port = (struct port *)source;
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&c->duplicate_addresses), 3);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RESET, port, NULL);
	assert_non_null(strstr(follow(source, 0), "has had it"));
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&c->duplicate_addresses), 6);
	finish(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resets_link_changes_and_removal_are_survived),
		cmocka_unit_test(reset_that_fails_is_tried_again),
		cmocka_unit_test(what_was_missed_is_not_forgotten),
		cmocka_unit_test(a_worker_that_stays_in_its_queue_puts_a_reset_off),
		cmocka_unit_test(conflicts_of_addresses_are_counted_on_after_a_reset),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
