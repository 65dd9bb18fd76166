/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of worker/sources share: a table, senders, and the one row that a test looks at. */

#include <string.h>

#include "base/memory.h"
#include "worker/sources.h"

#define NEVER ((uint64_t)1 << 62) /* quiet ticks that no test reaches */

static inline struct sources *table_new(uint32_t count, uint32_t window, uint64_t quiet_ticks)
{
	struct sources_config config = {
		.count = count, .window = window, .quiet_ticks = quiet_ticks, .node = MEMORY_ANY_NODE};
	struct sources *table = NULL;

	assert_int_equal(sources_new(&table, &config), 0);
	return table;
}

static inline struct address ipv4(uint32_t number)
{
	struct address address = {.family = ADDRESS_IPV4};

	memcpy(address.bytes, &number, sizeof(number));
	return address;
}

/* A datagram of sender (address 1, id, epoch). */
static inline enum sources_verdict send_at(struct sources *table, uint64_t id, uint32_t epoch, uint64_t seq, uint64_t tsc)
{
	struct address from = ipv4(1);
	struct frame_header header = {.source_id = id, .source_epoch = epoch, .sequence = seq, .event_count = 1};

	return sources_note(table, &from, &header, tsc);
}

static inline enum sources_verdict send_seq(struct sources *table, uint64_t seq)
{
	return send_at(table, 1, 1, seq, 0);
}

static inline enum sources_verdict send_heartbeat(struct sources *table, uint64_t next, uint64_t tsc)
{
	struct address from = ipv4(1);
	struct frame_header header = {.source_id = 1, .source_epoch = 1, .sequence = next, .flags = FRAME_HEARTBEAT};

	return sources_note(table, &from, &header, tsc);
}

struct wanted_row {
	uint64_t id;
	uint32_t epoch;
	unsigned found;
	struct sources_row row;
};

static inline int pick_row(void *context, const struct sources_row *row)
{
	struct wanted_row *wanted = context;

	if (row->id == wanted->id && row->epoch == wanted->epoch) {
		wanted->row = *row;
		wanted->found++;
	}
	return 0;
}

/* The account of (id, epoch), which must be there once and close. */
static inline struct sources_row row_get(struct sources *table, uint64_t id, uint32_t epoch)
{
	struct wanted_row wanted = {.id = id, .epoch = epoch};

	assert_int_equal(sources_read(table, pick_row, &wanted), 0);
	assert_int_equal(wanted.found, 1);
	assert_true(wanted.row.closed);
	assert_true(wanted.row.expected == wanted.row.received + wanted.row.lost);
	return wanted.row;
}

#define assert_row(row, e, r, l, p, d) \
	do { \
		assert_int_equal((row).expected, e); \
		assert_int_equal((row).received, r); \
		assert_int_equal((row).lost, l); \
		assert_int_equal((row).pending, p); \
		assert_int_equal((row).duplicate, d); \
	} while (0)

static inline struct sources_totals totals_get(struct sources *table)
{
	struct sources_totals totals;

	(void)sources_totals(table, &totals, NULL);
	return totals;
}

/* xorshift64*, for tests that must repeat. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}
