/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "worker/worker_priv.h"

static void a_batch_that_is_not_full_waits_while_others_are_on_the_way(void **state)
{
	struct rig *rig = rig_new(12); /* of 3 topics: two batches may be ahead */
	uint64_t second = clock_hz(), now = clock_tsc();

	(void)state;
	rig_start(rig);
	for (unsigned i = 0; i < 5; i++) {
		rig_put_json(rig, "{\"type\":\"click\"}");
		outlets_seal_aged(rig->worker, now + second / 2);
	}
	assert_int_equal(ring_count(rig->lane.out), 2);
	rig_put_json(rig, "{\"type\":\"view\"}");
	outlets_seal_aged(rig->worker, now + second / 2);
	assert_int_equal(ring_count(rig->lane.out), 3); /* another topic's do not count */
	outlets_seal_aged(rig->worker, now + 8 * second);
	assert_int_equal(ring_count(rig->lane.out), 4); /* and not for ever */
	rig_free(rig);
}

static void put_many(struct rig *rig, const char *type, unsigned count)
{
	char big[3000];

	memset(big, 'x', sizeof(big));
	memcpy(big, "{\"type\":\"click\",\"p\":\"", 21);
	memcpy(big + strlen("{\"type\":\""), type, strlen(type));
	memcpy(big + sizeof(big) - 3, "\"}", 3);
	for (unsigned i = 0; i < count; i++)
		rig_put_json(rig, big);
}

/* A class that the spool has no room for gets no batch, the others do; what is turned away is counted, and has no number. */
static void a_closed_class_is_a_named_drop_before_numbering(void **state)
{
	struct rig *rig = rig_new(8);

	(void)state;
	rig_start(rig);
	atomic_store(&rig->topics.topics[0].class, 1);
	atomic_store(&rig->lane.closed, 2);
	put_many(rig, "click", 3);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_spool_full]), 3);
	assert_int_equal(counter_read(&rig->lane.turned_away[1]), 3);
	rig_put_json(rig, "{\"type\":\"view\"}");
	assert_int_equal(counter_read(&rig->counters->numbered), 1);
	atomic_store(&rig->lane.closed, 0);
	put_many(rig, "click", 1);
	assert_int_equal(counter_read(&rig->counters->numbered), 2);
	rig_free(rig);
}

/* An eighth of the pool is left to those above it for each class that is. */
static void a_lower_class_leaves_a_part_of_the_pool(void **state)
{
	(void)state;
	for (uint8_t class = 1; class <= 3; class++) {
		struct rig *rig = rig_new(16);

		rig_start(rig);
		atomic_store(&rig->topics.topics[0].class, class);
		put_many(rig, "click", 100);
		assert_int_equal(worker_pool_available(rig->worker), 2 * class);
		assert_true(counter_read(&rig->counters->event_drops[EVENT_DROP_pool_empty]) > 0);
		rig_put_json(rig, "{\"type\":\"view\"}");
		assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_pool_empty]) +
					 counter_read(&rig->counters->numbered), 101);
		rig_free(rig);
	}
}

/* Events of a burst that together fill so many batches, as one datagram each. */
static void burst_of(struct rig *rig, unsigned batches)
{
	static char big[RIG_BATCH / 2];
	struct datagram datagrams[SOURCE_BURST];

	(void)snprintf(big, sizeof(big), "{\"type\":\"click\",\"p\":\"%0*u\"}", (int)sizeof(big) - 100, 0u);
	for (unsigned i = 0; i < batches; i++) /* two do not fit into a batch */
		datagrams[i] = (struct datagram){.data = (const uint8_t *)big, .len = (uint32_t)strlen(big),
			.destination_port = RIG_PORT_JSON, .source.family = ADDRESS_IPV4};
	worker_burst(rig->worker, datagrams, batches, clock_tsc());
	worker_flush(rig->worker);
}

/* Kafka as it should be: whatever was sealed is acknowledged at once, and on its way home. */
static void acknowledge_all(struct rig *rig)
{
	void *batch;

	while (ring_pop(rig->lane.out, &batch, 1) == 1) {
		atomic_fetch_sub(&rig->lane.ring_events, ((struct batch *)batch)->events);
		assert_int_equal(ring_push(rig->lane.home, batch), 1);
	}
}

static void assert_no_want_of_batches(const struct rig *rig)
{
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_topic_credit]), 0);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_pool_empty]), 0);
}

static void bursts_of_more_batches_than_come_home_at_once_lack_none(void **state)
{
	struct rig *rig = rig_new(60);

	(void)state;
	rig->config.credit_percent = 80;
	rig_start(rig);
	for (unsigned i = 0; i < 20; i++) {
		burst_of(rig, 40);
		acknowledge_all(rig);
		worker_homecoming(rig->worker);
	}
	assert_no_want_of_batches(rig);
	assert_int_equal(counter_read(&rig->counters->numbered), 20 * 40);
	rig_free(rig);
}

/* A burst may take so long that what it sealed first is back before it ends. */
static void batches_that_came_back_meanwhile_are_used_before_any_is_lacking(void **state)
{
	(void)state;
	for (unsigned percent = 50; percent <= 100; percent += 50) { /* the topic's credit, then the pool */
		struct rig *rig = rig_new(8);

		rig->config.credit_percent = percent;
		rig_start(rig);
		for (unsigned i = 0; i < 10; i++) {
			burst_of(rig, 3);
			acknowledge_all(rig);
		}
		assert_no_want_of_batches(rig);
		assert_int_equal(counter_read(&rig->counters->numbered), 10 * 3);
		worker_homecoming(rig->worker);
		rig_free(rig);
	}
}

/* Those that are open are not on the way: a topic with keys has one for each partition, and none waits for the others. */
static void thin_traffic_of_many_partitions_waits_no_longer(void **state)
{
	struct rig *rig = rig_new(40); /* of 3 topics: six batches may be ahead */
	uint64_t now = clock_tsc(), rounds = 0;

	(void)state;
	(void)snprintf(rig->inputs[0].key_member, sizeof(rig->inputs[0].key_member), "user");
	atomic_store(&rig->topics.topics[0].partitions, 20);
	rig_start(rig);
	for (unsigned i = 0; i < 100; i++) {
		char event[64];

		(void)snprintf(event, sizeof(event), "{\"type\":\"click\",\"user\":\"u%u\"}", i);
		rig_put_json(rig, event);
	}
	assert_in_range(rig->worker->open_count, 13, 20);
	for (; rig->worker->open_count > 0 && rounds < 20; rounds++) {
		outlets_seal_aged(rig->worker, now + clock_hz() / 2);
		acknowledge_all(rig);
		worker_homecoming(rig->worker);
	}
	assert_in_range(rounds, 3, 4); /* six at a time */
	assert_int_equal(rig->worker->topics[0].batches, 0);
	rig_free(rig);
}

/* Whatever multiple of the least age the greatest is. */
static void thin_traffic_waits_for_the_greatest_age_and_no_longer(void **state)
{
	struct rig *rig = rig_new(4);
	const struct outlet *outlet;

	(void)state;
	rig->config.age_min_us = 5000;
	rig->config.age_max_us = 100000;
	rig_start(rig);
	outlet = &rig->worker->unkeyed[0];
	assert_int_equal(outlet->age_us, 5000);
	for (unsigned i = 0; i < 8; i++) {
		rig_put_json(rig, "{\"type\":\"click\"}");
		worker_flush(rig->worker);
		acknowledge_all(rig);
		worker_homecoming(rig->worker);
		assert_in_range(outlet->age_us, 5000, 100000);
	}
	assert_int_equal(outlet->age_us, 100000);
	rig_put_json(rig, "{\"type\":\"click\"}");
	outlets_seal_aged(rig->worker, outlet->batch->opened_tsc + 99999 * rig->worker->us_ticks);
	assert_int_equal(rig->worker->open_count, 1);
	outlets_seal_aged(rig->worker, outlet->batch->opened_tsc + 100000 * rig->worker->us_ticks);
	assert_int_equal(rig->worker->open_count, 0);
	rig_free(rig);
}

/* Nobody downstream can tell which records of it are settled. */
static void a_batch_without_records_is_not_handed_over(void **state)
{
	struct rig *rig = rig_new(4);
	enum worker_event_drop reason;

	(void)state;
	rig_start(rig);
	rig_put_json(rig, "{\"type\":\"view\"}"); /* a burst, and another open batch */
	assert_non_null(outlet_batch(rig->worker, 0, &rig->worker->unkeyed[0], &reason));
	rig->worker->topics[0].packing = 4;
	rig->worker->unkeyed[0].batch->pack = 4;
	assert_int_equal(worker_pool_available(rig->worker), 2);
	outlet_seal(rig->worker, &rig->worker->unkeyed[0], 0);
	assert_int_equal(worker_pool_available(rig->worker), 3);
	assert_int_equal(rig->worker->topics[0].batches, 0);
	assert_int_equal(rig->worker->topics[0].packing, 0);
	worker_flush(rig->worker);
	assert_int_equal(ring_count(rig->lane.out), 1);
	assert_int_equal(counter_read(&rig->counters->sealed), 1);
	acknowledge_all(rig);
	worker_homecoming(rig->worker);
	for (unsigned i = 0; i < HOUR_SLOTS; i++)
		assert_int_equal(counter_read(&rig->worker->hour_batches[i]), 0);
	rig_free(rig);
}

/* Of 40 events, numbered in their order, each batch knows its last one's number. How many batches. */
static unsigned expect_last_sequences(struct rig *rig)
{
	unsigned batches = 0;

	for (unsigned i = 0; i < 40; i++) {
		char event[64];

		(void)snprintf(event, sizeof(event), "{\"type\":\"click\",\"user\":\"u%u\",\"n\":%u}", i, i);
		rig_put_json(rig, event);
	}
	for (char *text; (text = rig_take(rig, NULL, NULL)) != NULL; free(text)) {
		const char *last = strrchr(text, '\n') != NULL ? strrchr(text, '\n') : text;

		if (rig->offset < rig->batch->bytes)
			continue;
		assert_non_null(strstr(last, "\"n\":"));
		assert_int_equal(batch_last_seq(rig->batch), rig->config.first_seq + strtoul(strstr(last, "\"n\":") + 4, NULL, 10));
		batches++;
	}
	return batches;
}

static void a_batch_knows_its_last_sequence(void **state)
{
	(void)state;
	for (unsigned turn = 0; turn < 3; turn++) {
		struct rig *rig = rig_new(16);

		rig->config.first_seq = turn == 0 ? 1 : UINT32_MAX - 17u; /* as if it had counted on for long */
		if (turn < 2)
			(void)snprintf(rig->inputs[0].key_member, sizeof(rig->inputs[0].key_member), "user");
		else
			rig->generation->types->types[0].way.pack = 7;
		atomic_store(&rig->topics.topics[0].partitions, 5);
		rig_start(rig);
		assert_int_equal(expect_last_sequences(rig), turn < 2 ? 5 : 1);
		rig_free(rig);
	}
}

/* Those that the spool brought, and no type names, have none. */
static void the_last_sequence_of_a_topic_without_events_is_none(void **state)
{
	struct rig *rig = rig_new(8);

	(void)state;
	rig_start(rig);
	rig_put_json(rig, "{\"type\":\"click\"}");
	assert_int_equal(worker_last_seq(rig->worker, 0), 1);
	assert_int_equal(worker_last_seq(rig->worker, 1), 0);
	assert_int_equal(worker_last_seq(rig->worker, rig->topics.count), 0);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bursts_of_more_batches_than_come_home_at_once_lack_none),
		cmocka_unit_test(batches_that_came_back_meanwhile_are_used_before_any_is_lacking),
		cmocka_unit_test(a_closed_class_is_a_named_drop_before_numbering),
		cmocka_unit_test(a_lower_class_leaves_a_part_of_the_pool),
		cmocka_unit_test(a_batch_that_is_not_full_waits_while_others_are_on_the_way),
		cmocka_unit_test(a_batch_without_records_is_not_handed_over),
		cmocka_unit_test(thin_traffic_waits_for_the_greatest_age_and_no_longer),
		cmocka_unit_test(thin_traffic_of_many_partitions_waits_no_longer),
		cmocka_unit_test(a_batch_knows_its_last_sequence),
		cmocka_unit_test(the_last_sequence_of_a_topic_without_events_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
