/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/murmur2.h"
#include "kafka/client.h"
#include "mock.h"

#define RECORDS 100u

static struct mock *mock;
static struct kafka_client *client;
static char keys[RECORDS][16];
static unsigned reports[RECORDS]; /* of each record */
static unsigned verdicts[KAFKA_REBUILD + 1];
static int64_t first_ms; /* time of the first record, which rises by a second; 0: none */

static void settle(void *context, const struct kafka_report *report)
{
	unsigned *mine = report->tag;

	assert_ptr_equal(context, &reports);
	(*mine)++;
	verdicts[report->verdict]++;
	assert_int_equal(report->verdict == KAFKA_ACKED, report->code[0] == '\0');
}

static void connect_with(const char *name, const char *value)
{
	const struct kafka_property properties[] = {{"bootstrap.servers", mock_servers(mock)}, {"linger.ms", "5"}, {name, value}};
	struct error error = {""};

	if (kafka_client_new(&client, properties, 3, settle, &reports, &error) != 0)
		fail_msg("%s", error.text);
}

static int setup(void **state)
{
	(void)state;
	mock = mock_new(1);
	first_ms = 0;
	memset(reports, 0, sizeof(reports));
	memset(verdicts, 0, sizeof(verdicts));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kafka_client_free(client);
	client = NULL;
	mock_free(mock);
	return 0;
}

static unsigned produce_from(int32_t partition, unsigned from, unsigned to)
{
	struct kafka_record records[RECORDS];

	for (unsigned i = from; i < to; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "key-%u", i * 7919);
		records[i].key = (struct slice){(const uint8_t *)keys[i], (uint32_t)strlen(keys[i])};
		records[i].value = records[i].key;
		records[i].tag = &reports[i];
		records[i].time_ms = first_ms == 0 ? 0 : first_ms + i * 1000;
	}
	return kafka_client_produce(client, 3, "t", partition, records + from, to - from);
}

static unsigned produce(int32_t partition)
{
	return produce_from(partition, 0, RECORDS);
}

static void serve_until(unsigned count)
{
	unsigned served = 0;

	for (int i = 0; i < 3000 && served < count; i++)
		served += kafka_client_poll(client, 10);
	assert_int_equal(served, count);
}

static void each_has_reports(unsigned from, unsigned to, unsigned count)
{
	for (unsigned i = from; i < to; i++)
		assert_int_equal(reports[i], count);
}

/* Looks at the process's sockets that are connected to the mock's port; returns how many there are. */
static unsigned sockets_that_watch_their_peer(void)
{
	unsigned port = (unsigned)strtoul(strrchr(mock_servers(mock), ':') + 1, NULL, 10), found = 0;

	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);
		int ms = 0, seconds = 0, keep = 0;

		if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 || peer.sin_family != AF_INET ||
			ntohs(peer.sin_port) != port)
			continue;
		found++;
		len = sizeof(int);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &len), 0);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, &len), 0);
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keep, &len), 0);
		assert_in_range(ms, 1000, 30000);
		assert_in_range(seconds, 1, 30);
		assert_int_equal(keep, 1);
	}
	return found;
}

static void connection_notices_that_its_peer_has_vanished(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("client.id", "test");
	assert_int_equal(produce(0), RECORDS);
	serve_until(RECORDS);
	assert_true(sockets_that_watch_their_peer() > 0);
}

/* A broker that answers in words which are not for producers: nothing ends, nothing is lost. */
static void record_with_a_strange_answer_comes_back_to_be_sent_again(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("client.id", "test");
	mock_refuse_produce(mock, 1, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
	assert_int_equal(produce(0), RECORDS);
	serve_until(RECORDS);
	assert_int_equal(verdicts[KAFKA_RETRY], RECORDS);
	assert_int_equal(produce(0), RECORDS);
	serve_until(RECORDS);
	assert_int_equal(verdicts[KAFKA_ACKED], RECORDS);
}

struct place {
	int32_t partition;
	unsigned count;
};

static void must_belong_here(
	void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	struct place *place = context;

	(void)time_ms;
	assert_int_equal(key_len, value_len);
	assert_memory_equal(key, value, key_len);
	assert_int_equal(murmur2_partition(key, (uint32_t)key_len, 7), place->partition);
	place->count++;
}

/* The worker places by base/murmur2.h, the library by its own: they must agree. */
static void keyed_records_are_placed_as_the_worker_would(void **state)
{
	unsigned total = 0;

	(void)state;
	mock_topic(mock, "t", 7);
	connect_with("client.id", "test");
	assert_int_equal(produce(KAFKA_BY_KEY), RECORDS);
	serve_until(RECORDS);
	each_has_reports(0, RECORDS, 1);
	for (int32_t partition = 0; partition < 7; partition++) {
		struct place place = {partition, 0};

		(void)mock_read(mock, "t", partition, must_belong_here, &place);
		total += place.count;
	}
	assert_int_equal(total, RECORDS);
}

static void murmur2_agrees_with_the_library_for_every_length(void **state)
{
	uint8_t key[64];

	(void)state;
	for (uint32_t len = 0; len <= sizeof(key); len++) {
		for (uint32_t i = 0; i < len; i++)
			key[i] = (uint8_t)(len * 31 + i * 197);
		assert_int_equal(murmur2_partition(key, len, 997),
			rd_kafka_msg_partitioner_murmur2(NULL, key, len, 997, NULL, NULL));
	}
}

static void must_have_its_time(
	void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	int64_t *next_ms = context;
	unsigned i = (unsigned)((*next_ms - first_ms) / 1000);

	assert_int_equal(key_len, value_len);
	assert_memory_equal(key, value, key_len);
	assert_int_equal(value_len, strlen(keys[i]));
	assert_memory_equal(value, keys[i], value_len);
	assert_int_equal(time_ms, *next_ms);
	*next_ms += 1000;
}

static void records_have_the_times_they_were_given(void **state)
{
	int64_t next_ms;

	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("client.id", "test");
	first_ms = next_ms = 1700000000123;
	assert_int_equal(produce(0), RECORDS);
	serve_until(RECORDS);
	each_has_reports(0, RECORDS, 1);
	assert_int_equal(verdicts[KAFKA_ACKED], RECORDS);
	assert_int_equal(mock_read(mock, "t", 0, must_have_its_time, &next_ms), RECORDS);
}

static void partitions_that_are_not_there_refuse_with_times_as_without(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("client.id", "test");
	for (first_ms = 0; first_ms < 2; first_ms++) {
		assert_int_equal(produce(0), RECORDS);
		serve_until(RECORDS);
		assert_int_equal(produce(9), RECORDS); /* each has had its report */
		each_has_reports(0, RECORDS, 2 * (unsigned)(first_ms + 1));
		assert_int_equal(verdicts[KAFKA_MISPLACED], RECORDS * (unsigned)(first_ms + 1));
	}
	assert_int_equal(mock_records(mock, "t", 0), 2 * RECORDS);
}

static void full_queue_takes_from_the_front_whether_or_not_there_are_times(void **state)
{
	(void)state;
	first_ms = 1700000000123;
	mock_topic(mock, "t", 1);
	connect_with("queue.buffering.max.messages", "30");
	assert_int_equal(produce(0), 30);
	serve_until(30);
	each_has_reports(0, 30, 1);
	each_has_reports(30, RECORDS, 0);
	kafka_client_kill(client);
	assert_int_equal(produce(0), 0);
	each_has_reports(30, RECORDS, 0);
}

static void full_queue_takes_from_the_front_and_leaves_the_rest(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("queue.buffering.max.messages", "30");
	assert_int_equal(produce(0), 30);
	serve_until(30);
	each_has_reports(0, 30, 1);
	each_has_reports(30, RECORDS, 0);
	assert_int_equal(verdicts[KAFKA_ACKED], 30);
}

/* Behind a record that found no room none is taken, though it would fit: their order would be another. */
static void full_queue_takes_no_small_record_before_a_large_one(void **state)
{
	static const uint8_t bytes[900];
	struct kafka_record records[3];

	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("queue.buffering.max.kbytes", "1");
	for (unsigned turn = 1; turn <= 2; turn++) { /* without and with times */
		for (unsigned i = 0; i < 3; i++)
			records[i] = (struct kafka_record){.value = {bytes, i < 2 ? 900 : 10}, .tag = &reports[i],
				.time_ms = turn == 1 ? 0 : 1700000000123};
		assert_int_equal(kafka_client_produce(client, 3, "t", 0, records, 3), 1);
		serve_until(1);
		assert_int_equal(reports[0], turn);
		each_has_reports(1, 3, 0);
	}
}

/* One look at the queue serves so many; none is lost between two. */
static void reports_that_pour_in_are_all_told(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("batch.num.messages", "1");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(produce(0), RECORDS);
	for (int i = 0; i < 30000 && mock_records(mock, "t", 0) < 3 * RECORDS; i++)
		usleep(1000);
	serve_until(3 * RECORDS);
	each_has_reports(0, RECORDS, 3);
}

static void ending_a_client_reports_what_it_held_once(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("linger.ms", "60000");
	assert_int_equal(produce(0), RECORDS);
	kafka_client_free(client);
	client = NULL;
	each_has_reports(0, RECORDS, 1);
	assert_int_equal(verdicts[KAFKA_RETRY], RECORDS);
}

static void dead_client_takes_nothing_and_gives_back_all(void **state)
{
	struct kafka_client_status status;

	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("linger.ms", "60000");
	assert_int_equal(produce(0), RECORDS);
	kafka_client_kill(client);
	assert_true(kafka_client_dead(client));
	assert_int_equal(produce(0), 0);
	kafka_client_status(client, &status);
	assert_int_equal(status.fatal, 1);
	assert_non_null(strstr(status.last_error, "injected"));
	kafka_client_free(client);
	client = NULL;
	each_has_reports(0, RECORDS, 1);
	assert_int_equal(verdicts[KAFKA_ACKED], 0);
}

static void records_in_flight_are_given_back_when_a_client_ends(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("client.id", "test");
	assert_int_equal(produce(0), RECORDS);
	serve_until(RECORDS);
	mock_delay(mock, 5000);
	assert_int_equal(produce(0), RECORDS);
	for (int i = 0; i < 20; i++)
		(void)kafka_client_poll(client, 10);
	kafka_client_free(client);
	client = NULL;
	each_has_reports(0, RECORDS, 2);
	assert_int_equal(verdicts[KAFKA_RETRY], RECORDS);
}

/* Nothing is handed over that could be refused: the event alone tells. */
static void client_that_may_not_write_is_dead_at_once(void **state)
{
	struct kafka_client_status status;

	(void)state;
	mock_refuse_producer_id(mock, 1, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
	connect_with("client.id", "test");
	for (int i = 0; i < 1000 && !kafka_client_dead(client); i++)
		(void)kafka_client_poll(client, 10);
	assert_true(kafka_client_dead(client));
	kafka_client_status(client, &status);
	assert_non_null(strstr(status.last_error, "Cluster authorization failed"));
}

/*
 * Two sets of one partition are under way. The first is refused and would be sent again, but before that the second is
 * taken, and the library takes the first for delivered too (rd_kafka_dr_implicit_ack). A broker answers so while it makes a
 * partition: its new log knows nothing of the client, and takes any first sequence number.
 */
static void a_set_that_was_overtaken_is_not_acked(void **state)
{
	(void)state;
	mock_topic(mock, "t", 1);
	connect_with("client.id", "test");
	assert_int_equal(produce(0), RECORDS);
	serve_until(RECORDS);
	mock_delay(mock, 1000);
	mock_refuse_produce(mock, 1, MOCK_UNKNOWN_TOPIC);
	assert_int_equal(produce_from(0, 0, 2), 2);
	for (int i = 0; i < 10; i++) /* far longer than the first waits for more, far shorter than its answer takes */
		assert_int_equal(kafka_client_poll(client, 10), 0);
	assert_int_equal(produce_from(0, 2, RECORDS), RECORDS - 2);
	serve_until(RECORDS);
	mock_delay(mock, 0);
	assert_int_equal(verdicts[KAFKA_ACKED], mock_records(mock, "t", 0));
	assert_int_equal(verdicts[KAFKA_ACKED] + verdicts[KAFKA_RETRY], 2 * RECORDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keyed_records_are_placed_as_the_worker_would),
		cmocka_unit_test(murmur2_agrees_with_the_library_for_every_length),
		TEST(records_have_the_times_they_were_given),
		TEST(partitions_that_are_not_there_refuse_with_times_as_without),
		TEST(full_queue_takes_from_the_front_and_leaves_the_rest),
		TEST(full_queue_takes_no_small_record_before_a_large_one),
		TEST(reports_that_pour_in_are_all_told),
		TEST(full_queue_takes_from_the_front_whether_or_not_there_are_times),
		TEST(ending_a_client_reports_what_it_held_once),
		TEST(dead_client_takes_nothing_and_gives_back_all),
		TEST(records_in_flight_are_given_back_when_a_client_ends),
		TEST(a_set_that_was_overtaken_is_not_acked),
		TEST(client_that_may_not_write_is_dead_at_once),
		TEST(connection_notices_that_its_peer_has_vanished),
		TEST(record_with_a_strange_answer_comes_back_to_be_sent_again),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
