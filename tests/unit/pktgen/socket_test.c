/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "output.h"

#define DATAGRAMS OUTPUT_BURST

/* A receiver on loopback; its port goes to `port`. -1: this machine has no IPv6. */
static int receiver(int family, uint16_t *port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address;
	socklen_t len = sizeof(address);
	struct timeval wait = {.tv_sec = 10};
	int fd = socket(family, SOCK_DGRAM, 0);

	if (family == AF_INET) {
		*ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		len = sizeof(*ipv4);
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(family == AF_INET ? ipv4->sin_port : address.sin6_port);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	return fd;
}

/* Receives datagram `index` and returns the port it came from. */
static uint16_t expect(int fd, uint8_t index)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	uint8_t data[300];
	ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);

	assert_int_equal(n, 10 + index);
	assert_int_equal(data[0], index);
	return ntohs(from.sin6_port); /* the same place in sockaddr_in */
}

static void check_family(int family, const char *address)
{
	char *argv[] = {(char *)(uintptr_t) "pktgen", (char *)(uintptr_t) "--to", (char *)(uintptr_t)address,
		(char *)(uintptr_t) "--sockets", (char *)(uintptr_t) "3", NULL};
	struct outgoing burst[DATAGRAMS];
	uint16_t port = 0, from[3] = {0};
	int fd = receiver(family, &port);
	struct error error = {""};
	struct options options;
	struct output *output;
	uint8_t data[300];

	if (fd < 0)
		skip();
	assert_int_equal(options_read(&options, 5, argv, &error), 0);
	assert_int_equal(output_socket.open(&output, &options, &error), 0);
	for (uint8_t i = 0; i < DATAGRAMS; i++) {
		memset(data, i, sizeof(data));
		burst[i] = (struct outgoing){.data = data, .len = 10u + i, .source = i, .flow = i % 3u, .port = port};
		assert_int_equal(output_socket.send(output, &burst[i], 1, &error), 0);
		assert_in_range(expect(fd, i), 1, UINT16_MAX);
	}
	memset(data, 0, sizeof(data));
	for (uint8_t i = 0; i < 3; i++)
		burst[i] = (struct outgoing){.data = data, .len = 10, .flow = i, .port = port};
	assert_int_equal(output_socket.send(output, burst, 3, &error), 0);
	for (unsigned i = 0; i < 3; i++)
		from[i] = expect(fd, 0);
	assert_true(from[0] != from[1] && from[1] != from[2] && from[0] != from[2]);
	assert_int_equal(output_socket.close(output, &error), 0);
	close(fd);
}

static void ipv4_datagrams_arrive_each_from_its_socket(void **state)
{
	(void)state;
	check_family(AF_INET, "127.0.0.1");
}

static void ipv6_datagrams_arrive_each_from_its_socket(void **state)
{
	(void)state;
	check_family(AF_INET6, "::1");
}

static void a_burst_keeps_its_order(void **state)
{
	static uint8_t data[DATAGRAMS][300];
	struct outgoing burst[DATAGRAMS];
	char *argv[] = {(char *)(uintptr_t) "pktgen", NULL};
	uint16_t port = 0;
	int fd = receiver(AF_INET, &port);
	struct error error = {""};
	struct options options;
	struct output *output;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(options_read(&options, 1, argv, &error), 0);
	assert_int_equal(output_socket.open(&output, &options, &error), 0);
	for (uint8_t i = 0; i < DATAGRAMS; i++) {
		memset(data[i], i, sizeof(data[i]));
		burst[i] = (struct outgoing){.data = data[i], .len = 10u + i, .port = port};
	}
	assert_int_equal(output_socket.send(output, burst, DATAGRAMS, &error), 0);
	for (uint8_t i = 0; i < DATAGRAMS; i++)
		expect(fd, i);
	assert_int_equal(output_socket.close(output, &error), 0);
	close(fd);
}

static void a_port_that_nobody_listens_on_is_no_error(void **state)
{
	char *argv[] = {(char *)(uintptr_t) "pktgen", NULL};
	struct outgoing datagram = {.data = (const uint8_t *)"x", .len = 1};
	struct error error = {""};
	struct options options;
	struct output *output;

	(void)state;
	close(receiver(AF_INET, &datagram.port));
	assert_int_equal(options_read(&options, 1, argv, &error), 0);
	assert_int_equal(output_socket.open(&output, &options, &error), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(output_socket.send(output, &datagram, 1, &error), 0);
	assert_int_equal(output_socket.close(output, &error), 0);
}

/* What the system call refuses before it works again; nobody waits for a queue that stays full but who has been told to end. */
static unsigned refusals;

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	if (refusals == 0)
		return __real_sendmmsg(fd, messages, count, flags);
	refusals -= refusals != UINT_MAX;
	output_stopped |= refusals == UINT_MAX;
	errno = ENOBUFS;
	return -1;
}

static void check_full_queue(int expected)
{
	char *argv[] = {(char *)(uintptr_t) "pktgen", NULL};
	struct outgoing datagram = {.data = (const uint8_t *)"xxxxxxxxxx", .len = 10};
	int fd = receiver(AF_INET, &datagram.port);
	struct error error = {""};
	struct options options;
	struct output *output;

	assert_true(fd >= 0);
	assert_int_equal(options_read(&options, 1, argv, &error), 0);
	assert_int_equal(output_socket.open(&output, &options, &error), 0);
	assert_int_equal(output_socket.send(output, &datagram, 1, &error), expected);
	assert_int_equal(strlen(error.text) > 10, expected != 0);
	assert_int_equal(output_socket.close(output, &error), 0);
	close(fd);
}

static void a_full_queue_is_waited_for(void **state)
{
	(void)state;
	refusals = 1000;
	check_full_queue(0);
	output_stopped = 1;
	refusals = 1000;
	check_full_queue(0);
	output_stopped = 0;
}

static void a_queue_that_stays_full_does_not_outlast_a_signal(void **state)
{
	(void)state;
	refusals = UINT_MAX;
	check_full_queue(-ENOBUFS);
	refusals = 0;
	output_stopped = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_datagrams_arrive_each_from_its_socket),
		cmocka_unit_test(ipv6_datagrams_arrive_each_from_its_socket),
		cmocka_unit_test(a_burst_keeps_its_order),
		cmocka_unit_test(a_port_that_nobody_listens_on_is_no_error),
		cmocka_unit_test(a_full_queue_is_waited_for),
		cmocka_unit_test(a_queue_that_stays_full_does_not_outlast_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
