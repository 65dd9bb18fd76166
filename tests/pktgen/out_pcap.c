/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

/* The file format of libpcap, in this machine's byte order and with microseconds: what every tool reads. */
#define PCAP_MAGIC    0xa1b2c3d4u
#define PCAP_SNAPLEN  262144
#define PCAP_ETHERNET 1

struct output {
	FILE *file;
	struct packer packer;
};

static int failed(const struct output *output, struct error *error)
{
	int rc = errno != 0 ? -errno : -EIO;

	return error_set(error, rc, "cannot write %s: %s", output->packer.options->pcap, strerror(-rc));
}

static int pcap_close(struct output *output, struct error *error)
{
	int rc = 0;

	if (output == NULL)
		return 0;
	errno = 0;
	if (output->file != NULL && fclose(output->file) != 0)
		rc = failed(output, error);
	free(output);
	return rc;
}

static int pcap_open(struct output **out, const struct options *options, struct error *error)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snaplen, link;
	} header = {PCAP_MAGIC, 2, 4, 0, 0, PCAP_SNAPLEN, PCAP_ETHERNET};
	struct output *output = calloc(1, sizeof(*output));
	int rc = 0;

	if (output == NULL)
		return error_set(error, -ENOMEM, "no memory for the capture file");
	packer_init(&output->packer, options, options->source_mac);
	output->file = fopen(options->pcap, "we");
	if (output->file == NULL || fwrite(&header, sizeof(header), 1, output->file) != 1) {
		rc = failed(output, error);
		pcap_close(output, NULL);
		return rc;
	}
	*out = output;
	return 0;
}

static int pcap_write(void *context, const uint8_t *frame, uint32_t len, const struct outgoing *datagram)
{
	struct output *output = context;
	uint64_t time_us = (uint64_t)output->packer.options->events.time_base_us + datagram->due_us;
	const uint32_t header[4] = {(uint32_t)(time_us / 1000000), (uint32_t)(time_us % 1000000), len, len};

	if (fwrite(header, sizeof(header), 1, output->file) != 1 || fwrite(frame, 1, len, output->file) != len)
		return -EIO;
	return 0;
}

static int pcap_send(struct output *output, const struct outgoing *datagrams, unsigned count, struct error *error)
{
	errno = 0;
	for (unsigned i = 0; i < count; i++)
		if (packer_pack(&output->packer, &datagrams[i], pcap_write, output) != 0)
			return failed(output, error);
	return 0;
}

const struct output_ops output_pcap = {
	.open = pcap_open,
	.send = pcap_send,
	.close = pcap_close,
	.unpaced = 1,
};
