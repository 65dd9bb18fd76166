/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/internal.h"

#define READ_AT_ONCE 64
#define SLICE_MS     250 /* of the wait for a notice's report */

struct kafka_board {
	rd_kafka_t *writer;
	rd_kafka_t *reader;
	rd_kafka_topic_t *from;
	char *topic;
	int reading;
	rd_kafka_resp_err_t outcome; /* of the notice being posted */
	int settled;
	const atomic_int *leave;
};

static void on_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	struct kafka_board *board = opaque;

	(void)handle;
	board->outcome = message->err;
	board->settled = 1;
}

static rd_kafka_t *make(rd_kafka_type_t type, const struct kafka_property *properties, unsigned count,
	struct kafka_board *board, struct error *error)
{
	rd_kafka_conf_t *conf = kafka_conf_new(properties, count, 0, error);
	rd_kafka_t *handle;
	char text[400];

	if (conf == NULL)
		return NULL;
	(void)rd_kafka_conf_set(conf, "allow.auto.create.topics", "false", NULL, 0);
	(void)rd_kafka_conf_set(conf, "message.timeout.ms", "5000", NULL, 0);
	(void)rd_kafka_conf_set(conf, "enable.idempotence", "false", NULL, 0);
	(void)rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
	(void)rd_kafka_conf_set(conf, "topic.metadata.propagation.max.ms", "2000", NULL, 0);
	(void)rd_kafka_conf_set(conf, "log.queue", "false", NULL, 0);
	rd_kafka_conf_set_log_cb(conf, NULL);
	rd_kafka_conf_set_opaque(conf, board);
	if (type == RD_KAFKA_PRODUCER)
		rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	handle = rd_kafka_new(type, conf, text, sizeof(text));
	if (handle == NULL) {
		rd_kafka_conf_destroy(conf);
		(void)error_set(error, -EINVAL, "making a Kafka client for notices: %s", text);
	}
	return handle;
}

int kafka_board_new(struct kafka_board **board, const struct kafka_property *properties, unsigned count, const char *topic,
	struct error *error)
{
	struct kafka_board *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return error_set(error, -ENOMEM, "making a Kafka client for notices: out of memory");
	b->topic = strdup(topic);
	b->writer = make(RD_KAFKA_PRODUCER, properties, count, b, error);
	b->reader = make(RD_KAFKA_CONSUMER, properties, count, b, error);
	if (b->topic == NULL || b->writer == NULL || b->reader == NULL) {
		kafka_board_free(b);
		return -EINVAL;
	}
	*board = b;
	return 0;
}

void kafka_board_free(struct kafka_board *board)
{
	if (board == NULL)
		return;
	if (board->reading)
		(void)rd_kafka_consume_stop(board->from, 0);
	if (board->from != NULL)
		rd_kafka_topic_destroy(board->from);
	if (board->reader != NULL)
		rd_kafka_destroy(board->reader);
	if (board->writer != NULL) {
		(void)rd_kafka_purge(board->writer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_destroy(board->writer);
	}
	free(board->topic);
	free(board);
}

void kafka_board_obey(struct kafka_board *board, const atomic_int *leave)
{
	board->leave = leave;
}

static void await_report(struct kafka_board *board, int limit_ms)
{
	int64_t end = clock_ms() + limit_ms, left = limit_ms;

	while (!board->settled && left > 0 && (board->leave == NULL || !atomic_load(board->leave))) {
		(void)rd_kafka_flush(board->writer, left < SLICE_MS ? (int)left : SLICE_MS);
		left = end - clock_ms();
	}
}

int kafka_board_post(struct kafka_board *board, const char *key, const char *value, int limit_ms, struct error *error)
{
	rd_kafka_resp_err_t code;

	board->settled = 0;
	code = rd_kafka_producev(board->writer, RD_KAFKA_V_TOPIC(board->topic), RD_KAFKA_V_PARTITION(0),
		RD_KAFKA_V_KEY((void *)(uintptr_t)key, strlen(key)), RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
		await_report(board, limit_ms);
		if (!board->settled) {
			(void)rd_kafka_purge(board->writer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
			(void)rd_kafka_poll(board->writer, 100);
			return error_set(error, -ETIMEDOUT, "topic %s: no answer from Kafka within %d ms", board->topic, limit_ms);
		}
		code = board->outcome;
	}
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	if (code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
		code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
		return error_set(error, -ENOENT, "topic %s is missing", board->topic);
	return error_set(error, -EIO, "topic %s: %s", board->topic, rd_kafka_err2str(code));
}

static int begin_reading(struct kafka_board *board)
{
	if (board->reading)
		return 1;
	if (board->from == NULL)
		board->from = rd_kafka_topic_new(board->reader, board->topic, NULL);
	board->reading = board->from != NULL &&
			 rd_kafka_consume_start(board->from, 0, RD_KAFKA_OFFSET_TAIL(KAFKA_BOARD_TAIL)) == 0;
	return board->reading;
}

static void give(rd_kafka_message_t *message, void (*each)(void *context, const struct kafka_notice *notice), void *context)
{
	const struct kafka_notice notice = {
		.key = message->key,
		.key_len = message->key_len,
		.value = message->payload,
		.value_len = message->len,
		.time_ms = rd_kafka_message_timestamp(message, NULL) > 0 ? rd_kafka_message_timestamp(message, NULL) : 0,
	};

	each(context, &notice);
}

unsigned kafka_board_read(struct kafka_board *board, void (*each)(void *context, const struct kafka_notice *notice),
	void *context, int limit_ms)
{
	rd_kafka_message_t *messages[READ_AT_ONCE];
	unsigned count = 0;
	ssize_t n;

	if (!begin_reading(board))
		return 0;
	do {
		n = rd_kafka_consume_batch(board->from, 0, limit_ms, messages, READ_AT_ONCE);
		for (ssize_t i = 0; i < n; i++) {
			if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR && messages[i]->key != NULL &&
				messages[i]->payload != NULL) {
				give(messages[i], each, context);
				count++;
			}
			rd_kafka_message_destroy(messages[i]);
		}
	} while (n == READ_AT_ONCE);
	return count;
}
