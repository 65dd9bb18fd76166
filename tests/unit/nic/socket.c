/* SPDX-License-Identifier: Apache-2.0 */
/* The socket source on loopback: everything that is sent is received or counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nic/source.h"

#define MANY 1000

static const struct source_ops *const ops = &source_socket;

/* A UDP port of loopback that nobody uses now. */
static uint16_t free_port(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	(void)close(fd);
	return ntohs(name.sin_port);
}

static int has_port(const struct source_config *config, uint16_t port)
{
	for (unsigned i = 0; i < config->port_count; i++)
		if (config->ports[i] == port)
			return 1;
	return 0;
}

static struct source_config config_of(unsigned queues, unsigned ports)
{
	struct source_config config = {.name = "test", .kind = SOURCE_SOCKET, .queues = (uint16_t)queues, .mtu = 1500,
		.max_datagram = 2000, .receive_buffer = 4 << 20};

	while (config.port_count < ports) {
		uint16_t port = free_port();

		if (!has_port(&config, port))
			config.ports[config.port_count++] = port;
	}
	return config;
}

static struct source *start(const struct source_config *config)
{
	struct source *source = NULL;
	struct error error = {""};

	if (ops->open(&source, config, &error) != 0 || ops->start(source, &error) != 0)
		fail_msg("%s", error.text);
	for (unsigned i = 0; i < config->queues; i++)
		assert_int_equal(ops->attach(ops->queue(source, i)), 0);
	return source;
}

static void send_one(int family, uint16_t port, const void *data, size_t len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
	int fd = socket(family, SOCK_DGRAM, 0);
	ssize_t n;

	assert_true(fd >= 0);
	if (family == AF_INET)
		n = sendto(fd, data, len, 0, (struct sockaddr *)&v4, sizeof(v4));
	else
		n = sendto(fd, data, len, 0, (struct sockaddr *)&v6, sizeof(v6));
	assert_int_equal(n, len);
	(void)close(fd);
}

/* Receives until a few polls in a row bring nothing; returns the number of datagrams. */
static unsigned drain(struct source *source, unsigned queues, struct datagram *last)
{
	struct datagram out[SOURCE_BURST];
	unsigned total = 0;

	for (unsigned idle = 0; idle < 20;) {
		unsigned got = 0;

		for (unsigned i = 0; i < queues; i++) {
			struct source_queue *q = ops->queue(source, i);
			unsigned n = ops->receive(q, out, 0);

			if (n != 0 && last != NULL)
				*last = out[n - 1];
			got += n;
			ops->release(q);
		}
		total += got;
		idle = got == 0 ? idle + 1 : 0;
		if (got == 0)
			ops->wait(ops->queue(source, 0), 1000);
	}
	return total;
}

static void every_datagram_sent_is_received(void **state)
{
	struct source_config config = config_of(1, 1);
	struct source *source = start(&config);
	const struct source_counters *c = ops->counters(ops->queue(source, 0));
	struct datagram last = {0};
	unsigned got = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		send_one(AF_INET, config.ports[0], &i, sizeof(i));
		if (i % 100 == 99)
			got += drain(source, 1, &last);
	}
	assert_int_equal(got, MANY);
	assert_int_equal(last.len, sizeof(unsigned));
	assert_int_equal(*(const unsigned *)(const void *)last.data, MANY - 1);
	assert_int_equal(last.destination_port, config.ports[0]);
	assert_int_equal(last.source.family, ADDRESS_IPV4);
	assert_memory_equal(last.source.bytes, "\x7f\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_not_equal(last.source_port, 0);
	assert_int_equal(counter_read(&c->frames), MANY);
	assert_int_equal(counter_read(&c->datagrams), MANY);
	assert_int_equal(counter_read(&c->bytes), MANY * sizeof(unsigned));
	ops->close(source);
}

static void ipv6_is_received_beside_ipv4(void **state)
{
	struct source_config config = config_of(1, 1);
	struct source *source = start(&config);
	struct datagram last = {0};

	(void)state;
	send_one(AF_INET6, config.ports[0], "six", 3);
	assert_int_equal(drain(source, 1, &last), 1);
	assert_int_equal(last.source.family, ADDRESS_IPV6);
	assert_memory_equal(last.source.bytes, &in6addr_loopback, 16);
	assert_memory_equal(last.data, "six", 3);
	ops->close(source);
}

static void too_long_a_datagram_is_counted_oversize(void **state)
{
	struct source_config config = config_of(1, 1);
	struct source *source = start(&config);
	const struct source_counters *c = ops->counters(ops->queue(source, 0));
	uint8_t big[2001] = {0};

	(void)state;
	send_one(AF_INET, config.ports[0], big, 2000);
	send_one(AF_INET, config.ports[0], big, 2001);
	send_one(AF_INET, config.ports[0], big, 0);
	assert_int_equal(drain(source, 1, NULL), 2);
	assert_int_equal(counter_read(&c->dropped_oversize), 1);
	assert_int_equal(counter_read(&c->frames), 3);
	assert_int_equal(counter_read(&c->datagram_frames), 2);
	assert_int_equal(counter_read(&c->bytes), 4001);
	ops->close(source);
}

static void queues_share_several_ports(void **state)
{
	struct source_config config = config_of(2, 3);
	struct source *source = start(&config);
	uint64_t frames = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		send_one(i % 2 ? AF_INET : AF_INET6, config.ports[i % 3], "x", 1);
	assert_int_equal(drain(source, 2, NULL), 300);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t n = counter_read(&ops->counters(ops->queue(source, i))->frames);

		assert_true(n > 0);
		frames += n;
	}
	assert_int_equal(frames, 300);
	ops->close(source);
}

static void send_many(uint16_t port, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		send_one(AF_INET, port, "x", 1);
}

/* One receive; returns the datagrams, and through `found` those that came to `port`. */
static unsigned receive_of(struct source *source, uint16_t port, unsigned *found)
{
	struct source_queue *q = ops->queue(source, 0);
	struct datagram out[SOURCE_BURST];
	unsigned n = ops->receive(q, out, 0);

	*found = 0;
	for (unsigned i = 0; i < n; i++)
		*found += out[i].destination_port == port;
	ops->release(q);
	return n;
}

static void a_flooded_port_does_not_starve_the_others(void **state)
{
	struct source_config config = config_of(1, 3);
	struct source *source = start(&config);
	unsigned n, quiet = 0, found;

	(void)state;
	send_many(config.ports[0], 200);
	send_many(config.ports[1], 200);
	send_many(config.ports[2], 3);
	for (unsigned i = 0; i < 4; i++) {
		n = receive_of(source, config.ports[2], &found);
		assert_int_equal(n, SOURCE_BURST);
		quiet += found;
		send_many(config.ports[0], SOURCE_BURST);
	}
	assert_int_equal(quiet, 3);
	(void)drain(source, 1, NULL);
	ops->close(source);
}

static void what_one_port_leaves_of_a_burst_another_gets(void **state)
{
	struct source_config config = config_of(1, 2);
	struct source *source = start(&config);
	unsigned found, first, second;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		send_many(config.ports[i], 100);
		send_many(config.ports[1 - i], 1);
		assert_int_equal(receive_of(source, config.ports[i], &found), SOURCE_BURST);
		assert_int_equal(found, SOURCE_BURST - 1);
		(void)drain(source, 1, NULL);
	}
	send_many(config.ports[0], 100);
	send_many(config.ports[1], 100);
	assert_int_equal(receive_of(source, config.ports[0], &first), SOURCE_BURST);
	assert_int_equal(receive_of(source, config.ports[0], &second), SOURCE_BURST);
	assert_int_equal(first, SOURCE_BURST / 2);
	assert_int_equal(second, SOURCE_BURST / 2);
	ops->close(source);
}

static void more_ready_sockets_than_one_receive_looks_at_all_get_their_turn(void **state)
{
	struct source_config config = config_of(1, 20);
	struct source *source = start(&config);
	unsigned found, quiet = 0;

	(void)state;
	for (unsigned i = 0; i < 19; i++)
		send_many(config.ports[i], SOURCE_BURST);
	send_many(config.ports[19], 1);
	for (unsigned i = 0; i < 4; i++) {
		(void)receive_of(source, config.ports[19], &found);
		quiet += found;
	}
	assert_int_equal(quiet, 1);
	ops->close(source);
}

static void what_the_kernel_dropped_is_missed(void **state)
{
	struct source_config config = config_of(1, 1);
	struct source_status status;
	struct source *source;
	static const uint8_t data[1000];
	unsigned got;

	(void)state;
	config.receive_buffer = 16384;
	source = start(&config);
	for (unsigned i = 0; i < 200; i++)
		send_one(AF_INET, config.ports[0], data, sizeof(data));
	got = drain(source, 1, NULL);
	ops->status(source, &status);
	assert_int_equal(status.reports_missed, 1);
	assert_int_equal(status.receive_buffer, 16384);
	assert_true(got < 200);
	assert_int_equal(got + status.missed, 200);
	ops->close(source);
}

/* The worker did not come by any more; or a datagram came behind its last look. */
static void what_nobody_has_read_at_the_stop_is_missed(void **state)
{
	struct source_config config = config_of(1, 2);
	struct source *source = start(&config);
	struct source_status status;

	(void)state;
	send_many(config.ports[0], 30);
	send_many(config.ports[1], 12);
	ops->stop(source);
	ops->status(source, &status);
	assert_int_equal(status.missed, 42);
	ops->close(source);
}

static void an_address_that_is_not_here_is_refused_with_a_sentence(void **state)
{
	struct source_config config = config_of(1, 1);
	struct source *source = NULL;
	struct error error = {""};

	(void)state;
	config.addresses[0].address = (struct address){.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 77}};
	config.address_count = 1;
	assert_int_equal(ops->open(&source, &config, &error), 0);
	assert_int_equal(ops->start(source, &error), -EADDRNOTAVAIL);
	assert_non_null(strstr(error.text, "192.0.2.77"));
	ops->close(source);
}

static void nothing_is_delivered_after_stop_and_it_starts_again(void **state)
{
	struct source_config config = config_of(1, 1);
	struct source *source = start(&config);
	struct error error;

	(void)state;
	ops->stop(source);
	assert_int_equal(drain(source, 1, NULL), 0);
	assert_int_equal(ops->start(source, &error), 0);
	send_one(AF_INET, config.ports[0], "again", 5);
	assert_int_equal(drain(source, 1, NULL), 1);
	ops->stop(source);
	ops->detach(ops->queue(source, 0));
	ops->close(source);
}

/* Or each would get a part of what is sent. */
static void a_port_that_is_listened_on_already_is_refused(void **state)
{
	struct source_config config = config_of(2, 1);
	struct source *source = start(&config), *other = NULL;
	struct error error = {""};
	int rc;

	(void)state;
	rc = ops->open(&other, &config, &error);
	if (rc == 0)
		rc = ops->start(other, &error);
	assert_int_equal(rc, -EADDRINUSE);
	assert_non_null(strstr(error.text, "another process"));
	ops->close(other);
	send_one(AF_INET, config.ports[0], "ours", 4);
	assert_int_equal(drain(source, 2, NULL), 1);
	ops->stop(source);
	for (unsigned i = 0; i < 2; i++)
		ops->detach(ops->queue(source, i));
	ops->close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_datagram_sent_is_received),
		cmocka_unit_test(ipv6_is_received_beside_ipv4),
		cmocka_unit_test(too_long_a_datagram_is_counted_oversize),
		cmocka_unit_test(queues_share_several_ports),
		cmocka_unit_test(a_flooded_port_does_not_starve_the_others),
		cmocka_unit_test(what_one_port_leaves_of_a_burst_another_gets),
		cmocka_unit_test(more_ready_sockets_than_one_receive_looks_at_all_get_their_turn),
		cmocka_unit_test(what_the_kernel_dropped_is_missed),
		cmocka_unit_test(what_nobody_has_read_at_the_stop_is_missed),
		cmocka_unit_test(an_address_that_is_not_here_is_refused_with_a_sentence),
		cmocka_unit_test(a_port_that_is_listened_on_already_is_refused),
		cmocka_unit_test(nothing_is_delivered_after_stop_and_it_starts_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
