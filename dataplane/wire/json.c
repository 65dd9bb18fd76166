/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include <string.h>

#include "base/compiler.h"
#include "wire/json_scan.h"

static uint32_t skip_space(const uint8_t *data, uint32_t len, uint32_t at)
{
	while (at < len && (data[at] == ' ' || data[at] == '\t' || data[at] == '\n' || data[at] == '\r'))
		at++;
	return at;
}

/* The first '{' from `from` on (at least 1) right behind a line break. */
static uint32_t resume_at(const uint8_t *data, uint32_t len, uint32_t from)
{
	while (from < len) {
		const uint8_t *brace = memchr(data + from, '{', len - from);

		if (brace == NULL)
			break;
		if (brace[-1] == '\n' || brace[-1] == '\r')
			return (uint32_t)(brace - data);
		from = (uint32_t)(brace - data) + 1;
	}
	return len;
}

int json_next(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t *offset, struct json_object *out)
{
	__attribute__((uninitialized)) struct json_marks marks;
	uint32_t start = skip_space(data, len, *offset);
	int result;

	if (start >= len) {
		*offset = len;
		return JSON_END;
	}
	marks.end = start;
	if (UNLIKELY(data[start] != '{'))
		result = JSON_NOT_OBJECT;
	else
		result = json_scan_scalar(data, len, start, plan->trusted, &marks);
	if (LIKELY(result == JSON_FOUND))
		result = json_members(plan, data, len, start, &marks, out);
	if (LIKELY(result == JSON_FOUND))
		*offset = marks.end + 1;
	else
		*offset = resume_at(data, len, marks.end > start ? marks.end : start + 1);
	return result;
}

enum json_level json_use(enum json_level at_most)
{
	(void)at_most;
	return JSON_SCALAR;
}
