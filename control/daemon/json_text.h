/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/*
 * A JSON string of a text that may hold any bytes, as the names of files and what others say of them do: a byte that is no UTF-8
 * becomes U+FFFD, since Jansson refuses such texts whole. NULL: no memory. Any thread but a poll core.
 */
json_t *json_text(const char *text);
