/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "base/compiler.h"
#include "kafka/client.h"

#define SERVERS {"bootstrap.servers", "127.0.0.1:9092"}

/* One property beside bootstrap.servers; `told`: what the sentence must say, NULL: it is let through. */
/* A sanitizer brings an allocator of its own, which takes no such settings. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

static const struct {
	const char *name, *value, *told;
} cases[] = {
	{"compression.type", "zstd", NULL},
	{"linger.ms", "5", NULL},
	{"linger.ms", "1000", NULL},
	{"linger.ms", "1001", "set it to 1000 at the most"},
	{"linger.ms", "3500", "linger.ms=3500 is refused"},
	{"queue.buffering.max.ms", "1000", NULL},
	{"queue.buffering.max.ms", "1000.5", "queue.buffering.max.ms=1000.5 is refused"},
	{"acks", "all", NULL},
	{"acks", "-1", NULL},
	{"enable.idempotence", "TRUE", NULL},
	{"partitioner", "murmur2", NULL},
	{"message.max.bytes", "2000000", NULL},
	{"sasl.mechanism", "PLAIN", NULL},
	{"bootstrap.servers", "kafka-1.example:9092,kafka-2.example:9092, [::1]:9092", NULL},
	{"bootstrap.servers", "kafka-1.example", NULL},
	{"max.poll.interval.ms", "1", "for the consumer by which boxes notice each other: `max.poll.interval.ms`"},
	{"receive.message.max.bytes", "100000", "for the consumer"},
	{"group.id", "x", NULL},
	{"test.mock.num.brokers", "3", "test.mock.num.brokers is refused"},
	{"test.mock.broker.rtt", "3", "for the client's own tests"},
	{"bootstrap.servers", "", "expected HOST:PORT"},
	{"bootstrap.servers", "a:9092,,b:9092", "expected HOST:PORT"},
	{"bootstrap.servers", "a:port", "expected HOST:PORT"},
	{"bootstrap.servers", "a:70000", "expected HOST:PORT"},
	{"metadata.broker.list", ":9092", "expected HOST:PORT"},
	{"linger.msec", "5", "knows no such property"},
	{"linger.ms", "soon", "linger.ms"},
	{"linger.ms", "-3", "outside allowed range"},
	{"compression.type", "brotli", "compression.type"},
	{"plugin.library.paths", "/tmp/x.so", "loads code"},
	{"ssl.engine.location", "/tmp/x.so", "loads code"},
	{"ssl.engine.id", "dynamic", "loads code"},
	{"ssl_engine_callback_data", "1", "loads code"},
	{"ssl.providers", "legacy", "loads code"},
	{"sasl.kerberos.kinit.cmd", "rm -rf /", "shell command"},
	{"interceptors", "x", "refused"},
	{"acks", "1", "acks=all"},
	{"acks", "0", "acks=all"},
	{"request.required.acks", "1", "acks=all"},
	{"enable.idempotence", "false", "set it to true"},
	{"enable.gapless.guarantee", "true", "set it to false"},
	{"delivery.report.only.error", "true", "set it to false"},
	{"dr_cb", "x", "refused"},
	{"dr_msg_cb", "x", "refused"},
	{"enabled_events", "0", "refused"},
	{"log.queue", "false", "refused"},
	{"transactional.id", "x", "refused"},
	{"partitioner", "random", "murmur2"},
	{"queuing.strategy", "lifo", "queuing.strategy"},
	{"max.in.flight.requests.per.connection", "6", "max.in.flight"},
	{"retries", "0", "2147483647"},
	{"retries", "5", "repeat"},
	{"retries", "2147483647", NULL},
	{"message.send.max.retries", "5", "repeat"},
	{"message.timeout.ms", "50", "set it to 0"},
	{"message.timeout.ms", "300000", "repeated"},
	{"message.timeout.ms", "0", NULL},
	{"delivery.timeout.ms", "120000", "set it to 0"},
	{"ssl.ca.location", "/nowhere/ca.pem", NULL}, /* read only when TLS is asked for */
};

static void each_property_is_let_through_or_refused_with_its_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct kafka_property both[] = {SERVERS, {cases[i].name, cases[i].value}};
		struct error error = {""};
		int rc = kafka_properties_check(both, 2, &error);

		if (cases[i].told == NULL && rc != 0)
			fail_msg("%s=%s: %s", cases[i].name, cases[i].value, error.text);
		if (cases[i].told != NULL &&
			(rc == 0 || strstr(error.text, cases[i].told) == NULL || strchr(error.text, '\n') != NULL))
			fail_msg("%s=%s gave %d, \"%s\"", cases[i].name, cases[i].value, rc, error.text);
	}
}

static void scram_is_refused_on_a_client_that_cannot_do_it(void **state)
{
	const struct kafka_property properties[] = {SERVERS, {"security.protocol", "SASL_PLAINTEXT"},
		{"sasl.mechanisms", "SCRAM-SHA-512"}, {"sasl.username", "u"}, {"sasl.password", "p"}};
	struct error error = {""};
	int rc = kafka_properties_check(properties, 5, &error);

	(void)state;
	if (rd_kafka_version() >= 0x020601ff) {
		assert_int_equal(rc, 0);
		return;
	}
	assert_true(rc < 0);
	assert_non_null(strstr(error.text, "2.6.1"));
}

static void missing_servers_are_told(void **state)
{
	const struct kafka_property properties[] = {{"linger.ms", "5"}};
	struct error error = {""};

	(void)state;
	assert_true(kafka_properties_check(properties, 1, &error) < 0);
	assert_non_null(strstr(error.text, "bootstrap.servers is missing"));
}

static void tls_files_are_read_and_secrets_not_told(void **state)
{
	const struct kafka_property properties[] = {SERVERS, {"security.protocol", "SSL"},
		{"ssl.key.location", "/nowhere/key.pem"}, {"ssl.key.password", "mellon"}};
	struct error error = {""};

	(void)state;
	assert_true(kafka_properties_check(properties, 4, &error) < 0);
	assert_non_null(strstr(error.text, "/nowhere/key.pem"));
	assert_null(strstr(error.text, "mellon"));
}

static void linger_is_told_as_the_client_has_it(void **state)
{
	const struct kafka_property properties[] = {SERVERS, {"linger.ms", "5.5"}, {"queue.buffering.max.ms", "40"}};

	(void)state;
	assert_true(kafka_linger_ms(properties, 1) == 100);
	assert_true(kafka_linger_ms(properties, 2) == 5.5);
	assert_true(kafka_linger_ms(properties, 3) == 40);
}

static void linger_is_judged_as_the_client_has_it(void **state)
{
	const struct kafka_property properties[] = {
		SERVERS, {"linger.ms", "5"}, {"queue.buffering.max.ms", "3500"}, {"client.id", "x"}, {"linger.ms", "5"}};
	struct error error = {""};

	(void)state;
	assert_int_equal(kafka_properties_check(properties, 2, &error), 0);
	assert_true(kafka_properties_check(properties, 4, &error) < 0);
	assert_non_null(strstr(error.text, "queue.buffering.max.ms=3500 is refused"));
	assert_int_equal(kafka_properties_check(properties, 5, &error), 0);
}

static void allocator_takes_the_settings(void **state)
{
	(void)state;
#ifdef SANITIZED
	skip();
#else
	assert_int_equal(kafka_tune_allocator(), 0);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_property_is_let_through_or_refused_with_its_cure),
		cmocka_unit_test(scram_is_refused_on_a_client_that_cannot_do_it),
		cmocka_unit_test(missing_servers_are_told),
		cmocka_unit_test(tls_files_are_read_and_secrets_not_told),
		cmocka_unit_test(linger_is_told_as_the_client_has_it),
		cmocka_unit_test(linger_is_judged_as_the_client_has_it),
		cmocka_unit_test(allocator_takes_the_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
