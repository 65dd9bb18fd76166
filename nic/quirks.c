/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/quirks.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AF_PACKET_FRAMES  4096 /* ring slots per queue when the device string leaves it open, unless they take more than */
#define AF_PACKET_RING    ((uint32_t)128 << 20) /* ... so many bytes */
#define AF_PACKET_FEWEST  512
#define AF_XDP_KEPT       4096 /* fills a ring of 2,048 at start, whatever the descriptors, and holds as many that were sent */
#define AF_XDP_ROOM       3648 /* an mbuf with its heads must fit a page, and so must the kernel's frame with its own */
#define LARGEST_ROOM      65472
#define AF_PACKET_LARGEST 61440 /* slot: whole pages, and what an mbuf of at most 65,535 bytes takes behind its headroom */
#define AF_PACKET_HEAD    96    /* ring header before a frame, rounded up */
#define AF_PACKET_BLOCK   65536 /* holds slots without a rest: the driver takes the ring for one array of them */
#define IP_ROOM           68    /* IPv4 with options, UDP */
#define L2_ROOM           26    /* Ethernet, two tags, FCS */
#define PCAP_HEADER       24
#define PCAP_RECORD       16

static int starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Value of `key=` in a device string, NULL when it is not there. */
static const char *argument(const char *device, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = strchr(device, ','); at != NULL; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, key, len) == 0 && at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

static uint32_t round_up_power(uint32_t value)
{
	uint32_t power = 2048;

	while (power < value)
		power *= 2;
	return power;
}

static int append(char *out, size_t size, const char *device, const char *key, unsigned value)
{
	size_t len = strlen(out);
	int n;

	if (argument(device, key) != NULL)
		return 0;
	n = snprintf(out + len, size - len, ",%s=%u", key, value);
	return n < 0 || (size_t)n >= size - len ? -ENAMETOOLONG : 0;
}

/* The kernel puts IPv4 fragments together before a packet socket in a fanout group sees them, so a frame may be as long as the
 * largest datagram, whatever the MTU says. */
static uint32_t af_packet_frame(const struct source_config *config)
{
	uint32_t longest = config->max_datagram + IP_ROOM;
	uint32_t frame;

	if (longest < config->mtu)
		longest = config->mtu;
	frame = longest + L2_ROOM + AF_PACKET_HEAD;
	frame = round_up_power(frame);
	return frame < AF_PACKET_LARGEST ? frame : AF_PACKET_LARGEST;
}

static uint32_t af_packet_slots(uint32_t frame)
{
	uint32_t slots = AF_PACKET_RING / frame;

	if (slots > AF_PACKET_FRAMES)
		return AF_PACKET_FRAMES;
	return slots < AF_PACKET_FEWEST ? AF_PACKET_FEWEST : slots;
}

int quirks_device(const struct source_config *config, char *out, size_t size)
{
	const char *device = config->device;
	int n = snprintf(out, size, "%s", device), result = 0;

	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	if (starts(device, "net_af_packet") || starts(device, "eth_af_packet")) {
		const char *given = argument(device, "framesz");
		uint32_t frame = af_packet_frame(config);
		uint32_t block = given != NULL ? (uint32_t)strtoul(given, NULL, 10) : frame;
		uint32_t slots = block > 0 ? af_packet_slots(block) : AF_PACKET_FRAMES;

		result |= append(out, size, device, "qpairs", config->queues);
		result |= append(out, size, device, "framesz", frame);
		result |= append(out, size, device, "blocksz",
			block != 0 && AF_PACKET_BLOCK % block == 0 ? AF_PACKET_BLOCK : block);
		result |= append(out, size, device, "framecnt", slots);
	} else if (starts(device, "net_af_xdp")) {
		result |= append(out, size, device, "queue_count", config->queues);
	}
	return result == 0 ? 0 : -ENAMETOOLONG;
}

uint32_t quirks_frame_room(const struct source_config *config, const char *device)
{
	const char *frame = argument(device, "framesz");

	(void)config;
	return frame != NULL && strstr(device, "af_packet") != NULL ? (uint32_t)strtoul(frame, NULL, 10) : 0;
}

uint32_t quirks_largest_room(const char *device)
{
	return starts(device, "net_af_xdp") ? AF_XDP_ROOM : LARGEST_ROOM;
}

static uint32_t read32(const uint8_t *p, int swapped)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return swapped ? __builtin_bswap32(value) : value;
}

/* Packets in a classic capture file, 0 when it cannot be read. */
static unsigned count_packets(FILE *file)
{
	uint8_t head[PCAP_HEADER], record[PCAP_RECORD];
	unsigned count = 0;
	int swapped;

	if (fread(head, 1, sizeof(head), file) != sizeof(head))
		return 0;
	swapped = head[0] == 0xa1;
	while (fread(record, 1, sizeof(record), file) == sizeof(record)) {
		if (fseek(file, (long)read32(record + 8, swapped), SEEK_CUR) != 0)
			break;
		count++;
	}
	return count;
}

/* net_pcap with infinite_rx keeps the whole file in mbufs of the queue's pool. */
static unsigned quirks_pcap_kept(const char *device)
{
	const char *path = argument(device, "rx_pcap"), *infinite = argument(device, "infinite_rx");
	unsigned count;
	char name[512];
	size_t len;
	FILE *file;

	if (path == NULL || infinite == NULL || *infinite == '0')
		return 0;
	len = strcspn(path, ",");
	if (len >= sizeof(name))
		return 0;
	memcpy(name, path, len);
	name[len] = '\0';
	file = fopen(name, "rb");
	if (file == NULL)
		return 0;
	count = count_packets(file);
	(void)fclose(file);
	return count;
}

unsigned quirks_kept_mbufs(const char *device)
{
	return starts(device, "net_af_xdp") ? AF_XDP_KEPT : quirks_pcap_kept(device);
}

int quirks_reports_missed(const char *driver)
{
	return strcmp(driver, "net_af_packet") != 0 && strcmp(driver, "net_tap") != 0;
}

int quirks_mtu_is_the_kernels(const char *driver)
{
	return strcmp(driver, "net_af_packet") == 0;
}

void quirks_mac(const struct source_config *config, const char *driver, uint8_t *mac)
{
	if (strcmp(driver, "net_tap") != 0 || argument(config->device, "remote") != NULL)
		return;
	mac[0] = (uint8_t)((mac[0] | 2) & ~1);
	mac[5] ^= 0x80;
}

int quirks_kernel_interface(const char *device, char *out, size_t size)
{
	const char *name = argument(device, "iface");
	size_t len = name != NULL ? strcspn(name, ",") : size;

	if (len >= size || (strstr(device, "af_packet") == NULL && strstr(device, "af_xdp") == NULL))
		return -ENODEV;
	memcpy(out, name, len);
	out[len] = '\0';
	return 0;
}
