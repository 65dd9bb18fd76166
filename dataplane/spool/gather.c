/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "batch/record.h"
#include "batch/settled.h"
#include "spool/internal.h"

_Static_assert(BATCH_BYTES_MAX - sizeof(struct batch) <= SPOOL_PAYLOAD_MAX, "an entry holds the largest batch");

int shelf_gather(struct spool *spool, const struct batch *batch, struct slice *payload)
{
	uint32_t offset = 0, begin = 0, size = 0;
	struct record record;

	for (uint32_t i = 0; i < batch->records && record_next(batch, &offset, &record); i++) {
		if (batch_is_unsettled(batch, i)) {
			if (offset - begin > SPOOL_PAYLOAD_MAX - size)
				return -EMSGSIZE;
			memcpy(spool->scratch + size, batch->data + begin, offset - begin);
			size += offset - begin;
		}
		begin = offset;
	}
	*payload = (struct slice){spool->scratch, size};
	return 0;
}
