/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "wire/json_scan.h"

static void name_set(struct json_name *name, const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;

	memset(name, 0, sizeof(*name));
	memcpy(name->text, text, len);
	name->len = (uint8_t)len;
	name->head = json_load8(bytes, len);
	name->tail = len > 8 ? json_load8(bytes + len - 8, 8) : name->head;
	name->next = JSON_WANTED;
}

static int same_key(const struct json_name *a, const struct json_name *b)
{
	return a->head == b->head && a->tail == b->tail && a->len == b->len;
}

/* Puts every name into its slot; 0 when two different ones want the same. Names of one key share the first one's slot. */
static int place_names(struct json_plan *plan)
{
	memset(plan->slots, JSON_WANTED, sizeof(plan->slots));
	for (unsigned i = 0; i < plan->count; i++) {
		struct json_name *name = &plan->names[i];
		uint8_t *slot = &plan->slots[json_hash(plan, name->head, name->tail, name->len)];

		name->next = *slot;
		if (*slot != JSON_WANTED && !same_key(&plan->names[*slot], name))
			return 0;
		*slot = (uint8_t)i;
	}
	return 1;
}

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014), the mixer of SplitMix64. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

/* Tries factors until the hash has no collision: 16 names in 64 slots take seven tries on average. */
static void make_perfect(struct json_plan *plan)
{
	uint64_t seed = 0;

	do
		for (unsigned i = 0; i < 3; i++)
			plan->factors[i] = mix(seed += UINT64_C(0x9E3779B97F4A7C15)) | 1;
	while (!place_names(plan));
}

int json_plan_init(struct json_plan *plan, int trusted)
{
	if (plan == NULL)
		return -EINVAL;
	memset(plan, 0, sizeof(*plan));
	plan->trusted = trusted != 0;
	memset(plan->slots, JSON_WANTED, sizeof(plan->slots));
	plan->names[JSON_WANTED].next = JSON_WANTED;
	return 0;
}

int json_plan_add(struct json_plan *plan, const char *name)
{
	size_t len;

	if (plan == NULL || name == NULL)
		return -EINVAL;
	len = strnlen(name, JSON_NAME_MAX + 1);
	if (len == 0 || len > JSON_NAME_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < plan->count; i++)
		if (strcmp(plan->names[i].text, name) == 0)
			return (int)i;
	if (plan->count == JSON_WANTED)
		return -ENOSPC;
	name_set(&plan->names[plan->count++], name, len);
	make_perfect(plan);
	return plan->count - 1;
}
