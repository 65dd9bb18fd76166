/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Jansson as the judge of what is JSON. Apart from the tests because its names for kinds of values are ours. */

#include <stddef.h>

/* 1: the text is one JSON object, 0: it is not, -1: the judge refuses for reasons of its own (a number's range). */
int reference_accepts(const char *text, size_t len);
