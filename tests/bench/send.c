/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends the events of bench-plain over UDP to 127.0.0.1, each type to a port of its own, so that a receiver which does
 * not read JSON can tell the types apart at no cost, or to fewer ports. bench-send FIRST-PORT RATE COUNT [PORTS];
 * prints how many the kernel took.
 */

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"
#include "events.h"

#define EVENTS 4096u
#define TYPES  64u
#define BURST  32u

static struct sockaddr_in addresses[TYPES]; /* by type */

static void fill(struct mmsghdr *messages, struct iovec *pieces, const struct bench_event *events, uint64_t first)
{
	for (unsigned i = 0; i < BURST; i++) {
		const struct bench_event *event = &events[(first + i) % EVENTS];

		pieces[i] = (struct iovec){(void *)(uintptr_t)event->data, event->len};
		memset(&messages[i], 0, sizeof(messages[i]));
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &addresses[event->type];
		messages[i].msg_hdr.msg_namelen = sizeof(addresses[0]);
	}
}

static uint64_t send_all(int fd, const struct bench_event *events, uint64_t rate, uint64_t count)
{
	struct timespec step = {0, 200000};
	struct mmsghdr messages[BURST];
	struct iovec pieces[BURST];
	uint64_t began = cpu_wall_ns(), sent = 0;

	for (uint64_t tried = 0; tried < count; tried += BURST) {
		int n;

		while (tried * UINT64_C(1000000000) > (cpu_wall_ns() - began) * rate)
			nanosleep(&step, NULL);
		fill(messages, pieces, events, tried);
		n = sendmmsg(fd, messages, BURST, 0);
		sent += n > 0 ? (uint64_t)n : 0;
	}
	return sent;
}

int main(int argc, char **argv)
{
	const struct bench_event *events = events_make(EVENTS, TYPES, 0);
	unsigned ports = argc == 5 ? (unsigned)atoi(argv[4]) : TYPES;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc < 4 || argc > 5 || ports == 0 || events == NULL || fd < 0) {
		fputs("bench-send FIRST-PORT RATE COUNT [PORTS]\n", stderr);
		return 64;
	}
	for (unsigned i = 0; i < TYPES; i++) {
		addresses[i] = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons((uint16_t)((unsigned)atoi(argv[1]) + i))};
		addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	printf("%" PRIu64 "\n", send_all(fd, events, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10)));
	(void)close(fd);
	return 0;
}
