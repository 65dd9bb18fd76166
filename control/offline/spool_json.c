/* SPDX-License-Identifier: Apache-2.0 */
/* A file of its own, since jansson and wire/json.h use the same names. */
#include "control/offline/spool_json.h"

#include <jansson.h>

int spool_json_is(struct slice text)
{
	json_t *parsed = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int is = parsed != NULL;

	json_decref(parsed);
	return is;
}
