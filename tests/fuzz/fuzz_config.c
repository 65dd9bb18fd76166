/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a configuration: refused with one printable line that names a place, or read into a configuration whose every
 * index, count and size keeps to its limits, so that what comes after need not look again.
 */

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "batch/batch.h"
#include "control/daemon/config.h"

#define NAME "fuzz.yaml"
#define HOLDS(x)                                                                                                      \
	do {                                                                                                          \
		if (!(x))                                                                                             \
			abort();                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *line)
{
	size_t prefix = strlen(NAME ":");

	HOLDS(strncmp(line, NAME ":", prefix) == 0);
	HOLDS(isdigit((unsigned char)line[prefix]));
	line += prefix + strspn(line + prefix, "0123456789");
	HOLDS(line[0] == ':' && isdigit((unsigned char)line[1]));
	line += 1 + strspn(line + 1, "0123456789");
	HOLDS(line[0] == ':' && line[1] == ' ' && line[2] != '\0');
	for (; *line != '\0'; line++)
		HOLDS((unsigned char)*line >= 0x20 && *line != 0x7f);
}

static void check_port(const struct config_port *port)
{
	const struct source_config *s = &port->source;

	HOLDS(s->name != NULL && strlen(s->name) >= 1 && strlen(s->name) <= 15);
	HOLDS(s->device != NULL || s->kind == SOURCE_SOCKET);
	HOLDS(port->worker_count >= 1 && port->worker_count <= CONFIG_WORKERS && s->queues == port->worker_count);
	for (unsigned i = 0; i < port->worker_count; i++)
		HOLDS(port->worker_cpus[i] >= -1 && port->worker_cpus[i] <= 1023);
	HOLDS(s->mtu >= 1500 && s->mtu <= 9000 && s->max_datagram <= 65507 && s->vlan[0] < 4095 && s->vlan[1] < 4095);
	HOLDS(s->address_count <= SOURCE_ADDRESSES && s->port_count >= 1 && s->port_count <= SOURCE_PORTS);
	for (unsigned i = 0; i < s->address_count; i++)
		HOLDS(s->addresses[i].prefix >= 1 &&
			s->addresses[i].prefix <= (s->addresses[i].address.family == ADDRESS_IPV4 ? 32 : 128));
	HOLDS(s->rss_key == NULL || s->rss_key_len == 40 || s->rss_key_len == 52);
	HOLDS(s->fragment_ms >= 10 && s->fragment_ms <= 60000 && s->fragments <= 65536);
	HOLDS(port->idle <= IDLE_SLEEP && s->kind <= SOURCE_SOCKET);
}

static void check_types(const struct config *c)
{
	HOLDS(c->types->count >= 1 && c->types->count <= TYPE_MAX && c->topics->count >= 1);
	HOLDS(c->topics->count <= c->types->count);
	HOLDS(c->types->unknown == TYPE_NONE || c->types->unknown == c->types->count - 1);
	for (unsigned i = 0; i < c->types->count; i++) {
		HOLDS(c->types->types[i].way.topic < c->topics->count);
		HOLDS(c->types->types[i].way.form <= (FORM_RAW | FORM_EVENT_TIME));
		HOLDS(c->types->types[i].name[0] != '\0' && c->types->types[i].name[TYPE_NAME_MAX] == '\0');
		HOLDS(c->types->types[i].id != 0 || i == c->types->unknown);
	}
	for (unsigned i = 0; i < c->topics->count; i++)
		HOLDS(c->topics->topics[i].name[0] != '\0' && c->topics->topics[i].name[TOPIC_NAME_MAX] == '\0');
}

static void check_config(const struct config *c)
{
	HOLDS(strlen(c->node) >= 1 && strlen(c->node) <= 16);
	HOLDS(c->state_directory[0] == '/' && c->control_socket[0] == '/' && strlen(c->control_socket) <= 107);
	HOLDS(c->control_cpu_count <= CONFIG_CPUS && c->producer_cpu_count <= CONFIG_CPUS);
	HOLDS(c->port_count >= 1 && c->port_count <= CONFIG_PORTS && c->input_count >= 1 && c->input_count <= CONFIG_INPUTS);
	for (unsigned i = 0; i < c->port_count; i++)
		check_port(&c->ports[i]);
	check_types(c);
	for (unsigned i = 0; i < c->input_count; i++) {
		HOLDS(c->inputs[i].port != 0 && c->inputs[i].format <= INPUT_RAW);
		HOLDS((c->inputs[i].format == INPUT_RAW) == (c->inputs[i].raw_type < c->types->count));
	}
	HOLDS(c->property_count >= 1 && c->property_count <= CONFIG_PROPERTIES);
	HOLDS(strcmp(c->properties[0].name, "bootstrap.servers") == 0);
	HOLDS(c->batch_bytes % BATCH_ALIGN == 0 && c->batch_bytes > sizeof(struct batch));
	HOLDS(c->pool_bytes / c->batch_bytes >= 2ull * c->topics->count);
	HOLDS(c->handles >= 1 && c->handles <= 8 && c->credit_percent >= 1 && c->credit_percent <= 100);
	HOLDS((c->sources & (c->sources - 1)) == 0 && c->sources >= 16);
	HOLDS(c->batch_age_min_us >= 100 && c->batch_age_min_us <= c->batch_age_max_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	struct error error = {""};
	int rc = config_read_text(&config, NAME, (const char *)data, size, &error);

	if (rc == 0) {
		check_config(config);
	} else {
		HOLDS(rc == -EINVAL && config == NULL);
		check_line(error.text);
	}
	config_free(config);
	return 0;
}
