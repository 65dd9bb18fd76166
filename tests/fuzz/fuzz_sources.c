/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays any bytes as what senders do, 10 bytes a step: a small table must keep every account closed, and every datagram
 * received, duplicate or untracked.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "worker/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP 10u

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t secret[4] = {1, 2, 3, 4};
	struct sources_config config = {.count = 6, .window = 64, .quiet_ticks = 3, .node = MEMORY_ANY_NODE, .secret = secret};
	struct address from = {.family = ADDRESS_IPV4};
	struct sources_totals totals;
	struct sources *table;
	uint64_t tsc = 0, datagrams = 0, untracked = 0;

	require(sources_new(&table, &config) == 0);
	for (; size >= STEP; data += STEP, size -= STEP) {
		struct frame_header header = {.source_id = data[0] & 1, .source_epoch = data[0] >> 1 & 7};
		enum sources_verdict verdict;

		memcpy(&header.sequence, data + 2, sizeof(header.sequence));
		tsc += data[1] & 3;
		if ((data[1] & 0xf0) == 0xf0) {
			(void)sources_retire(table, tsc - (data[1] & 7), NULL);
			continue;
		}
		header.flags = (data[1] & 0x0c) == 0x0c ? FRAME_HEARTBEAT : 0;
		verdict = sources_note(table, &from, &header, tsc);
		datagrams += header.flags == 0;
		untracked += header.flags == 0 && verdict == SOURCES_UNTRACKED;
		require(header.flags == 0 || verdict == SOURCES_HEARTBEAT || verdict == SOURCES_UNTRACKED);
	}
	(void)sources_totals(table, &totals, NULL);
	require(sources_check(table) == 0);
	require(totals.received + totals.duplicate + untracked == datagrams);
	require(totals.expected == totals.received + totals.lost);
	require(totals.tracked <= totals.capacity && totals.late <= totals.received);
	sources_free(table);
	return 0;
}
