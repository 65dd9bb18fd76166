/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "mock.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>

struct mock {
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *cluster;
};

static void must(int ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "mock cluster: %s failed\n", what);
	exit(1);
}

struct mock *mock_new(int brokers)
{
	struct mock *mock = calloc(1, sizeof(*mock));
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[200];

	must(mock != NULL, "calloc");
	rd_kafka_conf_set_log_cb(conf, NULL);
	mock->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	must(mock->owner != NULL, "making its owner");
	mock->cluster = rd_kafka_mock_cluster_new(mock->owner, brokers);
	must(mock->cluster != NULL, "making it");
	return mock;
}

void mock_free(struct mock *mock)
{
	rd_kafka_mock_cluster_destroy(mock->cluster);
	rd_kafka_destroy(mock->owner);
	free(mock);
}

const char *mock_servers(const struct mock *mock)
{
	return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

void mock_topic(struct mock *mock, const char *name, int partitions)
{
	must(rd_kafka_mock_topic_create(mock->cluster, name, partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR, "topic");
}

void mock_topic_error(struct mock *mock, const char *name, int code)
{
	rd_kafka_mock_topic_set_error(mock->cluster, name, (rd_kafka_resp_err_t)code);
}

void mock_skip_forbidden(void)
{
	int version = rd_kafka_version();

	if (version > 0x020002ff && version < 0x020a0000)
		skip();
}

void mock_leader(struct mock *mock, const char *name, int32_t partition, int32_t broker)
{
	must(rd_kafka_mock_partition_set_leader(mock->cluster, name, partition, broker) == RD_KAFKA_RESP_ERR_NO_ERROR,
		"leader");
}

int mock_answers_without_leader(void)
{
	return rd_kafka_version() < 0x02040000;
}

static void refuse(struct mock *mock, int16_t api_key, unsigned count, int code)
{
	rd_kafka_resp_err_t codes[64];

	must(count <= 64, "refusing");
	for (unsigned i = 0; i < count; i++)
		codes[i] = (rd_kafka_resp_err_t)code;
	rd_kafka_mock_push_request_errors_array(mock->cluster, api_key, count, codes);
}

void mock_refuse_produce(struct mock *mock, unsigned count, int code)
{
	refuse(mock, 0, count, code);
}

void mock_refuse_producer_id(struct mock *mock, unsigned count, int code)
{
	refuse(mock, 22, count, code);
}

void mock_refuse_offsets(struct mock *mock, unsigned count, int code)
{
	refuse(mock, 2, count, code);
}

void mock_broker_down(struct mock *mock, int32_t broker)
{
	must(rd_kafka_mock_broker_set_down(mock->cluster, broker) == RD_KAFKA_RESP_ERR_NO_ERROR, "down");
}

void mock_broker_up(struct mock *mock, int32_t broker)
{
	must(rd_kafka_mock_broker_set_up(mock->cluster, broker) == RD_KAFKA_RESP_ERR_NO_ERROR, "up");
}

void mock_delay(struct mock *mock, int ms)
{
	must(rd_kafka_mock_broker_set_rtt(mock->cluster, -1, ms) == RD_KAFKA_RESP_ERR_NO_ERROR, "delay");
}

static rd_kafka_t *reader_new(const struct mock *mock)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[200];
	rd_kafka_t *reader;

	rd_kafka_conf_set_log_cb(conf, NULL);
	must(rd_kafka_conf_set(conf, "bootstrap.servers", mock_servers(mock), text, sizeof(text)) == RD_KAFKA_CONF_OK &&
			rd_kafka_conf_set(conf, "group.id", "reader", text, sizeof(text)) == RD_KAFKA_CONF_OK &&
			rd_kafka_conf_set(conf, "check.crcs", "true", text, sizeof(text)) == RD_KAFKA_CONF_OK,
		"configuring a reader");
	reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
	must(reader != NULL, "making a reader");
	return reader;
}

static int64_t end_of(rd_kafka_t *reader, const char *name, int32_t partition)
{
	int64_t low = 0, high = 0;

	must(rd_kafka_query_watermark_offsets(reader, name, partition, &low, &high, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR,
		"asking for offsets");
	return high;
}

int64_t mock_records(struct mock *mock, const char *name, int32_t partition)
{
	rd_kafka_t *reader = reader_new(mock);
	int64_t high = end_of(reader, name, partition);

	rd_kafka_destroy(reader);
	return high;
}

int64_t mock_read(struct mock *mock, const char *name, int32_t partition, mock_record *record, void *context)
{
	rd_kafka_t *reader = reader_new(mock);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	int64_t high = end_of(reader, name, partition), count = 0;

	rd_kafka_topic_partition_list_add(list, name, partition)->offset = 0;
	must(rd_kafka_assign(reader, list) == RD_KAFKA_RESP_ERR_NO_ERROR, "assigning");
	while (count < high) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 10000);

		must(message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR, "reading");
		record(context, message->key, message->key_len, message->payload, message->len,
			rd_kafka_message_timestamp(message, NULL));
		rd_kafka_message_destroy(message);
		count++;
	}
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(reader);
	return count;
}
