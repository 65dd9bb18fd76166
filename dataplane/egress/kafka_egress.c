/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "batch/record.h"
#include "egress/producer.h"

_Static_assert(KAFKA_TOPICS >= TOPIC_MAX, "a client numbers its topics as the topic table does");
_Static_assert(KAFKA_BY_KEY == BATCH_UNASSIGNED, "a batch's partition is handed on as it is");

#define COLLECT_MIN_MS   20   /* of linger.ms; below, all of it is the client's */
#define COLLECT_MAX_MS   KAFKA_LINGER_MAX_MS
#define CLIENT_LINGER_MS 3    /* for a batch to be there whole before the first of it is sent */

#define AHEAD_BYTES 1024u /* some three records */
#define REBUILD_MS 1000 /* between two makings of one client */
#define STUCK_REBUILD_MS 600000 /* the same, of one whose records stick: what it had in flight may then be there twice */
#define WELL_MS 20 /* for the cluster to say that it is well */

struct egress {
	const struct producer_config *config;
	kafka_settle *settle;
	void *context;
	unsigned count;
	/* The user's properties, and after them the client's part of linger.ms. */
	struct kafka_property *properties;
	unsigned property_count, collect_ms;
	char linger[32];
	unsigned turn; /* the client that the next poll waits at */
	uint64_t rebuilds;
	struct kafka_client *clients[PRODUCER_HANDLES]; /* NULL: could not be made */
	int64_t made_ms[PRODUCER_HANDLES];
	int64_t unstuck_ms[PRODUCER_HANDLES]; /* when it was last ended for being stuck; 0: never */
	struct log_limit log_limit, times_log;
	/* What one call hands over, and where each record begins. */
	struct kafka_record records[KAFKA_PRODUCE_MAX];
	uint32_t begins[KAFKA_PRODUCE_MAX];
};

/*
 * A broker that refuses a record's time now refuses it for ever: its topic takes less than our window allows, or one of the
 * clocks is wrong. So the batch gives its records' times up, and they get that of being handed over again. Newer clients call
 * such records invalid without a word of the time when there are several in a set.
 */
static void give_up_times(void *context, const struct kafka_report *report)
{
	struct egress *egress = context;
	uint32_t index;
	struct batch *batch = batch_of_tag(report->tag, &index);
	unsigned more;

	if (batch->base_ms == 0 || report->alone || !(report->mistimed || report->verdict == KAFKA_INVALID))
		return;
	batch->base_ms = 0;
	if (log_allowed(&egress->times_log, 10, &more))
		log_write(LOG_WARNING, "topic %s: the broker refuses records, with %s, perhaps for their times; they get that of "
				       "delivery instead: compare topics.timestamp_back and timestamp_ahead with the topic's "
				       "message.timestamp limits, and the clocks (%u other batches before this one)",
			egress->config->topics->topics[batch->topic].name, report->code, more);
}

static int make_client(struct egress *egress, unsigned i, struct error *error)
{
	int rc;

	egress->made_ms[i] = clock_ms();
	rc = kafka_client_new(&egress->clients[i], egress->properties, egress->property_count, egress->settle, egress->context,
		error);
	if (rc == 0)
		kafka_client_on_failure(egress->clients[i], give_up_times, egress);
	return rc;
}

/*
 * linger.ms is how long a record may wait for others, wherever it waits: the producer has most of it, where a batch costs
 * nothing while it waits, and hands over all topics' batches together. The client has the rest.
 */
static int divide_linger(struct egress *egress)
{
	const struct producer_config *config = egress->config;
	double linger = kafka_linger_ms(config->properties, config->property_count), rest = linger - CLIENT_LINGER_MS;

	egress->properties = calloc(config->property_count + 1, sizeof(egress->properties[0]));
	if (egress->properties == NULL)
		return -ENOMEM;
	if (config->property_count > 0)
		memcpy(egress->properties, config->properties, config->property_count * sizeof(egress->properties[0]));
	egress->property_count = config->property_count;
	if (linger < COLLECT_MIN_MS)
		return 0;
	egress->collect_ms = rest < COLLECT_MAX_MS ? (unsigned)rest : COLLECT_MAX_MS;
	(void)snprintf(egress->linger, sizeof(egress->linger), "%g", linger - egress->collect_ms);
	egress->properties[egress->property_count++] = (struct kafka_property){"linger.ms", egress->linger};
	return 0;
}

static unsigned kafka_collect_ms(const struct egress *egress)
{
	return egress->collect_ms;
}

static void kafka_close(struct egress *egress)
{
	if (egress == NULL)
		return;
	for (unsigned i = 0; i < egress->count; i++)
		kafka_client_free(egress->clients[i]);
	free(egress->properties);
	free(egress);
}

static int kafka_open(struct egress **egress, const struct producer_config *config, kafka_settle *settle, void *context,
	struct error *error)
{
	struct egress *e;
	int rc = 0;

	if (config->handles < 1 || config->handles > PRODUCER_HANDLES)
		return error_set(error, -EINVAL, "kafka.handles is %u: expected 1 to %u", config->handles, PRODUCER_HANDLES);
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return error_set(error, -ENOMEM, "opening the Kafka egress: out of memory");
	e->config = config;
	e->settle = settle;
	e->context = context;
	e->count = config->handles;
	if (divide_linger(e) != 0)
		rc = error_set(error, -ENOMEM, "opening the Kafka egress: out of memory");
	for (unsigned i = 0; i < e->count && rc == 0; i++)
		rc = make_client(e, i, error);
	if (rc != 0) {
		kafka_close(e);
		return rc;
	}
	*egress = e;
	return 0;
}

/* The bytes from here on are no records: what they should have been is settled by name, so that the batch can go home. Returns how
 * many that were. */
static uint32_t settle_unreadable(struct egress *egress, struct batch *batch, uint32_t *index)
{
	uint32_t settled = 0;

	for (; *index < batch->records; (*index)++) {
		struct kafka_report report = {
			.tag = batch_tag(batch, *index), .verdict = KAFKA_INVALID, .alone = 1, .code = "UNREADABLE"};

		if (!batch_is_unsettled(batch, *index))
			continue;
		batch->outstanding++;
		settled++;
		egress->settle(egress->context, &report);
	}
	return settled;
}

/* The worker wrote the records on another core: the lines that will be read are asked for ahead. */
static inline void fetch_ahead(const struct batch *batch, uint32_t from, uint32_t to)
{
	for (const uint8_t *at = batch->data + from + AHEAD_BYTES; at < batch->data + to + AHEAD_BYTES; at += CACHE_LINE)
		__builtin_prefetch(at, 0, 3);
}

/* Collects up to `most` unsettled records; 0 when the batch is at its end or cannot be read further. */
static uint32_t gather(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	uint32_t n = 0, begin;
	struct record record;

	for (; *index < batch->records && n < most && n < KAFKA_PRODUCE_MAX; (*index)++) {
		begin = *offset;
		if (!record_next(batch, offset, &record))
			break;
		fetch_ahead(batch, begin, *offset);
		if (!batch_is_unsettled(batch, *index))
			continue;
		egress->records[n].key = record.key;
		egress->records[n].value = record.value;
		egress->records[n].time_ms = record.time_ms;
		egress->records[n].tag = batch_tag(batch, *index);
		egress->begins[n++] = begin;
	}
	return n;
}

static uint32_t kafka_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	struct kafka_client *client = egress->clients[batch->topic % egress->count];
	const char *name = egress->config->topics->topics[batch->topic].name;
	uint32_t n, taken, total = 0;

	if (client == NULL || kafka_client_dead(client))
		return 0;
	while (total < most) {
		n = gather(egress, batch, offset, index, most - total);
		if (n == 0) {
			total += settle_unreadable(egress, batch, index);
			break;
		}
		batch->outstanding += n;
		taken = kafka_client_produce(client, batch->topic, name, batch->partition, egress->records, n);
		total += taken;
		if (taken < n) {
			batch->outstanding -= n - taken;
			(void)batch_of_tag(egress->records[taken].tag, index);
			*offset = egress->begins[taken];
			break;
		}
	}
	return total;
}

static void mend(struct egress *egress, unsigned i)
{
	struct error error = {""};
	unsigned suppressed;

	if (clock_ms() - egress->made_ms[i] < REBUILD_MS)
		return;
	kafka_client_free(egress->clients[i]);
	egress->clients[i] = NULL;
	if (make_client(egress, i, &error) == 0)
		egress->rebuilds++;
	else if (log_allowed(&egress->log_limit, 10, &suppressed))
		log_write(LOG_ERROR, "%s; tried again each second", error.text);
}

static int kafka_is_well(struct egress *egress, uint16_t topic)
{
	struct kafka_client *client = egress->clients[topic % egress->count];

	return client != NULL && !kafka_client_dead(client) && kafka_client_topic_is_well(client, topic, WELL_MS);
}

static void kafka_unstick(struct egress *egress, uint16_t topic)
{
	const char *name = egress->config->topics->topics[topic].name;
	unsigned i = topic % egress->count;
	int64_t now = clock_ms();

	if (egress->unstuck_ms[i] != 0 && now - egress->unstuck_ms[i] < STUCK_REBUILD_MS)
		return;
	egress->unstuck_ms[i] = now;
	log_write(LOG_ERROR, "topic %s: the client says nothing of its records, though the cluster is well; the client is made anew and "
			     "its records are sent again, some of them perhaps twice", name);
	kafka_client_end(egress->clients[i], "records stuck in it");
}

static unsigned kafka_poll(struct egress *egress, int ms)
{
	unsigned count = 0, usable = egress->count;

	for (unsigned i = 0; i < egress->count; i++) {
		if (egress->clients[i] != NULL)
			count += kafka_client_poll(egress->clients[i], 0);
		if (egress->clients[i] == NULL || kafka_client_dead(egress->clients[i]))
			mend(egress, i);
	}
	if (count != 0 || ms == 0)
		return count;
	for (; usable > 0; usable--) {
		egress->turn = (egress->turn + 1) % egress->count;
		if (egress->clients[egress->turn] != NULL)
			return kafka_client_poll(egress->clients[egress->turn], ms);
	}
	nanosleep(&(struct timespec){0, (long)ms * 1000000}, NULL);
	return 0;
}

static void kafka_flush(struct egress *egress, int ms)
{
	for (unsigned i = 0; i < egress->count; i++)
		if (egress->clients[i] != NULL)
			kafka_client_flush(egress->clients[i], ms);
}

static unsigned kafka_status(struct egress *egress, struct kafka_client_status *status, unsigned max, uint64_t *rebuilds)
{
	unsigned i;

	*rebuilds = egress->rebuilds;
	for (i = 0; i < egress->count && i < max; i++) {
		if (egress->clients[i] != NULL) {
			kafka_client_status(egress->clients[i], &status[i]);
			continue;
		}
		memset(&status[i], 0, sizeof(status[i]));
		status[i].fatal = 1;
		(void)snprintf(status[i].last_error, sizeof(status[i].last_error), "the client could not be made");
	}
	return i;
}

const struct egress_ops egress_kafka = {
	.name = "kafka",
	.open = kafka_open,
	.collect_ms = kafka_collect_ms,
	.submit = kafka_submit,
	.poll = kafka_poll,
	.is_well = kafka_is_well,
	.unstick = kafka_unstick,
	.flush = kafka_flush,
	.status = kafka_status,
	.close = kafka_close,
};
