/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shares.h"

#include <errno.h>

#include "base/compiler.h"
#include "base/memory.h"

#define COUNTS_MIN 4096u
#define COUNTS_MAX (1u << 20)

/* Most tables have far fewer senders than places, and so few counts are shared. */
int shares_new(struct shares *shares, uint32_t count, int node)
{
	uint32_t counts = COUNTS_MIN;

	while (counts < count && counts < COUNTS_MAX)
		counts *= 2;
	*shares = (struct shares){.mask = counts - 1, .count = count};
	shares->each = memory_map(counts * sizeof(*shares->each), CACHE_GUARD, node);
	return shares->each != NULL ? 0 : -ENOMEM;
}

void shares_free(struct shares *shares)
{
	memory_unmap(shares->each, (shares->mask + 1) * sizeof(*shares->each));
	shares->each = NULL;
}
