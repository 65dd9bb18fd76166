/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"
#include "control/daemon/handlers.h"
#include "control/daemon/totals.h"

static json_t *counters_of(const struct box *box, unsigned port)
{
	json_t *counters = json_object();
	uint64_t sum;

#define SUM(field)                                                                                                    \
	sum = 0;                                                                                                      \
	for (unsigned q = 0; q < box->config->ports[port].worker_count; q++)                                          \
		sum += counter_read(                                                                                  \
			&box->ports[port].ops->counters(box->ports[port].ops->queue(box->ports[port].source, q))->field); \
	json_object_set_new(counters, #field, json_counter(sum))

	SUM(frames);
	SUM(bytes);
	SUM(datagram_frames);
	SUM(fragments_held);
	SUM(datagrams);
	SUM(reassembled);
	SUM(transmitted);
	SUM(transmit_dropped);
#define X(name, ...) SUM(host_##name);
	SOURCE_HOST_KINDS(X)
#undef X
#define X(name, ...) SUM(dropped_##name);
	SOURCE_DROPS(X)
#undef X
#undef SUM
	return counters;
}

static json_t *port_of(struct box *box, unsigned i)
{
	const struct source_config *config = &box->config->ports[i].source;
	struct source_status s = {0};

	box->ports[i].ops->status(box->ports[i].source, &s);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:I,s:i,s:I,s:b,s:b,s:I,s:I,s:b,s:I,s:I,s:b,s:s,s:o}", "name",
		config->name, "source", config->kind == SOURCE_DPDK ? "dpdk" : "socket", "device",
		config->device != NULL ? config->device : "", "driver", s.driver, "mac", s.mac, "node", s.node, "link_up",
		s.link_up, "speed_mbps", (json_int_t)s.speed_mbps, "mtu", (int)s.mtu, "queues", (json_int_t)s.queues, "rss",
		s.rss, "checksum_offload", s.checksum_offload, "receive_buffer", (json_int_t)s.receive_buffer, "missed",
		(json_int_t)s.missed, "reports_missed", s.reports_missed, "link_changes", (json_int_t)s.link_changes, "resets",
		(json_int_t)s.resets, "removed", s.removed, "notes", s.notes, "counters", counters_of(box, i));
}

json_t *handle_ports(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *ports = json_array();

	(void)params;
	(void)error;
	(void)code;
	for (unsigned i = 0; i < box->port_count; i++)
		json_array_append_new(ports, port_of(box, i));
	return json_pack("{s:o}", "ports", ports);
}

static json_t *worker_of(const struct box *box, const struct box_worker *w)
{
	static const char *const idles[] = {"spin", "pause", "sleep"};
	const struct worker_counters *c = worker_counters(w->worker);
	const struct worker_config *config = worker_config(w->worker);
	uint64_t polls = counter_read(&c->polls), bursts = counter_read(&c->bursts);

	return json_pack("{s:i,s:s,s:i,s:i,s:s,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "lane", (int)config->lane, "port",
		box->config->ports[w->plan->port].source.name, "cpu", config->cpu, "node", w->plan->node, "idle", idles[config->idle],
		"busy_percent", polls == 0 ? 0.0 : 100.0 * (double)bursts / (double)polls, "polls", (json_int_t)polls, "bursts",
		(json_int_t)bursts, "busy_ticks", (json_int_t)counter_read(&c->busy_ticks), "datagrams",
		(json_int_t)counter_read(&c->datagrams), "events", (json_int_t)counter_read(&c->found), "numbered",
		(json_int_t)counter_read(&c->numbered), "pool_available", (json_int_t)worker_pool_available(w->worker),
		"pool_count", (json_int_t)worker_pool_count(config), "open_batches", (json_int_t)counter_read(&c->open_batches),
		"ring", (json_int_t)ring_count(w->lane.out));
}

json_t *handle_workers(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *workers = json_array();

	(void)params;
	(void)error;
	(void)code;
	for (unsigned i = 0; i < box->worker_count; i++)
		json_array_append_new(workers, worker_of(box, &box->workers[i]));
	return json_pack("{s:o}", "workers", workers);
}

static void add_drop(json_t *drops, const char *stage, struct drop_text text, uint64_t count)
{
	json_array_append_new(drops, json_pack("{s:s,s:s,s:I,s:s,s:s}", "stage", stage, "name", text.name, "count",
					     (json_int_t)count, "meaning", text.meaning, "cure", text.cure));
}

json_t *handle_drops(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *drops = json_array();

	(void)params;
	(void)error;
	(void)code;
#define X(name, meaning, cure)                                                                                        \
	add_drop(drops, "frame", (struct drop_text){#name, meaning, cure}, TOTAL_SOURCE(box, dropped_##name));
	SOURCE_DROPS(X)
#undef X
	for (unsigned i = 0; i < DATAGRAM_DROPS; i++)
		add_drop(drops, "datagram", datagram_drop_text(i),
			total_workers(box, offsetof(struct worker_counters, datagram_drops) + i * sizeof(counter)));
	for (unsigned i = 0; i < EVENT_DROPS; i++)
		add_drop(drops, "event", event_drop_text(i),
			total_workers(box, offsetof(struct worker_counters, event_drops) + i * sizeof(counter)));
#define X(name, meaning, cure)                                                                                        \
	add_drop(drops, "given up", (struct drop_text){#name, meaning, cure}, TOTAL_PRODUCER(box, given_up_##name));
	EGRESS_GIVEN_UP(X)
#undef X
	return json_pack("{s:o}", "drops", drops);
}
