/* SPDX-License-Identifier: Apache-2.0 */
#include "json_reference.h"

#include <jansson.h>
#include <string.h>

int reference_accepts(const char *text, size_t len)
{
	json_error_t error = {.text = ""};
	json_t *root = json_loadb(text, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	int accepts = root != NULL && json_is_object(root);

	if (root == NULL && strstr(error.text, "real number overflow") != NULL)
		accepts = -1;
	json_decref(root);
	return accepts;
}
