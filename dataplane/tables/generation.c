/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/generation.h"

#include <errno.h>
#include <stdlib.h>

struct generation *generation_new(void)
{
	return calloc(1, sizeof(struct generation));
}

int generation_seal(struct generation *generation, struct error *error)
{
	generation->type_index = type_index_new(&generation->types);
	if (generation->type_index == NULL)
		return error_set(error, -ENOMEM, "no memory for the table of event types");
	return 0;
}

void generation_free(struct generation *generation)
{
	if (generation == NULL)
		return;
	type_index_free(generation->type_index);
	free(generation);
}

const struct generation *generation_publish(struct generation_slot *slot, const struct generation *generation)
{
	return atomic_exchange_explicit(&slot->now, generation, memory_order_acq_rel);
}
