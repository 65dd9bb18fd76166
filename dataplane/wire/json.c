/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include <string.h>

#include "base/compiler.h"
#include "wire/json_scan.h"

typedef int scan_function(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks);

/* Main thread before workers start: rw, then everyone: ro. */
static scan_function *scan = json_scan_scalar;

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

/* What is wrong, and where, the scalar scan knows. */
static int scan_object(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks)
{
	int result = scan(data, len, start, trusted, marks);

	return LIKELY(result == JSON_FOUND) ? result : json_scan_scalar(data, len, start, trusted, marks);
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
		result = scan_object(data, len, start, plan->trusted, &marks);
	if (LIKELY(result == JSON_FOUND))
		result = json_members(plan, data, len, start, &marks, out);
	if (LIKELY(result == JSON_FOUND))
		*offset = marks.end + 1;
	else
		*offset = resume_at(data, len, marks.end > start ? marks.end : start + 1);
	return result;
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
	static scan_function *const scans[] = {
		[JSON_SCALAR] = json_scan_scalar,
		[JSON_SSE42] = json_scan_sse42,
		[JSON_AVX2] = json_scan_avx2,
		[JSON_AVX512] = json_scan_avx512,
	};
	enum json_level level = best_level();

	if (level > at_most)
		level = at_most;
	scan = scans[level];
	return level;
}

__attribute__((constructor)) static void use_best(void)
{
	(void)json_use(JSON_AVX512);
}
