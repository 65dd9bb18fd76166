/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/compiler.h"
#include "batch/batch.h"
#include "control/daemon/config_parts.h"
#include "control/daemon/config_value.h"
#include "spool/log.h"
#include "spool/names.h"
#include "worker/worker.h"

#define SERVERS        "bootstrap.servers"
#define PROPERTY_NAME  128u
#define PROPERTY_PATH  1024u
#define TOPIC_BATCHES  2u    /* one open, one on its way */
#define QUOTE_SIZE     256

const struct config_key *config_key_find(const char *section, const char *name)
{
	const struct config_key *key = config_keys;

	while (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
		key++;
	return key;
}

/* Where a key stands, else its section, else the file's top. */
static const struct tree_node *place(const struct reading *reading, const char *section, const char *name)
{
	const struct tree_node *root = tree_root(reading->tree);
	const struct tree_node *map = section[0] != '\0' ? tree_find(root, section) : root;
	const struct tree_node *node = tree_find(map, name);

	return node != NULL ? node : map != NULL ? map : root;
}

static int read_file_of(const struct reading *reading, struct config_property *property, const struct tree_node *entry)
{
	const struct tree_node *path = tree_find(entry, "file");
	char quoted[QUOTE_SIZE];

	value_quote(quoted, sizeof(quoted), entry->key);
	if (path == NULL || entry->count != 1)
		return reading_fail(reading, entry, "kafka.properties: %s is a map; expected a text, a number, or {file: PATH} where "
						    "the value is read from", quoted);
	if (path->kind != TREE_SCALAR || path->text[0] != '/' || path->length > PROPERTY_PATH)
		return reading_fail(reading, path, "kafka.properties: the file of %s is no absolute path; expected one of up to 1024 "
						   "bytes", quoted);
	property->value = "";
	property->file = path->text;
	return 0;
}

static int read_property(const struct reading *reading, struct config_file *file, const struct tree_node *entry)
{
	struct config_property *property;
	char quoted[QUOTE_SIZE];

	value_quote(quoted, sizeof(quoted), entry->key);
	if (entry->key[0] == '\0' || strlen(entry->key) > PROPERTY_NAME || strpbrk(entry->key, " \t\r\n=") != NULL)
		return reading_fail_key(reading, entry, "kafka.properties: %s is no name of a property; expected one such as "
							"linger.ms", quoted);
	if (entry->kind == TREE_LIST)
		return reading_fail(reading, entry, "kafka.properties: %s is a list; expected a text or a number", quoted);
	if (entry->kind == TREE_SCALAR && node_is_empty(entry))
		return reading_fail(reading, entry, "kafka.properties: %s has no value; expected a text or a number", quoted);
	if (entry->length > PROPERTY_BYTES)
		return reading_fail(reading, entry, "kafka.properties: the value of %s is too long; expected 64KiB at the most",
			quoted);
	property = &file->config.properties[file->config.property_count++];
	property->name = entry->key;
	if (entry->kind == TREE_MAP)
		return read_file_of(reading, property, entry);
	property->value = entry->text;
	return 0;
}

int properties_read(const struct reading *reading, struct config_file *file)
{
	const struct tree_node *servers = tree_find(file->properties, SERVERS);
	int rc;

	if (servers == NULL)
		return reading_fail(reading, file->properties, "kafka.properties." SERVERS " is missing; expected host:port of "
							       "one broker or more, separated by commas");
	if (servers->kind != TREE_SCALAR || node_is_empty(servers) || servers->length == 0)
		return reading_fail(reading, servers, "kafka.properties." SERVERS " is %s; expected host:port of one "
						      "broker or more, separated by commas",
			servers->kind != TREE_SCALAR ? "no text" : "empty");
	rc = read_property(reading, file, servers);
	for (const struct tree_node *n = file->properties->first; n != NULL && rc == 0; n = n->next)
		if (n != servers)
			rc = read_property(reading, file, n);
	return rc;
}

/* Without the slashes at its end. */
static size_t path_length(const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return length;
}

static int is_one_path(const char *a, const char *b)
{
	return path_length(a) == path_length(b) && memcmp(a, b, path_length(a)) == 0;
}

static int check_names(const struct reading *reading, const struct config_file *file)
{
	static const struct {
		const char *section, *name, *path;
	} paths[] = {{"", "state", "state"}, {"control", "socket", "control.socket"}, {"spool", "directory", "spool.directory"}};
	const char *texts[] = {file->config.state_directory, file->config.control_socket, file->config.spool_directory};

	if (strspn(file->node, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(file->node))
		return reading_fail_value(reading, config_key_find("", "node"), "node", place(reading, "", "node"),
			"holds other characters");
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++)
		if (texts[i] != NULL && texts[i][0] != '/')
			return reading_fail_value(reading, config_key_find(paths[i].section, paths[i].name), paths[i].path,
				place(reading, paths[i].section, paths[i].name), "is a relative path");
	if (file->config.spool_directory != NULL && is_one_path(file->config.spool_directory, file->config.state_directory))
		return reading_fail_value(reading, config_key_find("spool", "directory"), "spool.directory",
			place(reading, "spool", "directory"), "is the state directory");
	return 0;
}

/* The room for them is the daemon's, not the port's. */
static int check_workers(const struct reading *reading, const struct config_file *file)
{
	unsigned workers = 0;

	for (unsigned i = 0; i < file->config.port_count; i++)
		workers += file->config.ports[i].worker_count;
	if (workers <= CONFIG_WORKERS)
		return 0;
	return reading_fail(reading, file->ports, "ports: %u workers in all; expected %u at the most", workers, CONFIG_WORKERS);
}

static int check_batch(const struct reading *reading, const struct config_file *file)
{
	const struct config *c = &file->config;
	const struct tree_node *node = place(reading, "memory", "batch");
	char have[32], need[32], low[32];
	uint64_t largest = 0, room;

	value_print_size(have, sizeof(have), c->batch_bytes);
	if (c->batch_bytes % BATCH_ALIGN != 0) {
		room = (uint64_t)c->batch_bytes / BATCH_ALIGN * BATCH_ALIGN;
		value_print_size(low, sizeof(low), room);
		return reading_fail(reading, node, "memory.batch: %s is no multiple of 4KiB; expected one, such as %s or %s",
			have, low, value_print_size(need, sizeof(need), room + BATCH_ALIGN));
	}
	for (unsigned i = 0; i < c->port_count; i++)
		if (c->ports[i].source.max_datagram > largest)
			largest = c->ports[i].source.max_datagram;
	room = sizeof(struct batch) + largest + WORKER_RECORD_ROOM;
	if (c->batch_bytes >= room)
		return 0;
	room = (room + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN;
	return reading_fail(reading, node, "memory.batch: %s cannot hold an event of max_datagram %llu B; expected at least %s, "
					   "or a smaller max_datagram", have, (unsigned long long)largest,
		value_print_size(need, sizeof(need), room));
}

static int check_pool(const struct reading *reading, const struct config_file *file)
{
	const struct config *c = &file->config;
	uint64_t batches = c->pool_bytes / c->batch_bytes, needed = (uint64_t)c->topics->count * TOPIC_BATCHES;
	uint64_t credit = batches * c->credit_percent / 100;
	char size[32], need[32];

	value_print_size(size, sizeof(size), c->batch_bytes);
	if (batches < needed)
		return reading_fail(reading, place(reading, "memory", "pool"), "memory.pool: room for %llu batches of %s; "
				    "expected %llu, two for each of %u topics: at least %s", (unsigned long long)batches, size,
			(unsigned long long)needed, c->topics->count,
			value_print_size(need, sizeof(need), needed * c->batch_bytes));
	if (credit < TOPIC_BATCHES)
		return reading_fail(reading, place(reading, "memory", "credit"), "memory.credit: %u%% of a pool of %llu batches "
				    "is %llu; expected two at the least: a larger credit or pool", c->credit_percent,
			(unsigned long long)batches, (unsigned long long)credit);
	return 0;
}

static int check_power(const struct reading *reading, const char *key, unsigned value)
{
	unsigned above = 1u << (32 - __builtin_clz(value));

	if ((value & (value - 1)) == 0)
		return 0;
	return reading_fail(reading, place(reading, "memory", key), "memory.%s: %u is no power of two; expected one, such as %u or %u",
		key, value, above / 2, above);
}

static int check_rest(const struct reading *reading, const struct config_file *file)
{
	const struct config *c = &file->config;
	char low[32], high[32];
	int rc = check_power(reading, "sources", c->sources);

	if (rc == 0)
		rc = check_power(reading, "senders", c->senders);
	if (rc != 0)
		return rc;
	if (c->batch_age_max_us < c->batch_age_min_us)
		return reading_fail(reading, place(reading, "batch", "age_max"), "batch.age_max: %s is below age_min; expected at "
				    "least %s", value_print_duration(high, sizeof(high), c->batch_age_max_us),
			value_print_duration(low, sizeof(low), c->batch_age_min_us));
	return 0;
}

/* What the logs of all lanes reserve on disk with their first entries, when that is not less than a class's share; else 0. */
static uint64_t missing_room(const struct config *c, unsigned percent)
{
	uint64_t step = c->spool_segment < SPOOL_RESERVE ? c->spool_segment : SPOOL_RESERVE, needed;
	unsigned lanes = 0;

	if (step < c->batch_bytes)
		step = c->batch_bytes;
	for (unsigned i = 0; i < c->port_count; i++)
		lanes += c->ports[i].worker_count;
	needed = step * lanes;
	return spool_share(c->spool_bytes, percent) > needed ? 0 : needed;
}

/* In mode wal a class that has no room for its logs would send all on without having written it. */
static int check_spool(const struct reading *reading, const struct config_file *file)
{
	const struct config *c = &file->config;
	const struct tree_node *entry = file->classes != NULL ? file->classes->first : NULL;
	char have[32], need[32], least[32];

	for (unsigned i = 0; c->spool_mode == CONFIG_SPOOL_WAL && i < c->class_count; i++) {
		unsigned percent = c->classes[i].percent;
		uint64_t needed = missing_room(c, percent);
		uint64_t size = (needed / percent + 1) * 100 / (SPOOL_DEAD_SHARE - 1) * SPOOL_DEAD_SHARE;

		if (needed != 0)
			return reading_fail(reading, entry != NULL ? tree_find(entry, "share") : place(reading, "spool", "size"),
				"spool.size: %s has %u%% for class %s, whose logs reserve %s with a log for each worker; expected at "
				"least %s in mode wal, or a larger share, or a smaller spool.segment",
				value_print_size(have, sizeof(have), c->spool_bytes), percent, c->classes[i].name,
				value_print_size(need, sizeof(need), needed),
				value_print_size(least, sizeof(least), ((size >> 20) + 1) << 20));
		entry = entry != NULL ? entry->next : NULL;
	}
	return 0;
}

static int check_names_fit(const struct config *running, const struct config *next, struct error *error)
{
	const struct topic_table *topics = next->topics;

	for (unsigned i = 0; running->spool_mode != CONFIG_SPOOL_OFF && i < topics->count; i++)
		if (strlen(topics->topics[i].name) > SPOOL_PARKED_NAME_MAX)
			return error_set(error, -ENAMETOOLONG, "spool.mode: the spool that runs has no place of its own for topic "
				"%.32s..., which has more than %u bytes: restart the daemon, or shorten the name",
				topics->topics[i].name, SPOOL_PARKED_NAME_MAX);
	return 0;
}

int type_takes_raw(const struct event_type *type)
{
	return type->plan == NULL && type->way.pack == 0;
}

static const struct event_type *type_named(const struct event_types *types, const char *name)
{
	for (unsigned i = 0; i < types->count; i++)
		if (strcmp(types->types[i].name, name) == 0)
			return &types->types[i];
	return NULL;
}

static int has_input_on(const struct config *config, uint16_t port)
{
	for (unsigned i = 0; i < config->input_count; i++)
		if (config->inputs[i].port == port)
			return 1;
	return 0;
}

/* A type may go with its input, which runs until a restart; one that is only named anew would leave the input without a type. */
static int check_raw_input(const struct input *input, const char *name, const struct config *next, struct error *error)
{
	const struct event_type *type = type_named(next->types, name);

	if (type == NULL && has_input_on(next, input->port))
		return error_set(error, -EINVAL, "inputs: the one on port %u that runs gives type %s raw datagrams, and the type is gone: "
			"keep it beside the new one until the daemon was restarted", input->port, name);
	if (type != NULL && !type_takes_raw(type))
		return error_set(error, -EINVAL, "inputs: the one on port %u that runs gives type %s raw datagrams, which are not looked into: "
			"leave key, require, rules and pack out of the type, or give the input another one and restart the daemon",
			input->port, name);
	return 0;
}

/* The file's own inputs were checked when it was read; those that run may be others. */
static int check_raw_inputs(const struct config *running, const struct config *next, struct error *error)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < running->input_count; i++) {
		const struct input *input = &running->inputs[i];

		if (input->format == INPUT_RAW)
			rc = check_raw_input(input, running->types->types[input->raw_type].name, next, error);
	}
	return rc;
}

static int check_names_and_inputs(const struct config *running, const struct config *next, struct error *error)
{
	int rc = check_names_fit(running, next, error);

	return rc != 0 ? rc : check_raw_inputs(running, next, error);
}

int config_fits(const struct config *running, const struct config *next, struct error *error)
{
	uint64_t batches = running->pool_bytes / running->batch_bytes, needed = (uint64_t)next->topics->count * TOPIC_BATCHES;
	char size[32], need[32];

	if (batches >= needed)
		return check_names_and_inputs(running, next, error);
	value_print_size(size, sizeof(size), running->batch_bytes);
	return error_set(error, -ENOSPC, "memory.pool: the one that runs has room for %llu batches of %s; expected %llu, two for each "
					 "of %u topics: restart the daemon with at least %s, or name fewer topics",
		(unsigned long long)batches, size, (unsigned long long)needed, next->topics->count,
		value_print_size(need, sizeof(need), needed * running->batch_bytes));
}

int config_check(const struct reading *reading, const struct config_file *file)
{
	int rc = check_names(reading, file);

	if (rc == 0)
		rc = check_workers(reading, file);
	if (rc == 0)
		rc = check_batch(reading, file);
	if (rc == 0)
		rc = check_pool(reading, file);
	if (rc == 0)
		rc = check_spool(reading, file);
	return rc != 0 ? rc : check_rest(reading, file);
}
