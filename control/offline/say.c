/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include "control/api/protocol.h"
#include "control/cli/display.h"
#include "control/offline/offline.h"

int offline_fail(const struct offline *offline, int code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fputs("penstock: ", offline->err);
	display_escaped(offline->err, text);
	(void)fputc('\n', offline->err);
	return code;
}

void offline_json(const struct offline *offline, json_t *result)
{
	(void)json_dumpf(
		result, offline->out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(API_REAL_DIGITS));
	(void)fputc('\n', offline->out);
	json_decref(result);
}
