/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tables/rules_vector.h"

void *rules_vector_add(struct rules_vector *vector, size_t size, uint32_t more)
{
	uint8_t *added;

	if (more > UINT32_MAX / 2 - vector->count)
		return NULL;
	if (vector->items == NULL || more > vector->capacity - vector->count) {
		uint32_t capacity = vector->count + (vector->count > more ? vector->count : more) + 8;
		void *items = reallocarray(vector->items, capacity, size);

		if (items == NULL)
			return NULL;
		vector->items = items;
		vector->capacity = capacity;
	}
	added = (uint8_t *)vector->items + vector->count * size;
	memset(added, 0, more * size);
	vector->count += more;
	return added;
}

void rules_vector_free(struct rules_vector *vector)
{
	free(vector->items);
	*vector = (struct rules_vector){0};
}
