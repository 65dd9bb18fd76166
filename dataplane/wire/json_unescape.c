/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/json.h"
#include "wire/utf8.h"

static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The code unit of "\uXXXX" at `at`, or -1. */
static int32_t code_unit(struct slice text, uint32_t at)
{
	int32_t unit = 0;

	if (text.len - at < 6 || text.data[at] != '\\' || text.data[at + 1] != 'u')
		return -1;
	for (uint32_t i = 2; i < 6; i++) {
		int digit = hex_value(text.data[at + i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* The character of the \u escape (or pair of them) at *at, which moves behind it; -1 when it is none. */
static int32_t read_unicode(struct slice text, uint32_t *at)
{
	int32_t high = code_unit(text, *at), low;

	if (high < 0)
		return -1;
	*at += 6;
	if ((high & 0xF800) != 0xD800)
		return high;
	low = (high & 0x0400) == 0 ? code_unit(text, *at) : -1;
	if (low < 0 || (low & 0xFC00) != 0xDC00)
		return UTF8_REPLACEMENT;
	*at += 6;
	return 0x10000 + ((high & 0x03FF) << 10 | (low & 0x03FF));
}

/* The character of the escape at *at, which moves behind it; -1 when it is none. */
static int32_t read_escape(struct slice text, uint32_t *at)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (text.len - *at < 2 || text.data[*at + 1] == '\0')
		return -1;
	if (text.data[*at + 1] == 'u')
		return read_unicode(text, at);
	found = strchr(letters, text.data[*at + 1]);
	if (found == NULL)
		return -1;
	*at += 2;
	return meanings[found - letters];
}

int json_unescape(struct slice value, uint8_t *out, uint32_t size)
{
	uint32_t at = 0, length = 0;

	while (at < value.len) {
		uint8_t encoded[UTF8_MAX] = {value.data[at]};
		uint32_t bytes = 1;

		if (value.data[at] == '\\') {
			int32_t code_point = read_escape(value, &at);

			if (code_point < 0)
				return -1;
			bytes = utf8_encode(encoded, (uint32_t)code_point);
		} else {
			at++;
		}
		if (size - length < bytes)
			return -1;
		memcpy(out + length, encoded, bytes);
		length += bytes;
	}
	return (int)length;
}
