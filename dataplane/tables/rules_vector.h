/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Arrays that grow, for the compiler of rules. Zeroed memory is an empty one. Control thread. */

#include <stddef.h>
#include <stdint.h>

struct rules_vector {
	void *items;
	uint32_t count, capacity;
};

/* `more` new items of `size` bytes, zeroed, at the end; NULL when there is no memory (the array stays). Moves the
 * others. */
void *rules_vector_add(struct rules_vector *vector, size_t size, uint32_t more);

void rules_vector_free(struct rules_vector *vector);

/* An item; good until the next one is added. */
#define RULES_AT(vector, type, index) (&((type *)(vector).items)[index])
