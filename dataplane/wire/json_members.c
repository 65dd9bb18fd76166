/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/json_scan.h"

const uint8_t json_kinds[256] = {
	['"'] = JSON_STRING, ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
	['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER,
	['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER, ['t'] = JSON_TRUE,   ['f'] = JSON_FALSE,  ['n'] = JSON_NULL,
	['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,
};

/* The bytes between the quotes of the name that opens at `open`; up to `colon` when it has no end (trusted plans). */
static struct slice name_at(const uint8_t *data, uint32_t open, uint32_t colon)
{
	uint32_t at = open + 1;

	while (at < colon && data[at] != '"')
		at += data[at] == '\\' ? 2 : 1;
	return (struct slice){data + open + 1, (at < colon ? at : colon) - open - 1};
}

static int is_wanted(const struct json_plan *plan, unsigned wanted, const uint8_t *name, int len)
{
	return len == plan->lens[wanted] && memcmp(name, plan->names[wanted], plan->lens[wanted]) == 0;
}

void json_find_slowly(const struct json_plan *plan, const uint8_t *data, const struct json_marks *marks,
	uint16_t found[JSON_WANTED], uint32_t *twice)
{
	*twice = 0;
	for (unsigned wanted = 0; wanted < plan->count; wanted++)
		found[wanted] = JSON_MEMBERS;
	for (uint32_t i = 0; i < marks->count; i += 2) {
		uint8_t text[JSON_NAME_MAX + 1];
		int len = json_unescape(name_at(data, marks->at[i], marks->at[i + 1]), text, sizeof(text));

		for (unsigned wanted = 0; wanted < plan->count; wanted++) {
			if (!is_wanted(plan, wanted, text, len))
				continue;
			*twice |= (uint32_t)(found[wanted] != JSON_MEMBERS) << wanted;
			found[wanted] = (uint16_t)(i / 2);
		}
	}
}
