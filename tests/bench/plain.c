/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The plain client that the Kafka stage is compared with: one loop, one rd_kafka_produce an event, a callback that
 * counts delivery reports. It has the settings of Penstock's client and the same events, topics and record lengths;
 * nothing is copied by the call. Prints one line of JSON. With --count it only prints how many records the topics hold,
 * or those that are named.
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu.h"
#include "events.h"
#include "kafka/internal.h"

#define EVENTS     4096u
#define OPEN_MAX   400000u /* produced and not yet reported */
#define POLL_EVERY 64u
#define TOPICS_MAX 64

struct run {
	uint64_t warm, events, rate;
	unsigned topics, partitions, limit_seconds;
	const char *prefix;
	int count;
	char **names; /* of topics to count; NULL at their end */
	struct kafka_property properties[32];
	unsigned property_count;
	rd_kafka_t *handle;
	rd_kafka_topic_t *topic[TOPICS_MAX];
	uint64_t produced, acked, failed, bytes;
	uint64_t began_ns;
};

static void on_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	struct run *run = opaque;

	(void)handle;
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		run->failed++;
	run->acked++;
	run->bytes += message->len;
}

static int connect_client(struct run *run)
{
	struct error error = {""};
	char text[300];
	rd_kafka_conf_t *conf = kafka_conf_new(run->properties, run->property_count, 0, &error);

	if (conf == NULL) {
		fprintf(stderr, "bench-plain: %s\n", error.text);
		return -1;
	}
	(void)rd_kafka_conf_set(conf, "log.queue", "false", text, sizeof(text));
	(void)rd_kafka_conf_set(conf, "allow.auto.create.topics", "true", text, sizeof(text));
	rd_kafka_conf_set_opaque(conf, run);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	run->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (run->handle == NULL) {
		fprintf(stderr, "bench-plain: %s\n", text);
		return -1;
	}
	for (unsigned i = 0; i < run->topics; i++) {
		(void)snprintf(text, sizeof(text), "%s%02u", run->prefix, i);
		run->topic[i] = rd_kafka_topic_new(run->handle, text, NULL);
	}
	return 0;
}

/* Sleeps while the loop is ahead of its rate. */
static void keep_pace(struct run *run)
{
	const struct timespec step = {0, 1000000};

	while (run->produced * UINT64_C(1000000000) > (cpu_wall_ns() - run->began_ns) * run->rate) {
		nanosleep(&step, NULL);
		(void)rd_kafka_poll(run->handle, 0);
	}
}

static void produce_one(struct run *run, const struct bench_event *event)
{
	while (rd_kafka_produce(run->topic[event->type % run->topics], RD_KAFKA_PARTITION_UA, 0,
		       (void *)(uintptr_t)event->data, event->len, NULL, 0, NULL) != 0)
		(void)rd_kafka_poll(run->handle, 1);
	run->produced++;
}

/* Until `acked` events have been reported; 0, or -1 when the time is over. */
static int produce_until(struct run *run, const struct bench_event *events, uint64_t acked, uint64_t end_ns)
{
	while (run->acked < acked) {
		for (unsigned i = 0; i < POLL_EVERY; i++)
			produce_one(run, &events[run->produced % EVENTS]);
		(void)rd_kafka_poll(run->handle, 0);
		while (run->produced - run->acked > OPEN_MAX)
			(void)rd_kafka_poll(run->handle, 1);
		if (run->rate != 0)
			keep_pace(run);
		if (cpu_wall_ns() > end_ns) {
			fprintf(stderr, "bench-plain: %" PRIu64 " of %" PRIu64 " events when the time was over\n",
				run->acked, acked);
			return -1;
		}
	}
	return 0;
}

static int measure(struct run *run, const struct bench_event *events)
{
	uint64_t end_ns = cpu_wall_ns() + run->limit_seconds * UINT64_C(1000000000), cpu, wall, bytes, acked;

	run->began_ns = cpu_wall_ns();
	if (produce_until(run, events, run->warm, end_ns) != 0)
		return -1;
	cpu = cpu_process_ns();
	wall = cpu_wall_ns();
	bytes = run->bytes;
	acked = run->acked;
	if (produce_until(run, events, acked + run->events, end_ns) != 0)
		return -1;
	printf("{\"mode\": \"plain\", \"events\": %" PRIu64 ", \"wall_ns\": %" PRIu64
	       ", \"worker_ns\": 0, \"process_ns\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"dropped\": %" PRIu64 "}\n",
		run->acked - acked, cpu_wall_ns() - wall, cpu_process_ns() - cpu, run->bytes - bytes, run->failed);
	return rd_kafka_flush(run->handle, 20000) == 0 ? 0 : -1;
}

/* A topic that is not there holds none. */
static int count_topic(struct run *run, const char *name, int64_t *sum)
{
	int64_t low, high;

	for (unsigned p = 0; p < run->partitions; p++) {
		rd_kafka_resp_err_t rc =
			rd_kafka_query_watermark_offsets(run->handle, name, (int32_t)p, &low, &high, 10000);

		if (rc == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || rc == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
			rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			return 0;
		if (rc != 0) {
			fprintf(stderr, "bench-plain: topic %s: %s\n", name, rd_kafka_err2str(rc));
			return -1;
		}
		*sum += high;
	}
	return 0;
}

static int count_records(struct run *run)
{
	char name[300];
	int64_t sum = 0;

	for (char **n = run->names; *n != NULL; n++)
		if (count_topic(run, *n, &sum) != 0)
			return -1;
	for (unsigned t = 0; t < run->topics && run->names[0] == NULL; t++) {
		(void)snprintf(name, sizeof(name), "%s%02u", run->prefix, t);
		if (count_topic(run, name, &sum) != 0)
			return -1;
	}
	printf("%" PRId64 "\n", sum);
	return 0;
}

static void read_property(struct run *run, char *text)
{
	char *value = strchr(text, '=');

	if (value == NULL || run->property_count == 32)
		exit(64);
	*value = '\0';
	run->properties[run->property_count++] = (struct kafka_property){text, value + 1};
}

static void read_options(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {{"warm", 1, NULL, 'W'}, {"events", 1, NULL, 'e'},
		{"rate", 1, NULL, 'r'}, {"topics", 1, NULL, 'o'}, {"partitions", 1, NULL, 'P'},
		{"prefix", 1, NULL, 'x'}, {"property", 1, NULL, 'X'}, {"limit", 1, NULL, 'L'}, {"count", 0, NULL, 'c'},
		{0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'W':
			run->warm = strtoull(optarg, NULL, 10);
			break;
		case 'e':
			run->events = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			run->rate = strtoull(optarg, NULL, 10);
			break;
		case 'o':
			run->topics = (unsigned)atoi(optarg);
			break;
		case 'P':
			run->partitions = (unsigned)atoi(optarg);
			break;
		case 'x':
			run->prefix = optarg;
			break;
		case 'X':
			read_property(run, optarg);
			break;
		case 'L':
			run->limit_seconds = (unsigned)atoi(optarg);
			break;
		case 'c':
			run->count = 1;
			break;
		default:
			exit(64);
		}
	}
	run->names = argv + optind;
	if (run->topics < 1 || run->topics > TOPICS_MAX)
		exit(64);
}

int main(int argc, char **argv)
{
	static struct run run = {.warm = 300000,
		.events = 1000000,
		.topics = 64,
		.partitions = 4,
		.limit_seconds = 120,
		.prefix = "bench-"};
	const struct bench_event *events = events_make(EVENTS, 64, 1);
	int rc;

	read_options(&run, argc, argv);
	if (events == NULL || connect_client(&run) != 0)
		return 1;
	rc = run.count ? count_records(&run) : measure(&run, events);
	for (unsigned i = 0; i < run.topics; i++)
		rd_kafka_topic_destroy(run.topic[i]);
	rd_kafka_destroy(run.handle);
	return rc == 0 ? 0 : 1;
}
