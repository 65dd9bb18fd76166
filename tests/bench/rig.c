/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "blind.h"
#include "kafka/settings.h"
#include "nic/eal.h"
#include "worker/senders.h"
#include "worker/sources.h"

#define BATCH_BYTES (128u * 1024)
#define EAL_MB      512

static int open_port(struct rig *rig, struct error *error)
{
	const struct eal_config eal = {.control_cpu = rig->settings.control_cpu, .memory_mb = EAL_MB};
	size_t at = (size_t)snprintf(rig->device, sizeof(rig->device), "net_pcap0,infinite_rx=1");
	int rc = eal_start(&eal, error);

	for (unsigned i = 0; i < rig->settings.workers && at < sizeof(rig->device); i++)
		at += (size_t)snprintf(rig->device + at, sizeof(rig->device) - at, ",rx_pcap=%s", rig->settings.pcap);
	if (rc != 0)
		return rc;
	rig->source_config = (struct source_config){
		.name = "bench",
		.device = rig->device,
		.kind = SOURCE_DPDK,
		.queues = (uint16_t)rig->settings.workers,
		.mtu = 1500,
		.max_datagram = 65507,
		.ports = {RIG_PORT_JSON, RIG_PORT_FRAME},
		.port_count = 2,
	};
	return source_dpdk.open(&rig->source, &rig->source_config, error);
}

static void worker_settings(struct rig *rig, unsigned index, struct worker_config *c)
{
	const struct rig_settings *s = &rig->settings;

	*c = (struct worker_config){
		.lane = (uint16_t)index,
		.cpu = s->cpus[index],
		.node = -1,
		.idle = s->kafka || s->rate != 0 ? WORKER_SLEEP : WORKER_SPIN,
		.ops = &feed_ops,
		.queue = feed_queue(&rig->feeds[index]),
		.inputs = rig->inputs,
		.input_count = 2,
		.generation = &rig->slot,
		.topics = &rig->topics,
		.hours = &rig->hours,
		.sources = rig->sources,
		.senders = rig->senders,
		.node_name = "dc1a",
		.epoch = 0x6921b0c2,
		.first_seq = 1,
		.pool_bytes = s->pool_bytes,
		.batch_bytes = BATCH_BYTES,
		.credit_percent = 100,
		.age_min_us = s->still ? UINT32_MAX / 2 : 5000,
		.age_max_us = s->still ? UINT32_MAX / 2 : 100000,
	};
}

static int new_worker(struct rig *rig, unsigned index, struct error *error)
{
	struct lane *lane = &rig->lanes[index];
	struct worker_config c;
	unsigned batches;
	int rc;

	worker_settings(rig, index, &c);
	batches = worker_pool_count(&c);
	lane->out = ring_new(batches, -1);
	lane->home = ring_new(batches, -1);
	if (lane->out == NULL || lane->home == NULL)
		return error_set(error, -ENOMEM, "no memory for rings of %u batches", batches);
	rc = worker_new(&rig->workers[index], &c, lane, error);
	rig->feeds[index] = (struct bench_feed){
		.ops = rig->settings.blind ? blind_ops() : &source_dpdk,
		.queue = source_dpdk.queue(rig->source, index),
		.lane = lane,
		.worker = rig->workers[index],
		.discard = !rig->settings.kafka,
		.frames = rig->settings.format == RIG_FRAME,
		.rate = rig->settings.rate,
	};
	return rc;
}

static int start_producer(struct rig *rig, struct error *error)
{
	static struct lane *lanes[RIG_WORKERS];
	struct producer_config c = {
		.lanes = lanes,
		.lane_count = rig->settings.workers,
		.topics = &rig->topics,
		.properties = rig->settings.properties,
		.property_count = rig->settings.property_count,
		.handles = rig->settings.handles,
		.drain_seconds = 20,
	};

	for (unsigned i = 0; i < rig->settings.workers; i++)
		lanes[i] = &rig->lanes[i];
	(void)kafka_tune_allocator();
	return producer_start(&rig->producer, &c, error);
}

static void set_hours(struct hours *hours, int64_t now_us)
{
	hours_move(hours, now_us / HOUR_US, (now_us - 10 * MINUTE_US) / HOUR_US);
}

int rig_open(struct rig *rig, const struct rig_settings *settings, struct error *error)
{
	const struct senders_config senders = {.count = 65536, .node = MEMORY_ANY_NODE};
	struct sources_config sources = {.count = 4096, .window = SOURCES_WINDOW, .node = MEMORY_ANY_NODE};
	int rc;

	memset(rig, 0, sizeof(*rig));
	rig->settings = *settings;
	(void)clock_init();
	if (settings->utc != 0)
		clock_shift_us(settings->utc * 1000000 - clock_utc_us(clock_tsc()));
	rc = rig_generation_new(rig, &rig->generation, error);
	if (rc != 0)
		return rc;
	(void)generation_publish(&rig->slot, rig->generation);
	set_hours(&rig->hours, clock_utc_us(clock_tsc()));
	sources.quiet_ticks = clock_hz();
	rc = sources_new(&rig->sources, &sources);
	if (rc == 0)
		rc = senders_new(&rig->senders, &senders);
	if (rc != 0)
		return error_set(error, rc, "no memory for senders");
	rc = open_port(rig, error);
	for (unsigned i = 0; rc == 0 && i < settings->workers; i++)
		rc = new_worker(rig, i, error);
	if (rc == 0 && settings->kafka)
		rc = start_producer(rig, error);
	return rc;
}

int rig_start(struct rig *rig, struct error *error)
{
	return source_dpdk.start(rig->source, error);
}

int rig_run_workers(struct rig *rig, struct error *error)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < rig->settings.workers; i++)
		rc = worker_start(rig->workers[i], error);
	return rc;
}

void rig_stop(struct rig *rig)
{
	if (rig->source == NULL)
		return;
	for (unsigned i = 0; i < rig->settings.workers; i++)
		atomic_store(&rig->feeds[i].closed, 1);
	for (unsigned i = 0; i < rig->settings.workers; i++)
		if (rig->workers[i] != NULL)
			worker_halt(rig->workers[i]);
	if (rig->producer != NULL)
		producer_stop(rig->producer);
	for (unsigned i = 0; i < rig->settings.workers; i++) {
		if (rig->workers[i] == NULL)
			continue;
		while (rig->feeds[i].discard && ring_count(rig->lanes[i].out) > 0)
			feed_discard(&rig->feeds[i]);
		worker_join(rig->workers[i]);
	}
	source_dpdk.stop(rig->source);
}

void rig_close(struct rig *rig)
{
	producer_free(rig->producer);
	for (unsigned i = 0; i < RIG_WORKERS; i++) {
		(void)worker_free(rig->workers[i]);
		ring_free(rig->lanes[i].out);
		ring_free(rig->lanes[i].home);
	}
	source_dpdk.close(rig->source);
	sources_free(rig->sources);
	senders_free(rig->senders);
	generation_free(rig->generation, NULL);
	config_free(rig->config);
	eal_stop();
}

void rig_sum(const struct rig *rig, struct rig_sums *sums)
{
	*sums = (struct rig_sums){0};
	for (unsigned i = 0; i < rig->settings.workers; i++) {
		const struct worker_counters *c = worker_counters(rig->workers[i]);
		const struct source_counters *s = source_dpdk.counters(rig->feeds[i].queue);

		sums->frames += counter_read(&s->frames);
		sums->found += counter_read(&c->found);
		sums->numbered += counter_read(&c->numbered);
		sums->datagrams += counter_read(&c->datagrams);
		for (unsigned t = 0; t < TYPE_MAX; t++)
			sums->bytes += counter_read(&c->types[t].bytes);
		for (unsigned d = 0; d < DATAGRAM_DROPS; d++)
			sums->dropped += counter_read(&c->datagram_drops[d]);
		for (unsigned d = 0; d < EVENT_DROPS; d++)
			sums->dropped += counter_read(&c->event_drops[d]);
		if (rig->settings.blind)
			continue; /* drops all, and means to */
#define X(name, ...) sums->dropped += counter_read(&s->dropped_##name);
		SOURCE_DROPS(X)
#undef X
	}
}
