/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "control/daemon/config_parts.h"
#include "control/daemon/config_value.h"

#define PATH_SIZE      64
#define QUOTE_SIZE     256
#define INTERFACE_MAX  15 /* IFNAMSIZ - 1 */
#define DEFAULT_PORT   9000

static int fail_key(const struct reading *reading, const char *section, const char *name, const char *path,
	const struct tree_node *entry, const char *why)
{
	const struct tree_node *node = tree_find(entry, name);
	char full[PATH_SIZE + 32];

	(void)snprintf(full, sizeof(full), "%s.%s", path, name);
	return reading_fail_value(reading, config_key_find(section, name), full, node != NULL ? node : entry, why);
}

static const char *name_why(const char *name)
{
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name))
		return "holds other characters";
	return name[0] == '-' ? "begins with a dash" : NULL;
}

/* What names a device of DPDK: without arguments, bus and the PCI domain that is meant without one. */
static const char *device_name(const char *device, size_t *length)
{
	if (strncmp(device, "pci:", 4) == 0)
		device += 4;
	if (strncmp(device, "0000:", 5) == 0)
		device += 5;
	*length = strcspn(device, ",");
	return device;
}

/* What net_af_packet reads: the name of a kernel interface; NULL: another driver's device. */
static const char *packet_interface(const char *device, size_t *length)
{
	const char *at = strncmp(device, "net_af_packet", 13) == 0 ? strstr(device, ",iface=") : NULL;

	if (at == NULL)
		return NULL;
	at += strlen(",iface=");
	*length = strcspn(at, ",");
	return at;
}

/* Two sockets of net_af_packet on one interface are in one fanout group of the kernel's, which gives a frame to one of them,
 * whoever's address it bears. */
static int is_same_interface(const char *a, const char *b)
{
	size_t a_length = 0, b_length = 0;

	a = packet_interface(a, &a_length);
	b = packet_interface(b, &b_length);
	return a != NULL && b != NULL && a_length == b_length && memcmp(a, b, a_length) == 0;
}

/* Capitals are the same digits in a PCI address, but other names of virtual devices. */
static int is_same_device(const char *a, const char *b)
{
	size_t a_length, b_length;

	if (is_same_interface(a, b))
		return 1;
	a = device_name(a, &a_length);
	b = device_name(b, &b_length);
	if (a_length != b_length)
		return 0;
	return strspn(a, "0123456789abcdefABCDEF:.") >= a_length ? strncasecmp(a, b, a_length) == 0 : memcmp(a, b, a_length) == 0;
}

/* A device is given where one is needed, in a form that cannot be taken for several arguments. */
static int check_device(const struct reading *reading, const struct config_file *file, const char *path,
	const struct tree_node *entry, unsigned index)
{
	const struct source_config *source = &file->config.ports[index].source;

	if (source->device == NULL) {
		if (source->kind == SOURCE_DPDK)
			return reading_fail(reading, entry, "%s.device is missing; expected a PCI address or a virtual "
							    "device, since source is dpdk", path);
		return 0;
	}
	if (source->device[0] == '-' || strchr(source->device, ' ') != NULL)
		return fail_key(reading, "ports[]", "device", path, entry, "begins with a dash or holds a space");
	if (source->kind == SOURCE_SOCKET && (strlen(source->device) > INTERFACE_MAX || strchr(source->device, '/')))
		return fail_key(reading, "ports[]", "device", path, entry, "is no name of a network interface");
	for (unsigned i = 0; source->kind == SOURCE_DPDK && i < index; i++) {
		const struct source_config *other = &file->config.ports[i].source;

		if (other->kind == SOURCE_DPDK && is_same_device(other->device, source->device))
			return fail_key(reading, "ports[]", "device", path, entry, "belongs to another port already");
	}
	return 0;
}

static int check_addresses(const struct reading *reading, const struct source_config *source, const char *path,
	const struct tree_node *entry)
{
	const struct tree_node *list = tree_find(entry, "addresses");
	char full[PATH_SIZE + 32];

	if (list == NULL || source->kind != SOURCE_DPDK)
		return 0;
	for (const struct tree_node *n = list->first; n != NULL; n = n->next)
		if (strchr(n->text, '/') == NULL) {
			(void)snprintf(full, sizeof(full), "%s.addresses", path);
			return reading_fail_value(reading, config_key_find("ports[]", "addresses"), full, n,
				"has no prefix length");
		}
	return 0;
}

/* A key that means nothing to this source was a mistake of the writer's. */
static int check_source(const struct reading *reading, const char *path, const struct tree_node *entry, enum source_kind kind)
{
	static const struct {
		const char *key;
		enum source_kind kind;
		const char *why;
	} rules[] = {
		{"vlan", SOURCE_DPDK, "is taken with source: dpdk only; for sockets name the VLAN's interface as device"},
		{"outer_tag", SOURCE_DPDK, "is taken with source: dpdk only; for sockets the kernel tags what is sent"},
		{"mtu", SOURCE_DPDK, "is taken with source: dpdk only; sockets go by the interface's own"},
		{"descriptors", SOURCE_DPDK, "is taken with source: dpdk only; sockets have receive_buffer"},
		{"responder", SOURCE_DPDK, "is taken with source: dpdk only; for sockets the kernel answers"},
		{"fragments", SOURCE_DPDK, "is taken with source: dpdk only; for sockets the kernel reassembles"},
		{"fragment_timeout", SOURCE_DPDK, "is taken with source: dpdk only; for sockets the kernel reassembles"},
		{"rss_key", SOURCE_DPDK, "is taken with source: dpdk only; among sockets the kernel spreads senders"},
		{"receive_buffer", SOURCE_SOCKET, "is taken with source: socket only; devices have descriptors"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
		const struct tree_node *node = tree_find(entry, rules[i].key);

		if (node != NULL && rules[i].kind != kind)
			return reading_fail_key(reading, node, "%s.%s %s", path, rules[i].key, rules[i].why);
	}
	return 0;
}

static int read_port(const struct reading *reading, struct config_file *file, const struct tree_node *entry,
	unsigned index)
{
	struct config_port *port = &file->config.ports[index];
	char path[PATH_SIZE];
	const char *why;
	int rc;

	(void)snprintf(path, sizeof(path), "ports[%u]", index);
	rc = section_read(reading, "ports[]", path, entry, entry, port);
	if (rc != 0)
		return rc;
	why = name_why(port->source.name);
	for (unsigned i = 0; why == NULL && i < index; i++)
		if (strcmp(file->config.ports[i].source.name, port->source.name) == 0)
			why = "names another port already";
	if (why != NULL)
		return fail_key(reading, "ports[]", "name", path, entry, why);
	port->source.queues = (uint16_t)port->worker_count;
	if (port->source.kind == SOURCE_SOCKET)
		port->source.responder = SOURCE_RESPOND_KERNEL;
	rc = check_source(reading, path, entry, port->source.kind);
	if (rc == 0)
		rc = check_device(reading, file, path, entry, index);
	return rc != 0 ? rc : check_addresses(reading, &port->source, path, entry);
}

int ports_read(const struct reading *reading, struct config_file *file)
{
	int rc = 0;

	for (const struct tree_node *n = file->ports->first; n != NULL && rc == 0; n = n->next)
		rc = read_port(reading, file, n, file->config.port_count++);
	return rc;
}

static void copy_member(char *to, const char *name)
{
	if (name != NULL)
		memcpy(to, name, strlen(name) + 1);
}

/* A key that means nothing in this format was a mistake of the writer's. */
static int check_format(const struct reading *reading, const char *path, const struct tree_node *entry, uint8_t format)
{
	static const struct {
		const char *key;
		uint8_t formats; /* bits of enum input_format */
		const char *why;
	} rules[] = {
		{"type", 1 << INPUT_JSON, "is taken with format: json only"},
		{"time", 1 << INPUT_JSON, "is taken with format: json only"},
		{"client", 1 << INPUT_JSON, "is taken with format: json only; frames tell it themselves"},
		{"item", 1 << INPUT_JSON, "is taken with format: json only; frames tell it themselves"},
		{"key", 1 << INPUT_JSON | 1 << INPUT_FRAME, "is taken with formats json and frame only"},
		{"structure", 1 << INPUT_JSON | 1 << INPUT_FRAME, "is taken with formats json and frame only"},
		{"event", 1 << INPUT_RAW, "is taken with format: raw only"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
		const struct tree_node *node = tree_find(entry, rules[i].key);

		if (node != NULL && (rules[i].formats >> format & 1) == 0)
			return reading_fail_key(reading, node, "%s.%s %s", path, rules[i].key, rules[i].why);
	}
	return 0;
}

/* Of a raw datagram nothing is read, so its type can ask nothing. */
static int check_event(const struct reading *reading, const struct config_file *file, const char *path,
	const struct tree_node *entry, const struct event_type *type)
{
	static const char *const keys[] = {"key", "require", "rules", "pack"};
	const struct tree_node *asked = tree_find(file->types, type->name);
	const char *key = NULL;

	if (type_takes_raw(type))
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && key == NULL; i++)
		key = tree_find(asked, keys[i]) != NULL ? keys[i] : NULL;
	return reading_fail(reading, tree_find(entry, "event"), "%s.event: type %s has types.%s.%s, but raw datagrams are not looked "
								"into; expected a type of their own without key, require, "
								"rules and pack", path, type->name, type->name, key);
}

static int find_event(const struct reading *reading, const struct config_file *file, const char *path,
	const struct tree_node *entry, struct input_draft *draft)
{
	const struct event_types *types = file->config.types;

	if (draft->event == NULL)
		return reading_fail(reading, entry, "%s.event is missing; expected the name of an event type, since format "
						    "is raw", path);
	for (unsigned i = 0; i < types->count; i++)
		if (strcmp(types->types[i].name, draft->event) == 0) {
			draft->input.raw_type = i;
			return check_event(reading, file, path, entry, &types->types[i]);
		}
	return fail_key(reading, "inputs[]", "event", path, entry, "is no event type of this file");
}

static int find_port(const struct config_file *file, const char *name)
{
	for (unsigned i = 0; i < file->config.port_count; i++)
		if (strcmp(file->config.ports[i].source.name, name) == 0)
			return (int)i;
	return -1;
}

static void listen_on(struct config_port *port, uint16_t number)
{
	port->source.ports[port->source.port_count++] = number;
}

/* Tells each port that takes this input; at most CONFIG_INPUTS of them, so the lists are large enough. */
static int join_ports(const struct reading *reading, struct config_file *file, const char *path,
	const struct input_draft *draft)
{
	_Static_assert(SOURCE_PORTS >= CONFIG_INPUTS, "every input fits every port");
	char full[PATH_SIZE + 32];

	for (unsigned i = 0; draft->ports == NULL && i < file->config.port_count; i++)
		listen_on(&file->config.ports[i], draft->port);
	if (draft->ports == NULL)
		return 0;
	(void)snprintf(full, sizeof(full), "%s.ports", path);
	for (const struct tree_node *n = draft->ports->first; n != NULL; n = n->next) {
		int index = n->kind == TREE_SCALAR ? find_port(file, n->text) : -1;
		struct config_port *port;
		const char *why = index < 0 ? "is no port of this file" : NULL;

		if (why == NULL) {
			port = &file->config.ports[index];
			if (port->source.port_count != 0 && port->source.ports[port->source.port_count - 1] == draft->port)
				why = "is in the list twice";
		}
		if (why != NULL)
			return reading_fail_value(reading, config_key_find("inputs[]", "ports"), full, n, why);
		listen_on(&file->config.ports[index], draft->port);
	}
	return 0;
}

static int read_input(const struct reading *reading, struct config_file *file, const struct tree_node *entry,
	unsigned index)
{
	struct input_draft draft = {.input.raw_type = TYPE_NONE};
	char path[PATH_SIZE];
	int rc;

	(void)snprintf(path, sizeof(path), "inputs[%u]", index);
	rc = section_read(reading, "inputs[]", path, entry, entry, &draft);
	if (rc == 0)
		rc = check_format(reading, path, entry, draft.input.format);
	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < index; i++)
		if (file->config.inputs[i].port == draft.port)
			return fail_key(reading, "inputs[]", "port", path, entry, "is the port of another input already");
	draft.input.port = draft.port;
	if (draft.input.format == INPUT_JSON) {
		copy_member(draft.input.type_member, draft.type);
		copy_member(draft.input.time_member, draft.time);
		copy_member(draft.input.client_member, draft.client);
		copy_member(draft.input.item_member, draft.item);
	}
	copy_member(draft.input.key_member, draft.key);
	if (draft.input.format == INPUT_RAW)
		rc = find_event(reading, file, path, entry, &draft);
	if (rc == 0)
		rc = join_ports(reading, file, path, &draft);
	file->config.inputs[index] = draft.input;
	return rc;
}

static void default_input(struct config_file *file)
{
	struct input *input = &file->config.inputs[file->config.input_count++];

	*input = (struct input){.port = DEFAULT_PORT, .format = INPUT_JSON, .raw_type = TYPE_NONE};
	copy_member(input->type_member, config_key_find("inputs[]", "type")->fallback);
	copy_member(input->time_member, config_key_find("inputs[]", "time")->fallback);
	copy_member(input->client_member, config_key_find("inputs[]", "client")->fallback);
	copy_member(input->item_member, config_key_find("inputs[]", "item")->fallback);
	for (unsigned i = 0; i < file->config.port_count; i++)
		listen_on(&file->config.ports[i], DEFAULT_PORT);
}

static int is_one_address(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Whether the kernel would have sockets of both for one datagram, if the UDP port is the same. */
static int is_shared(const struct source_config *a, const struct source_config *b)
{
	if (a->kind != SOURCE_SOCKET || b->kind != SOURCE_SOCKET)
		return 0;
	if (a->device != NULL && b->device != NULL && strcmp(a->device, b->device) != 0)
		return 0;
	for (unsigned i = 0; i < a->address_count; i++)
		for (unsigned j = 0; j < b->address_count; j++)
			if (is_one_address(&a->addresses[i].address, &b->addresses[j].address))
				return 1;
	return a->address_count == 0 || b->address_count == 0;
}

static int check_pair(const struct reading *reading, const struct config_file *file, const struct tree_node *entry,
	unsigned index, unsigned before)
{
	const struct source_config *a = &file->config.ports[before].source, *b = &file->config.ports[index].source;

	for (unsigned i = 0; is_shared(a, b) && i < a->port_count; i++)
		for (unsigned j = 0; j < b->port_count; j++)
			if (a->ports[i] == b->ports[j])
				return reading_fail(reading, entry, "ports[%u] would listen where ports[%u] does, on UDP port %u; "
					"expected other addresses or another device, or inputs[].ports with one of them",
					index, before, a->ports[i]);
	return 0;
}

/* The inputs of the ports are known: each has one, and no two wait for the same datagrams. */
static int check_listeners(const struct reading *reading, const struct config_file *file)
{
	const struct tree_node *entry = file->ports->first;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < file->config.port_count; i++, entry = entry->next) {
		if (file->config.ports[i].source.port_count == 0)
			rc = reading_fail(reading, entry, "ports[%u] has no input: every entry of inputs names other ports; "
							  "expected one at the least", i);
		for (unsigned before = 0; rc == 0 && before < i; before++)
			rc = check_pair(reading, file, entry, i, before);
	}
	return rc;
}

int inputs_read(const struct reading *reading, struct config_file *file)
{
	int rc = 0;

	if (file->inputs == NULL)
		default_input(file);
	for (const struct tree_node *n = file->inputs != NULL ? file->inputs->first : NULL; n != NULL && rc == 0; n = n->next)
		rc = read_input(reading, file, n, file->config.input_count++);
	return rc != 0 ? rc : check_listeners(reading, file);
}
