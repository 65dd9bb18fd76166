/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "kafka/internal.h"

#define FREE_SECONDS 30 /* for the purged records' reports; they take milliseconds */
#define FATAL_SECONDS 60 /* between two lines of a client's end: a right that is missing ends each within a second */
#define LEARN_MS      200 /* between two askings for a topic's partitions */
#define LEARN_WAIT_MS 2

struct kafka_client {
	rd_kafka_t *handle;
	rd_kafka_queue_t *queue; /* reports, errors, log lines */
	kafka_settle *settle;
	void *context;
	kafka_settle *failure; /* NULL: nobody asks */
	void *failure_context;
	struct kafka_sockets *sockets;
	int dead;
	int64_t learned_ms; /* when the cluster was last asked for a topic's partitions */
	char last_error[256];
	rd_kafka_topic_t *topics[KAFKA_TOPICS];
	rd_kafka_message_t messages[KAFKA_PRODUCE_MAX];
};

static void client_clean(struct kafka_client *client)
{
	if (client->queue != NULL)
		rd_kafka_queue_destroy(client->queue);
	for (unsigned i = 0; i < KAFKA_TOPICS; i++)
		if (client->topics[i] != NULL)
			rd_kafka_topic_destroy(client->topics[i]);
	if (client->handle != NULL)
		rd_kafka_destroy(client->handle);
	kafka_sockets_free(client->sockets);
	free(client);
}

static int client_open(struct kafka_client *client, const struct kafka_property *properties, unsigned count,
	struct error *error)
{
	rd_kafka_conf_t *conf = kafka_conf_new(properties, count, 0, error);
	char text[400];

	if (conf == NULL)
		return -EINVAL;
	kafka_sockets_attach(client->sockets, conf);
	rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
	client->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (client->handle == NULL) {
		rd_kafka_conf_destroy(conf);
		return error_set(error, -EINVAL, "making a Kafka client: %s", text);
	}
	client->queue = rd_kafka_queue_get_main(client->handle);
	(void)rd_kafka_set_log_queue(client->handle, NULL);
	return 0;
}

int kafka_client_new(struct kafka_client **client, const struct kafka_property *properties, unsigned count,
	kafka_settle *settle, void *context, struct error *error)
{
	struct kafka_client *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return error_set(error, -ENOMEM, "making a Kafka client: out of memory");
	c->settle = settle;
	c->context = context;
	c->sockets = kafka_sockets_new();
	if (c->sockets != NULL)
		rc = client_open(c, properties, count, error);
	else
		rc = error_set(error, -ENOMEM, "making a Kafka client: out of memory");
	if (rc != 0) {
		client_clean(c);
		return rc;
	}
	*client = c;
	return 0;
}

void kafka_client_on_failure(struct kafka_client *client, kafka_settle *failure, void *context)
{
	client->failure = failure;
	client->failure_context = context;
}

static void remember_error(struct kafka_client *client, const char *text)
{
	(void)snprintf(client->last_error, sizeof(client->last_error), "%s", text);
}

/*
 * A success without an offset is the library's guess: a later set of the partition was taken, so this one must have been
 * (rd_kafka_dr_implicit_ack). That is true of a set whose answer was lost, but not of one that the broker refused while it
 * made the partition, whose new log takes any first sequence number.
 */
static int is_guess(const rd_kafka_message_t *message)
{
	return message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset < 0;
}

static void report(struct kafka_client *client, const rd_kafka_message_t *message, int alone)
{
	struct kafka_report r = {
		.tag = message->_private,
		.bytes = (uint32_t)(message->len + message->key_len),
		.verdict = KAFKA_ACKED,
		.alone = alone,
		.code = "",
	};

	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		r.verdict = kafka_verdict_of(message->err);
		r.code = rd_kafka_err2name(message->err);
		r.mistimed = message->err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
		kafka_log_strange(message->err);
		if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
			remember_error(client, rd_kafka_err2str(message->err));
	} else if (UNLIKELY(is_guess(message))) {
		r.verdict = KAFKA_RETRY;
		r.code = "NO_OFFSET";
	}
	if (UNLIKELY(r.verdict != KAFKA_ACKED) && client->failure != NULL)
		client->failure(client->failure_context, &r);
	client->settle(client->context, &r);
}

static void die(struct kafka_client *client)
{
	static _Thread_local struct log_limit limit;
	char text[256];
	rd_kafka_resp_err_t code = rd_kafka_fatal_error(client->handle, text, sizeof(text));
	unsigned more;

	if (client->dead || code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	client->dead = 1;
	remember_error(client, text);
	kafka_log_cure(code, text);
	if (log_allowed(&limit, FATAL_SECONDS, &more))
		log_write(LOG_ERROR, "kafka: fatal error %s: %s; the client is made anew and its records are sent again (%u more "
				     "like it)", rd_kafka_err2name(code), text, more);
}

static unsigned serve_reports(struct kafka_client *client, rd_kafka_event_t *event)
{
	const rd_kafka_message_t *message;
	unsigned count = 0;

	while ((message = rd_kafka_event_message_next(event)) != NULL) {
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			client->last_error[0] = '\0';
		report(client, message, 0);
		count++;
	}
	return count;
}

static unsigned serve(struct kafka_client *client, rd_kafka_event_t *event)
{
	switch (rd_kafka_event_type(event)) {
	case RD_KAFKA_EVENT_DR:
		return serve_reports(client, event);
	case RD_KAFKA_EVENT_ERROR:
		remember_error(client, rd_kafka_event_error_string(event));
		kafka_log_cure(rd_kafka_event_error(event), client->last_error);
		die(client); /* if it is fatal: the event's code may be that of the cause */
		return 0;
	case RD_KAFKA_EVENT_LOG:
		kafka_log_event(event);
		return 0;
	default:
		return 0;
	}
}

unsigned kafka_client_poll(struct kafka_client *client, int ms)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(client->queue, ms);
	unsigned count = 0;

	/* Bounded, so that new batches are taken too while reports pour in. */
	for (int i = 0; event != NULL && i < 256; i++) {
		count += serve(client, event);
		rd_kafka_event_destroy(event);
		event = rd_kafka_queue_poll(client->queue, 0);
	}
	if (event != NULL) {
		count += serve(client, event);
		rd_kafka_event_destroy(event);
	}
	return count;
}

/*
 * Partitions were added since the client last looked, which it does each topic.metadata.refresh.interval.ms. The library offers
 * no asking without waiting; the answer is taken even when it comes after the wait (rd_kafka_handle_Metadata), so the wait is
 * short.
 */
static void learn_partitions(struct kafka_client *client, unsigned topic)
{
	const struct rd_kafka_metadata *metadata;
	int64_t now = clock_ms();

	if (now - client->learned_ms < LEARN_MS)
		return;
	client->learned_ms = now;
	if (rd_kafka_metadata(client->handle, 0, client->topics[topic], &metadata, LEARN_WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(metadata);
}

/* In the order handed over; stops at the first record that the client has no room or life for. */
static unsigned settle_refused(struct kafka_client *client, unsigned topic, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const rd_kafka_message_t *message = &client->messages[i];

		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		if (message->err == RD_KAFKA_RESP_ERR__FATAL)
			die(client);
		if (message->err == RD_KAFKA_RESP_ERR__QUEUE_FULL || client->dead)
			return i;
		if (message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
			learn_partitions(client, topic);
		report(client, message, 1);
	}
	return count;
}

/* As rd_kafka_produce_batch does, which can carry no timestamp. */
static int produce_timed(
	struct kafka_client *client, rd_kafka_topic_t *topic, int32_t partition, const struct kafka_record *records, unsigned count)
{
	rd_kafka_resp_err_t rest = RD_KAFKA_RESP_ERR_NO_ERROR;
	int taken = 0;

	for (unsigned i = 0; i < count; i++) {
		rd_kafka_message_t *message = &client->messages[i];

		message->err = rest;
		if (rest != RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		message->err = rd_kafka_producev(client->handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
			RD_KAFKA_V_VALUE(message->payload, message->len), RD_KAFKA_V_KEY(message->key, message->key_len),
			RD_KAFKA_V_TIMESTAMP(records[i].time_ms), RD_KAFKA_V_OPAQUE(message->_private), RD_KAFKA_V_END);
		if (message->err == RD_KAFKA_RESP_ERR__QUEUE_FULL || message->err == RD_KAFKA_RESP_ERR__FATAL)
			rest = message->err;
		taken += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
	}
	return taken;
}

/* For the fault point kafka_stuck: the library keeps what it gets of the partition, and says nothing. */
static void stick(struct kafka_client *client, const char *name, int32_t partition)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(list, name, partition);
	(void)rd_kafka_pause_partitions(client->handle, list);
	rd_kafka_topic_partition_list_destroy(list);
}

unsigned kafka_client_produce(struct kafka_client *client, unsigned topic, const char *name, int32_t partition,
	const struct kafka_record *records, unsigned count)
{
	rd_kafka_topic_t **t = &client->topics[topic];
	int taken;

	if (FAULT("kafka_fatal"))
		kafka_client_kill(client);
	if (FAULT("kafka_stuck"))
		stick(client, name, partition);
	if (client->dead || count == 0)
		return 0;
	if (*t == NULL)
		*t = rd_kafka_topic_new(client->handle, name, NULL);
	if (*t == NULL)
		return 0;
	if (count > KAFKA_PRODUCE_MAX)
		count = KAFKA_PRODUCE_MAX;
	memset(client->messages, 0, count * sizeof(client->messages[0]));
	for (unsigned i = 0; i < count; i++) {
		rd_kafka_message_t *message = &client->messages[i];

		/* The client neither writes nor frees what it is not given (no flags). */
		message->payload = (void *)(uintptr_t)records[i].value.data;
		message->len = records[i].value.len;
		message->key = (void *)(uintptr_t)records[i].key.data;
		message->key_len = records[i].key.len;
		message->_private = records[i].tag;
	}
	if (LIKELY(records[0].time_ms == 0))
		taken = rd_kafka_produce_batch(*t, partition, 0, client->messages, (int)count);
	else
		taken = produce_timed(client, *t, partition, records, count);
	return taken == (int)count ? count : settle_refused(client, topic, count);
}

void kafka_client_flush(struct kafka_client *client, int ms)
{
	(void)rd_kafka_flush(client->handle, ms);
}

int kafka_client_dead(const struct kafka_client *client)
{
	return client->dead;
}

static int is_well(const struct rd_kafka_metadata_topic *topic)
{
	for (int i = 0; i < topic->partition_cnt; i++) {
		const struct rd_kafka_metadata_partition *partition = &topic->partitions[i];

		if (partition->leader < 0 || partition->isr_cnt < partition->replica_cnt)
			return 0;
	}
	return topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt > 0;
}

int kafka_client_topic_is_well(struct kafka_client *client, unsigned topic, int ms)
{
	const struct rd_kafka_metadata *metadata;
	int well;

	if (client->topics[topic] == NULL ||
		rd_kafka_metadata(client->handle, 0, client->topics[topic], &metadata, ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	well = metadata->topic_cnt == 1 && is_well(&metadata->topics[0]);
	rd_kafka_metadata_destroy(metadata);
	return well;
}

void kafka_client_end(struct kafka_client *client, const char *why)
{
	client->dead = 1;
	remember_error(client, why);
}

void kafka_client_kill(struct kafka_client *client)
{
	(void)rd_kafka_test_fatal_error(client->handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "injected");
	die(client);
}

void kafka_client_free(struct kafka_client *client)
{
	time_t end;

	if (client == NULL)
		return;
	end = time(NULL) + FREE_SECONDS;
	(void)rd_kafka_purge(client->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	while (rd_kafka_outq_len(client->handle) > 0 && time(NULL) < end) {
		if (kafka_client_poll(client, 10) == 0)
			(void)rd_kafka_purge(client->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	}
	client_clean(client);
}

void kafka_client_status(struct kafka_client *client, struct kafka_client_status *status)
{
	memset(status, 0, sizeof(*status));
	status->connected = kafka_sockets_list(client->sockets, status->brokers, sizeof(status->brokers)) > 0;
	status->fatal = client->dead;
	status->queued = (uint64_t)rd_kafka_outq_len(client->handle);
	(void)snprintf(status->last_error, sizeof(status->last_error), "%s", client->last_error);
}
