/* SPDX-License-Identifier: Apache-2.0 */
#include "control/offline/spool_line.h"

#include <string.h>

#include "control/offline/spool_json.h"
#include "wire/json.h"
#include "wire/utf8.h"

/* Objects, as nearly all are, by the scanner; what it does not take, or does not take for its limits, by a slower
 * reader. */
static int is_json(struct slice value)
{
	struct json_object object;
	struct json_plan plan;
	uint32_t offset = 0;

	(void)json_plan_init(&plan, 0);
	if (json_next(&plan, value.data, value.len, &offset, &object) == JSON_FOUND &&
		json_next(&plan, value.data, value.len, &offset, &object) == JSON_END)
		return 1;
	return spool_json_is(value);
}

/* Whether it can stand in the line as it is: our own JSON has no line breaks, a raw record's may. */
static int is_json_line(struct slice value)
{
	return memchr(value.data, '\n', value.len) == NULL && memchr(value.data, '\r', value.len) == NULL && is_json(value);
}

static int is_utf8(struct slice text)
{
	for (uint32_t at = 0; at < text.len;) {
		int bytes = utf8_sequence(text.data + at, text.len - at);

		if (bytes <= 0)
			return 0;
		at += (uint32_t)bytes;
	}
	return 1;
}

static void write_string(FILE *out, struct slice text)
{
	(void)fputc('"', out);
	for (uint32_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];

		if (byte == '"' || byte == '\\')
			(void)fputc('\\', out);
		if (byte < 0x20 || byte == 0x7f)
			(void)fprintf(out, "\\u%04x", byte);
		else
			(void)fputc(byte, out);
	}
	(void)fputc('"', out);
}

static void write_base64(FILE *out, struct slice bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)fputc('"', out);
	for (uint32_t i = 0; i < bytes.len; i += 3) {
		uint32_t left = bytes.len - i, group = (uint32_t)bytes.data[i] << 16;

		group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
		group |= left > 2 ? bytes.data[i + 2] : 0;
		(void)fputc(digits[group >> 18], out);
		(void)fputc(digits[group >> 12 & 63], out);
		(void)fputc(left > 1 ? digits[group >> 6 & 63] : '=', out);
		(void)fputc(left > 2 ? digits[group & 63] : '=', out);
	}
	(void)fputc('"', out);
}

static void write_key(FILE *out, struct slice key)
{
	if (key.data == NULL)
		return;
	(void)fputs(is_utf8(key) ? ",\"key\":" : ",\"key_base64\":", out);
	if (is_utf8(key))
		write_string(out, key);
	else
		write_base64(out, key);
}

static void write_value(FILE *out, struct slice value)
{
	if (value.data == NULL) {
		(void)fputs(",\"value\":null", out);
	} else if (is_json_line(value)) {
		(void)fputs(",\"value\":", out);
		(void)fwrite(value.data, 1, value.len, out);
	} else {
		(void)fputs(",\"value_base64\":", out);
		write_base64(out, value);
	}
}

void spool_line_write(
	FILE *out, const char *log, const struct spool_entry *entry, uint32_t index, const struct record *record)
{
	struct slice topic = {(const uint8_t *)entry->topic, (uint32_t)strlen(entry->topic)};

	(void)fprintf(
		out, "{\"log\":\"%s\",\"position\":%llu,\"index\":%u", log, (unsigned long long)entry->position, index);
	(void)fputs(is_utf8(topic) ? ",\"topic\":" : ",\"topic_base64\":", out);
	if (is_utf8(topic))
		write_string(out, topic);
	else
		write_base64(out, topic);
	(void)fprintf(out, ",\"partition\":%d", entry->partition);
	write_key(out, record->key);
	if (entry->reason[0] != '\0') {
		(void)fputs(",\"reason\":", out);
		write_string(out, (struct slice){(const uint8_t *)entry->reason, (uint32_t)strlen(entry->reason)});
	}
	if (record->time_ms != 0)
		(void)fprintf(out, ",\"timestamp_ms\":%lld", (long long)record->time_ms);
	write_value(out, record->value);
	(void)fputs("}\n", out);
}
