/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/json_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/utf8.h"

#define REPLACEMENT_BYTES 3u /* of U+FFFD, which is what a byte may become */

json_t *json_text(const char *text)
{
	size_t length = strlen(text), used = 0;
	uint8_t *out = malloc(length * REPLACEMENT_BYTES + UTF8_MAX);
	json_t *json;

	if (out == NULL)
		return NULL;
	for (size_t at = 0; at < length;) {
		int bytes = utf8_sequence((const uint8_t *)text + at, (uint32_t)(length - at));

		if (bytes > 0) {
			memcpy(out + used, text + at, (size_t)bytes);
			used += (size_t)bytes;
			at += (size_t)bytes;
		} else {
			used += utf8_encode(out + used, UTF8_REPLACEMENT);
			at++;
		}
	}
	json = json_stringn((const char *)out, used);
	free(out);
	return json;
}
