/* SPDX-License-Identifier: Apache-2.0 */
#include "control/cli/display.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/terminal.h"
#include "control/cli/table.h"

#define LABEL_WIDTH 12

static void escape(FILE *out, const char *text, const char *kept)
{
	while (*text != '\0') {
		unsigned bytes = terminal_control(text);

		if (bytes == 0 || strchr(kept, *text) != NULL) {
			(void)fputc(*text++, out);
			continue;
		}
		for (; bytes > 0; bytes--)
			(void)fprintf(out, "\\x%02x", (unsigned char)*text++);
	}
}

void display_escaped(FILE *out, const char *text)
{
	escape(out, text, "");
}

void display_escaped_lines(FILE *out, const char *text)
{
	escape(out, text, "\n\t");
}

static FILE *open_text(char **text, size_t *len)
{
	FILE *stream = open_memstream(text, len);

	if (stream != NULL)
		return stream;
	(void)fputs("penstock: no memory\n", stderr);
	exit(EXIT_FAILURE);
}

static char *close_text(FILE *stream, char **text)
{
	if (fclose(stream) == 0 && *text != NULL)
		return *text;
	(void)fputs("penstock: no memory\n", stderr);
	exit(EXIT_FAILURE);
}

char *display_text(const char *fmt, ...)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_text(&text, &len);
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stream, fmt, ap);
	va_end(ap);
	return close_text(stream, &text);
}

static void write_count(FILE *out, json_int_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%lld", (long long)value), sign = digits[0] == '-';

	for (int i = 0; i < n; i++) {
		(void)fputc(digits[i], out);
		if (i >= sign && i + 1 < n && (n - 1 - i) % 3 == 0)
			(void)fputc(',', out);
	}
}

static void write_bytes(FILE *out, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	unsigned unit = 0;

	while (fabs(bytes) >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	(void)fprintf(out, "%.*f %s", unit > 0, bytes, units[unit]);
}

static void write_seconds(FILE *out, double value)
{
	long long s = value > 0 && value < 1e15 ? (long long)value : 0;

	if (s < 60)
		(void)fprintf(out, "%lld s", s);
	else if (s < 3600)
		(void)fprintf(out, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		(void)fprintf(out, "%lld h %lld min", s / 3600, s / 60 % 60);
	else
		(void)fprintf(out, "%lld d %lld h", s / 86400, s / 3600 % 24);
}

static void write_time(FILE *out, json_int_t utc_us)
{
	time_t seconds = (time_t)(utc_us / 1000000);
	char text[64];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(text, sizeof(text), "-");
	(void)fputs(text, out);
}

static void write_hour(FILE *out, json_int_t hour)
{
	time_t seconds = (time_t)(hour * 3600);
	char text[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%HZ", &tm) == 0)
		(void)snprintf(text, sizeof(text), "-");
	(void)fputs(text, out);
}

static json_int_t rounded(const json_t *value)
{
	double number = json_number_value(value);

	if (json_is_integer(value))
		return json_integer_value(value);
	return fabs(number) < 9e18 ? (json_int_t)llround(number) : 0;
}

static void write_number(FILE *out, enum display_kind kind, const json_t *value)
{
	double number = json_number_value(value);

	switch (kind) {
	case SHOW_BYTES:
		write_bytes(out, number);
		return;
	case SHOW_SECONDS:
		write_seconds(out, number);
		return;
	case SHOW_PERCENT:
		(void)fprintf(out, "%.1f %%", number);
		return;
	case SHOW_DECIMAL:
		(void)fprintf(out, "%.1f", number);
		return;
	case SHOW_TIME:
		write_time(out, rounded(value));
		return;
	case SHOW_HOUR:
		write_hour(out, rounded(value));
		return;
	case SHOW_EPOCH:
		(void)fprintf(out, "%llx", (unsigned long long)rounded(value));
		return;
	case SHOW_ADDRESS:
		if (rounded(value) < 0)
			(void)fputc('-', out);
		else
			(void)fprintf(out, "%lld", (long long)rounded(value));
		return;
	default:
		write_count(out, rounded(value));
		if (kind == SHOW_RATE)
			(void)fputs("/s", out);
	}
}

static void write_value(FILE *out, enum display_kind kind, const json_t *value);

static void write_array(FILE *out, enum display_kind kind, const json_t *array)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item) {
		if (i > 0)
			(void)fputs(kind == SHOW_TEXT ? ", " : ",", out);
		write_value(out, kind, item);
	}
	if (json_array_size(array) == 0)
		(void)fputc('-', out);
}

static void write_value(FILE *out, enum display_kind kind, const json_t *value)
{
	if (json_is_number(value))
		write_number(out, kind, value);
	else if (json_is_boolean(value) && kind == SHOW_LINK)
		(void)fputs(json_is_true(value) ? "up" : "down", out);
	else if (json_is_boolean(value))
		(void)fputs(json_is_true(value) ? "yes" : "no", out);
	else if (json_is_string(value) && json_string_length(value) > 0)
		display_escaped(out, json_string_value(value));
	else if (json_is_array(value))
		write_array(out, kind, value);
	else
		(void)fputc('-', out);
}

char *display_value(enum display_kind kind, const json_t *value)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_text(&text, &len);

	write_value(stream, kind, value);
	return close_text(stream, &text);
}

char *display_member(enum display_kind kind, const json_t *object, const char *key)
{
	return display_value(kind, json_object_get(object, key));
}

void display_line(FILE *out, const char *label, const char *text)
{
	(void)fprintf(out, "%-*s%s\n", LABEL_WIDTH, label, text);
}

double display_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static bool is_left(enum display_kind kind)
{
	return kind == SHOW_TEXT || kind == SHOW_LINK || kind == SHOW_TIME;
}

void display_rows(FILE *out, const struct display_column *columns, const json_t *rows)
{
	struct table_column titles[TABLE_COLUMNS + 1] = {{0}};
	struct table *table;

	if (json_array_size(rows) == 0)
		return;
	for (size_t i = 0; i < TABLE_COLUMNS && columns[i].title != NULL; i++)
		titles[i] = (struct table_column){columns[i].title, !is_left(columns[i].kind)};
	table = table_new(titles);
	for (size_t row = 0; row < json_array_size(rows); row++)
		for (size_t i = 0; titles[i].title != NULL; i++)
			table_add(table, display_member(columns[i].kind, json_array_get(rows, row), columns[i].key));
	table_print(table, out);
}
