/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "control/daemon/config_section.h"
#include "control/daemon/config_value.h"

static void *field(void *base, uint32_t offset)
{
	return (uint8_t *)base + offset;
}

static int add_cpus(int *cpus, unsigned *count, unsigned max, unsigned first, unsigned last, const char **why)
{
	for (unsigned cpu = first; cpu <= last; cpu++) {
		for (unsigned i = 0; i < *count; i++)
			if (cpus[i] == (int)cpu) {
				*why = "names a CPU that the list already has";
				return 0;
			}
		if (*count == max) {
			*why = "makes the list longer than 64 CPUs";
			return 0;
		}
		cpus[(*count)++] = (int)cpu;
	}
	return 1;
}

static int read_cpus(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *list, void *base)
{
	int *cpus = field(base, key->offset);
	unsigned *count = field(base, key->count_offset);

	for (const struct tree_node *n = list->first; n != NULL; n = n->next) {
		unsigned first = 0, last = 0;
		const char *why = n->kind == TREE_SCALAR ? value_cpus(n->text, &first, &last) : "holds a list or map";

		if (why == NULL && !add_cpus(cpus, count, (unsigned)key->max, first, last, &why))
			return reading_fail_value(reading, key, path, n, why);
		if (why != NULL)
			return reading_fail_value(reading, key, path, n, why);
	}
	if (*count < key->min)
		return reading_fail_value(reading, key, path, list, "is empty");
	return 0;
}

static int read_worker_number(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, void *base)
{
	int *cpus = field(base, key->offset);
	unsigned *count = field(base, key->count_offset);
	uint64_t number;
	const char *why = node->plain ? value_number(node->text, &number) : "is a text in quotes";

	if (why == NULL && number < key->min)
		why = "is too small";
	if (why == NULL && number > key->max)
		why = "is too large";
	if (why != NULL)
		return reading_fail_value(reading, key, path, node, why);
	*count = (unsigned)number;
	for (unsigned i = 0; i < *count; i++)
		cpus[i] = -1;
	return 0;
}

static int read_vlan(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *list, void *base)
{
	uint16_t *vlan = field(base, key->offset);

	if (list->count > 2)
		return reading_fail_value(reading, key, path, list, "has too many entries");
	for (const struct tree_node *n = list->first; n != NULL; n = n->next) {
		uint64_t number;
		const char *why = n->kind == TREE_SCALAR ? value_number(n->text, &number) : "holds a list or map";

		if (why == NULL && (number < key->min || number > key->max))
			why = "is no VLAN number";
		if (why != NULL)
			return reading_fail_value(reading, key, path, n, why);
		*vlan++ = (uint16_t)number;
	}
	return 0;
}

static int read_addresses(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *list, void *base)
{
	struct source_address *addresses = field(base, key->offset);
	unsigned *count = field(base, key->count_offset);

	if (list->count > key->max)
		return reading_fail_value(reading, key, path, list, "has too many entries");
	for (const struct tree_node *n = list->first; n != NULL; n = n->next) {
		struct source_address *address = &addresses[*count];
		const char *why = n->kind == TREE_SCALAR ? value_address(n->text, address) : "holds a list or map";

		for (unsigned i = 0; why == NULL && i < *count; i++)
			if (memcmp(&addresses[i].address, &address->address, sizeof(address->address)) == 0)
				why = "is an address that the list already has";
		if (why != NULL)
			return reading_fail_value(reading, key, path, n, why);
		(*count)++;
	}
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static int read_rss_key(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, void *base)
{
	size_t length = node->length / 2;
	uint8_t *bytes, any = 0;

	if (strcmp(node->text, "random") == 0)
		return 0;
	if (node->length != 80 && node->length != 104)
		return reading_fail_value(reading, key, path, node, "has the wrong length");
	bytes = tree_allocate(reading->tree, length);
	if (bytes == NULL)
		return error_set(reading->error, -ENOMEM, "%s: out of memory while reading", reading->name);
	for (size_t i = 0; i < length; i++) {
		int high = hex_digit(node->text[2 * i]), low = hex_digit(node->text[2 * i + 1]);

		if (high < 0 || low < 0)
			return reading_fail_value(reading, key, path, node, "has characters that are no digits");
		bytes[i] = (uint8_t)(high * 16 + low);
		any |= bytes[i];
	}
	if (any == 0)
		return reading_fail_value(reading, key, path, node, "is all zeros and would spread nothing");
	memcpy(field(base, key->offset), &bytes, sizeof(bytes));
	*(unsigned *)field(base, key->count_offset) = (unsigned)length;
	return 0;
}

int list_read(const struct reading *reading, const struct config_key *key, const char *path, const struct tree_node *node,
	void *base)
{
	if (key->kind == KEY_RSS_KEY)
		return read_rss_key(reading, key, path, node, base);
	if (key->kind == KEY_WORKERS && node->kind == TREE_SCALAR)
		return read_worker_number(reading, key, path, node, base);
	if (node->kind != TREE_LIST)
		return reading_fail_value(reading, key, path, node, node->kind == TREE_MAP ? "is a map" : "is no list");
	switch (key->kind) {
	case KEY_VLAN:
		return read_vlan(reading, key, path, node, base);
	case KEY_ADDRESSES:
		return read_addresses(reading, key, path, node, base);
	default:
		return read_cpus(reading, key, path, node, base);
	}
}
