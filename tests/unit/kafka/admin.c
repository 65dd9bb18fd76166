/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kafka/admin.h"
#include "mock.h"

static struct mock *mock;
static struct kafka_admin *admin;

static void connect_to(const char *servers)
{
	const struct kafka_property properties[] = {{"bootstrap.servers", servers}};
	struct error error = {""};

	if (kafka_admin_new(&admin, properties, 1, &error) != 0)
		fail_msg("%s", error.text);
}

static int setup(void **state)
{
	(void)state;
	mock = mock_new(3);
	connect_to(mock_servers(mock));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kafka_admin_free(admin);
	mock_free(mock);
	return 0;
}

static void a_topic_is_made_when_all_its_leaders_tell_offsets(void **state)
{
	(void)state;
	mock_topic(mock, "t", 5);
	mock_topic(mock, "headless", 3);
	mock_leader(mock, "headless", 1, MOCK_NO_LEADER);
	mock_topic(mock, "gone", 1);
	mock_topic_error(mock, "gone", MOCK_UNKNOWN_TOPIC);
	mock_refuse_offsets(mock, 1, MOCK_TOPIC_AUTHORIZATION);
	assert_int_equal(kafka_topic_is_made(admin, "t", 10000), 0);
	assert_int_equal(kafka_topic_is_made(admin, "t", 10000), 1);
	assert_int_equal(kafka_topic_is_made(admin, "headless", 10000), 1);
	assert_int_equal(kafka_topic_is_made(admin, "gone", 10000), 0);
	mock_broker_down(mock, 1);
	mock_broker_down(mock, 2);
	mock_broker_down(mock, 3);
	assert_int_equal(kafka_topic_is_made(admin, "t", 300), 0);
}

static void topics_are_described_as_the_cluster_tells(void **state)
{
	struct kafka_topic_info topics[] = {{.name = "there"}, {.name = "gone"}, {.name = "forbidden"}, {.name = "headless"}};
	struct error error = {""};

	(void)state;
	mock_skip_forbidden();
	mock_topic(mock, "there", 5);
	mock_topic(mock, "gone", 1);
	mock_topic_error(mock, "gone", MOCK_UNKNOWN_TOPIC);
	mock_topic(mock, "forbidden", 1);
	mock_topic_error(mock, "forbidden", MOCK_TOPIC_AUTHORIZATION);
	mock_topic(mock, "headless", 3);
	mock_leader(mock, "headless", 1, MOCK_NO_LEADER);
	if (kafka_topics_describe(admin, topics, 4, 20000, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(topics[0].state, KAFKA_TOPIC_EXISTS);
	assert_int_equal(topics[0].partitions, 5);
	assert_true(topics[0].replicas >= 1);
	assert_int_equal(topics[0].leaderless, 0);
	assert_string_equal(topics[0].problem, "");
	assert_int_equal(topics[1].state, KAFKA_TOPIC_MISSING);
	assert_int_equal(topics[1].partitions, 0);
	assert_int_equal(topics[2].state, KAFKA_TOPIC_UNKNOWN);
	assert_non_null(strstr(topics[2].problem, "authorization"));
	assert_int_equal(topics[3].partitions, 3);
	assert_int_equal(topics[3].leaderless, 1);
}

#define MANY    12u
#define SLOW_MS 200
#define LOOK_MS 1000u /* for less than half of them */

static void topics_beyond_one_looks_time_are_described_by_the_next_ones(void **state)
{
	struct kafka_topic_info topics[MANY] = {{0}};
	char names[MANY][8];
	int known[MANY] = {0};
	unsigned all = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "t%u", i);
		mock_topic(mock, names[i], 1);
		topics[i].name = names[i];
	}
	mock_delay(mock, SLOW_MS);
	for (unsigned look = 0; look < 5 * MANY && all < MANY; look++) {
		struct error error = {""};

		(void)kafka_topics_describe(admin, topics, MANY, LOOK_MS, &error);
		for (unsigned i = 0; i < MANY; i++) {
			all += topics[i].state == KAFKA_TOPIC_EXISTS && !known[i];
			known[i] |= topics[i].state == KAFKA_TOPIC_EXISTS;
		}
	}
	assert_int_equal(all, MANY);
}

static void topics_beside_one_that_cannot_be_asked_for_are_described(void **state)
{
	char too_long[600] = "";
	struct kafka_topic_info topics[] = {{.name = "t"}, {.name = too_long}, {.name = "u"}};
	struct error error = {""};

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	mock_topic(mock, "t", 1);
	mock_topic(mock, "u", 2);
	assert_int_equal(kafka_topics_describe(admin, topics, 3, 20000, &error), 0);
	assert_int_equal(topics[0].partitions, 1);
	assert_int_equal(topics[1].state, KAFKA_TOPIC_UNKNOWN);
	assert_true(topics[1].problem[0] != '\0');
	assert_int_equal(topics[2].partitions, 2);
	assert_int_equal(kafka_topics_describe(admin, topics + 1, 1, 20000, &error), -EIO);
	assert_non_null(strstr(error.text, topics[1].problem));
}

static void cluster_that_is_away_is_told_with_its_address(void **state)
{
	struct kafka_topic_info topics[] = {{.name = "a"}, {.name = "b"}};
	struct kafka_topic_wish wish = {.name = "a", .partitions = 1, .replicas = 1};
	struct error error = {""};

	(void)state;
	connect_to("127.0.0.1:1");
	assert_int_equal(kafka_topics_describe(admin, topics, 2, 300, &error), -ETIMEDOUT);
	assert_int_equal(topics[1].state, KAFKA_TOPIC_UNKNOWN);
	assert_non_null(strstr(error.text, "127.0.0.1:1"));
	error.text[0] = '\0';
	assert_int_equal(kafka_topics_create(admin, &wish, 1, 0, 300, &error), -ETIMEDOUT);
	assert_true(error.text[0] != '\0');
	assert_int_equal(wish.made, 0);
	kafka_admin_free(admin);
}

static void question_without_a_broker_ends_when_told(void **state)
{
	static const atomic_int leave = 1;
	struct kafka_topic_info topic = {.name = "t"};
	struct kafka_topic_wish wish = {.name = "a", .partitions = 1, .replicas = 1};
	struct error error = {""};

	(void)state;
	connect_to("127.0.0.1:1");
	kafka_admin_obey(admin, &leave);
	alarm(10);
	assert_int_equal(kafka_topics_describe(admin, &topic, 1, 60000, &error), -ETIMEDOUT);
	assert_int_equal(kafka_topics_create(admin, &wish, 1, 0, 60000, &error), -ETIMEDOUT);
	alarm(0);
	kafka_admin_free(admin);
}

#define FAR_TOPICS 160u

static void many_topics_of_a_slow_cluster_are_all_described(void **state)
{
	struct kafka_topic_info topics[FAR_TOPICS];
	struct error error = {""};
	char names[FAR_TOPICS][8];

	(void)state;
	for (unsigned i = 0; i < FAR_TOPICS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "t%u", i);
		topics[i].name = names[i];
	}
	mock_delay(mock, 20);
	assert_int_equal(kafka_topics_describe(admin, topics, FAR_TOPICS, 3000, &error), -ETIMEDOUT);
	kafka_admin_free(admin);
	connect_to(mock_servers(mock));
	if (kafka_topics_describe_all(admin, topics, FAR_TOPICS, 3000, &error) != 0)
		fail_msg("%s", error.text);
	for (unsigned i = 0; i < FAR_TOPICS; i++)
		assert_int_not_equal(topics[i].state, KAFKA_TOPIC_UNKNOWN); /* some mocks make what is asked for */
}

static void no_topic_is_asked_for_when_told_to_leave(void **state)
{
	static const atomic_int leave = 1;
	struct kafka_topic_info topics[] = {{.name = "t"}, {.name = "u"}};
	struct error error = {""};

	(void)state;
	mock_topic(mock, "t", 1);
	kafka_admin_obey(admin, &leave);
	assert_int_equal(kafka_topics_describe(admin, topics, 2, 5000, &error), -ETIMEDOUT);
	assert_int_equal(topics[0].state, KAFKA_TOPIC_UNKNOWN);
}

static void impossible_wish_is_refused_without_the_cluster(void **state)
{
	struct kafka_topic_wish wish = {.name = "a", .partitions = -2, .replicas = 1};
	struct error error = {""};

	(void)state;
	assert_int_equal(kafka_topics_create(admin, &wish, 1, 0, 5000, &error), 0);
	assert_int_equal(wish.made, 0);
	assert_non_null(strstr(wish.problem, "num_partitions"));
}

/* On a real broker only, which a mock is no stand-in for: PENSTOCK_KAFKA=HOST:PORT. */
static void topics_are_made_once_and_each_refusal_told(void **state)
{
	struct kafka_topic_wish wishes[] = {{.name = "penstock-admin-a", .partitions = 3, .replicas = 1},
		{.name = "penstock-admin-b", .partitions = 2, .replicas = 99}, {.name = "not a name", .partitions = 1, .replicas = 1}};
	struct kafka_topic_info info = {.name = "penstock-admin-a"};
	struct error error = {""};

	(void)state;
	if (getenv("PENSTOCK_KAFKA") == NULL)
		skip();
	connect_to(getenv("PENSTOCK_KAFKA"));
	assert_int_equal(kafka_topics_create(admin, wishes, 1, 1, 20000, &error), 0);
	assert_int_equal(wishes[0].made, 1);
	assert_int_equal(kafka_topics_describe(admin, &info, 1, 20000, &error), 0);
	assert_int_equal(info.state, KAFKA_TOPIC_MISSING);
	assert_int_equal(kafka_topics_create(admin, wishes, 3, 0, 20000, &error), 0);
	assert_int_equal(wishes[0].made, 1);
	assert_string_equal(wishes[0].problem, "");
	assert_int_equal(wishes[1].made, 0);
	assert_non_null(strstr(wishes[1].problem, "eplication"));
	assert_int_equal(wishes[2].made, 0);
	assert_true(wishes[2].problem[0] != '\0');
	assert_int_equal(kafka_topics_describe(admin, &info, 1, 20000, &error), 0);
	assert_int_equal(info.state, KAFKA_TOPIC_EXISTS);
	assert_int_equal(info.partitions, 3);
	assert_int_equal(kafka_topics_create(admin, wishes, 1, 0, 20000, &error), 0);
	assert_int_equal(wishes[0].made, 0);
	assert_non_null(strstr(wishes[0].problem, "exists"));
	kafka_admin_free(admin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_topic_is_made_when_all_its_leaders_tell_offsets, setup, teardown),
		cmocka_unit_test_setup_teardown(topics_are_described_as_the_cluster_tells, setup, teardown),
		cmocka_unit_test_setup_teardown(topics_beyond_one_looks_time_are_described_by_the_next_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(topics_beside_one_that_cannot_be_asked_for_are_described, setup, teardown),
		cmocka_unit_test(cluster_that_is_away_is_told_with_its_address),
		cmocka_unit_test(question_without_a_broker_ends_when_told),
		cmocka_unit_test_setup_teardown(many_topics_of_a_slow_cluster_are_all_described, setup, teardown),
		cmocka_unit_test_setup_teardown(no_topic_is_asked_for_when_told_to_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(impossible_wish_is_refused_without_the_cluster, setup, teardown),
		cmocka_unit_test(topics_are_made_once_and_each_refusal_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
