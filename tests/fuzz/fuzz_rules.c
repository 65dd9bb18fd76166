/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The compiler of rules, and judge. Each line is a condition but the last, which is the event. Whatever compiles must
 * say the same together as one by one, and its opposite the opposite.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/rules.h"
#include "wire/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

#define CONDITIONS 8

struct input {
	char *conditions[CONDITIONS];
	unsigned count;
	struct slice event;
};

/* Up to a zero byte, in a block of its own size. */
static char *copy_of(const uint8_t *data, size_t len)
{
	const uint8_t *zero = memchr(data, 0, len);
	char *copy;

	if (zero != NULL)
		len = (size_t)(zero - data);
	copy = malloc(len + 1);
	REQUIRE(copy != NULL);
	memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

static void take_apart(const uint8_t *data, size_t size, struct input *input)
{
	const uint8_t *end;

	memset(input, 0, sizeof(*input));
	while (input->count < CONDITIONS && size > 0 && (end = memchr(data, '\n', size)) != NULL) {
		input->conditions[input->count++] = copy_of(data, (size_t)(end - data));
		size -= (size_t)(end + 1 - data);
		data = end + 1;
	}
	input->event = (struct slice){data, (uint32_t)size};
}

static struct json_member member_at(struct slice object, const char *path)
{
	struct json_member member = {.kind = JSON_ABSENT};
	char name[RULES_PATH_MAX + 1];

	while (rules_path_part(&path, name) > 0) {
		struct json_plan plan;
		struct json_object found;
		uint32_t offset = 0;

		REQUIRE(json_plan_init(&plan, object.len & 1) == 0);
		REQUIRE(json_plan_add(&plan, name) == 0);
		member = (struct json_member){.kind = JSON_ABSENT};
		if (json_next(&plan, object.data, object.len, &offset, &found) != JSON_FOUND)
			return member;
		member = found.members[0];
		if (*path == '\0' || member.kind != JSON_OBJECT)
			break;
		object = member.value;
	}
	return *path == '\0' ? member : (struct json_member){.kind = JSON_ABSENT};
}

static uint32_t judge(const char *const *conditions, unsigned count, struct slice object, int *result)
{
	struct rules_paths paths = {.count = 0};
	struct json_member members[RULES_PATHS];
	struct rules_event event = {
		.members = members, .client = {0, ADDRESS_V4_PREFIX | 0x0a000001}, .receive_us = 3600000000};
	struct rules_error error = {.rule = UINT32_MAX};
	uint32_t rule = RULES_NONE;
	struct rules *rules;

	*result = rules_new(&rules, conditions, count, &paths, &error);
	if (*result != 0) {
		REQUIRE(*result == -EINVAL && rules == NULL && paths.count == 0 && error.rule < count);
		REQUIRE(error.offset <= strlen(conditions[error.rule]) && error.text[0] != '\0');
		return RULES_NONE;
	}
	for (unsigned i = 0; i < paths.count; i++)
		members[i] = member_at(object, paths.names[i]);
	event.has_client = object.len & 1;
	event.time_us = object.len & 2 ? EVENT_NO_TIME : 0;
	REQUIRE(rules_bytes(rules) > 0);
	rule = rules_judge(rules, &event);
	REQUIRE(rule == RULES_NONE || rule < count);
	rules_free(rules);
	return rule;
}

static int holds(const char *condition, struct slice object, int *result)
{
	return judge(&condition, 1, object, result) == 0;
}

static void check_opposite(const char *condition, struct slice object, int expected)
{
	char *opposite;
	int result, found;

	REQUIRE(asprintf(&opposite, "not (%s)", condition) > 0);
	found = holds(opposite, object, &result);
	REQUIRE(result != 0 || found == expected); /* it may have too many alternatives, or no condition in it */
	free(opposite);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t expected = RULES_NONE, found;
	struct input input;
	int result, all = 0;

	if (size > 65535)
		return 0;
	take_apart(data, size, &input);
	for (unsigned i = 0; i < input.count; i++) {
		int one = holds(input.conditions[i], input.event, &result);

		all = all != 0 ? all : result;
		if (result == 0)
			check_opposite(input.conditions[i], input.event, !one);
		if (one && expected == RULES_NONE)
			expected = i;
	}
	found = judge((const char *const *)input.conditions, input.count, input.event, &result);
	REQUIRE(all == 0 || result != 0);
	REQUIRE(result != 0 || found == expected);
	for (unsigned i = 0; i < input.count; i++)
		free(input.conditions[i]);
	return 0;
}
