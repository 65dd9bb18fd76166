/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The language's meaning, said plainly: an evaluator that reads a condition from its text each time, and shares nothing
 * with the compiler but murmur2. It trusts the condition to be well-formed.
 */

#include <stdint.h>

#define MODEL_TEXT 64

enum model_kind {
	MODEL_ABSENT,
	MODEL_TEXT_KIND,
	MODEL_NUMBER,
	MODEL_TRUE,
	MODEL_FALSE,
	MODEL_NULL,
	MODEL_OBJECT,
	MODEL_ARRAY
};

struct model_value {
	enum model_kind kind;
	char text[MODEL_TEXT]; /* of a text, without escapes; else the value as JSON has it */
	unsigned len;
};

struct model_event {
	const char *const *names; /* of members, as conditions write them */
	const struct model_value *values;
	unsigned count;
	const char *client; /* NULL: none */
	const char *source;
	int has_age;
	int64_t age_us;
};

int model_holds(const char *condition, const struct model_event *event);
