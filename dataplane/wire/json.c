/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include <string.h>

#include "base/compiler.h"
#include "wire/json_scan.h"

typedef int read_function(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end);

typedef int pick_function(const struct json_plan *plan, struct json_object *object, struct json_member *members);

/* Main thread before workers start: rw, then everyone: ro. */
static read_function *read_object = json_read_scalar;
static pick_function *pick_members = json_pick_scalar;

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

/* The object at *offset is bad: names the error and moves *offset on. */
static __attribute__((noinline)) int next_bad(
	const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t *offset, struct json_object *out)
{
	uint32_t start = *offset, end = start;
	int result = data[start] == '{' ? json_read_scalar(plan, data, len, start, out, &end) : JSON_NOT_OBJECT;

	*offset = result == JSON_FOUND ? end + 1 : resume_at(data, len, end > start ? end : start + 1);
	return result;
}

int json_next(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t *offset, struct json_object *out)
{
	uint32_t start = skip_space(data, len, *offset), end;

	if (start >= len) {
		*offset = len;
		return JSON_END;
	}
	*offset = start;
	if (UNLIKELY(data[start] != '{' || read_object(plan, data, len, start, out, &end) != JSON_FOUND))
		return next_bad(plan, data, len, offset, out);
	*offset = end + 1;
	return JSON_FOUND;
}

int json_pick(const struct json_plan *plan, struct json_object *object, struct json_member *members)
{
	/* What closes the marks stands where the first name behind them is looked for: a place to read takes its place again. */
	object->marks.at[object->marks.count] = (uint32_t)(object->body.data - object->marks.data);
	return pick_members(plan, object, members) == JSON_FOUND ? 0 : JSON_BAD_SYNTAX;
}

/* The C library's own tables are asked, so that emulators which hide instructions are heard. */
static enum json_level best_level(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt"))
		return JSON_SCALAR;
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
		!__builtin_cpu_supports("pclmul"))
		return JSON_SSE42;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
		!__builtin_cpu_supports("avx512vbmi2"))
		return JSON_AVX2;
	return JSON_AVX512;
}

enum json_level json_use(enum json_level at_most)
{
	static read_function *const reads[] = {
		[JSON_SCALAR] = json_read_scalar,
		[JSON_SSE42] = json_read_sse42,
		[JSON_AVX2] = json_read_avx2,
		[JSON_AVX512] = json_read_avx512,
	};
	static pick_function *const picks[] = {
		[JSON_SCALAR] = json_pick_scalar,
		[JSON_SSE42] = json_pick_sse42,
		[JSON_AVX2] = json_pick_avx2,
		[JSON_AVX512] = json_pick_avx512,
	};
	enum json_level level = best_level();

	if (level > at_most)
		level = at_most;
	read_object = reads[level];
	pick_members = picks[level];
	return level;
}

__attribute__((constructor)) static void use_best(void)
{
	(void)json_use(JSON_AVX512);
}
