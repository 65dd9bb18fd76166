/* SPDX-License-Identifier: Apache-2.0 */
#include "letters.h"
#include "picky.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "batch/record.h"

static void take(struct letters *letters, const struct spool_entry *entry, struct batch *batch)
{
	struct record record;
	uint32_t offset = 0;

	batch->bytes = batch->capacity = entry->bytes;
	assert_int_equal(entry->records, 1);
	assert_int_equal(entry->events, 1);
	assert_true(record_next(batch, &offset, &record));
	assert_int_equal(offset, entry->bytes);
	assert_true(entry->opened_us > 0);
	letters->numbers[letters->count++] = (unsigned)strtoul((const char *)record.value.data, NULL, 10);
	letters->last = *entry;
	letters->last_len = record.value.len;
}

struct letters *letters_read(void)
{
	static uint8_t memory[sizeof(struct batch) + RIG_BATCH_SIZE] __attribute__((aligned(BATCH_ALIGN)));
	struct batch *batch = (struct batch *)(void *)memory;
	struct letters *letters = calloc(1, sizeof(*letters));
	struct spool_log_config config = {.segment_bytes = 65536, .name = "letters"};
	struct error error = {""};
	struct spool_entry entry;
	struct spool_log *log;
	char path[128];

	assert_non_null(letters);
	(void)snprintf(path, sizeof(path), "%s/dead.0", spool_rig.directory);
	assert_int_equal(spool_disk_posix_new(&config.disk, path, &error), 0);
	assert_int_equal(spool_log_open(&log, &config, &error), 0);
	while (spool_log_read(log, 0, &entry, batch->data, RIG_BATCH_SIZE) == 1)
		take(letters, &entry, batch);
	spool_log_close(log);
	spool_disk_posix_free(config.disk);
	return letters;
}

int letters_setup(void **state)
{
	picky = (struct picky){.limit = 1000000};
	if (spool_rig_setup(state) != 0)
		return -1;
	spool_rig.egress = &picky_ops;
	return 0;
}

void letters_begin(int write_first, uint64_t size)
{
	spool_rig.spool.size_bytes = size;
	spool_rig.write_first = write_first;
	spool_rig.drain_seconds = picky.away ? 1 : 10;
	spool_rig_begin();
}

const struct producer_counters *letters_counts(void)
{
	return producer_counters(spool_rig.rig->producer);
}
