/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "batch/settled.h"
#include "spool/format.h"

#define LARGEST (256u << 10)

int rig_no_memory;
int64_t rig_ahead_ms;

static uint64_t sent; /* batches; of each, the first byte says which it is */

/* In the place of the dataplane's own, by the linker. */
void *__real_memory_map(size_t size, size_t align, int node);
int64_t __real_clock_ms(void);
void *__wrap_memory_map(size_t size, size_t align, int node);
int64_t __wrap_clock_ms(void);

void *__wrap_memory_map(size_t size, size_t align, int node)
{
	return __atomic_load_n(&rig_no_memory, __ATOMIC_RELAXED) ? NULL : __real_memory_map(size, align, node);
}

int64_t __wrap_clock_ms(void)
{
	return __real_clock_ms() + __atomic_load_n(&rig_ahead_ms, __ATOMIC_RELAXED);
}

int rig_setup(void **state)
{
	int error = hand_setup(state);

	(void)clock_init();
	sent = 0;
	hand.config.batch_bytes = 65536;
	hand.config.replay_bytes = 4u << 20;
	hand.config.sync_us = 5000;
	return error != 0 ? error : batch_pool_new(&hand.pool, hand.config.batches, LARGEST, 0, MEMORY_ANY_NODE);
}

int rig_teardown(void **state)
{
	__atomic_store_n(&rig_no_memory, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&rig_ahead_ms, 0, __ATOMIC_RELAXED);
	return hand_teardown(state);
}

void rig_begin(void)
{
	hand_start(hand.config.batch_bytes);
}

static void put_away(uint16_t topic, uint32_t bytes, enum spool_order what)
{
	struct batch *batch = batch_get(hand.pool);

	assert_non_null(batch);
	assert_true(bytes <= batch->capacity);
	batch->topic = topic;
	batch->partition = 0;
	batch->records = batch->events = 1;
	batch->bytes = bytes;
	batch->hour = RIG_HOUR;
	batch->first_seq = sent + 1;
	batch_unsettle(batch);
	memset(batch->data, 'x', bytes);
	batch->data[0] = (uint8_t)sent++;
	assert_int_equal(hand_order(batch, what), SPOOL_LEFT);
	batch_put(hand.pool, batch);
}

void rig_leave(uint16_t topic, uint32_t bytes)
{
	put_away(topic, bytes, SPOOL_LEAVE);
}

void rig_park(uint16_t topic, uint32_t bytes)
{
	put_away(topic, bytes, SPOOL_PARK);
}

static void allow(struct spool_log_state *state, unsigned entries)
{
	assert_non_null(state);
	atomic_store(&state->go, entries);
	spool_wake(hand.spool);
}

void rig_allow_lane(unsigned entries)
{
	allow(spool_lane_state(hand.spool, 0, 0), entries);
}

void rig_allow_topic(uint16_t topic, unsigned entries)
{
	allow(spool_topic_state(hand.spool, topic), entries);
}

struct batch *rig_read(uint16_t topic, uint32_t bytes)
{
	enum spool_answer answer;
	struct batch *batch = hand_take(&answer);

	assert_int_equal(answer, SPOOL_READ);
	assert_int_equal(batch->topic, topic);
	assert_int_equal(batch->bytes, bytes);
	assert_int_equal(batch->lane, SPOOL_LANE);
	assert_int_equal(batch->data[0], batch->first_seq - 1);
	assert_int_equal(batch->data[bytes - 1], 'x');
	atomic_fetch_sub(&spool_counters(hand.spool)->passing, batch->events);
	return batch;
}

void rig_settle(struct batch *batch)
{
	hand_give(batch, SPOOL_SETTLE);
}

/* Where the entry stands in the bytes of a file. */
static struct spool_found find(const uint8_t *data, uint64_t size, unsigned number)
{
	struct spool_found found;

	for (uint64_t at = 0; at + sizeof(struct spool_entry_header) <= size; at += SPOOL_ALIGN)
		if (spool_entry_decode(&found, data + at, size - at, at, 0) && found.entry.position == number)
			return found;
	fail_msg("there is no entry %u", number);
	return (struct spool_found){0};
}

static void damage(unsigned number, int header)
{
	static uint8_t data[1u << 20];
	struct spool_found found;
	char path[256], name[SPOOL_NAME_MAX];
	uint64_t size, at;
	FILE *file;

	spool_segment_name(name, 0);
	(void)snprintf(path, sizeof(path), "%s/lane.0/%s", hand.directory, name);
	file = fopen(path, "r+");
	assert_non_null(file);
	size = fread(data, 1, sizeof(data), file);
	found = find(data, size, number);
	at = header ? found.at : found.payload_at;
	data[at] ^= 0xff;
	assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
	assert_int_equal(fwrite(data + at, 1, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

void rig_damage_payload(unsigned number)
{
	damage(number, 0);
}

void rig_damage_header(unsigned number)
{
	damage(number, 1);
}

void rig_forge(uint32_t records, uint32_t events, uint32_t pack)
{
	struct spool_entry entry = {.topic = "t0", .records = records, .events = events, .pack = pack, .bytes = 100};
	struct spool_log_config config = {.segment_bytes = hand.config.segment_bytes, .name = "lane.0"};
	static const uint8_t bytes[100];
	struct slice payload = {bytes, entry.bytes};
	struct spool_log *log;
	struct error error;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/lane.0", hand.directory);
	assert_int_equal(spool_disk_posix_new(&config.disk, path, &error), 0);
	assert_int_equal(spool_log_open(&log, &config, &error), 0);
	assert_int_equal(spool_log_append(log, &entry, &payload, 1), 0);
	spool_log_close(log);
	spool_disk_posix_free(config.disk);
}

int rig_is_read_out(void)
{
	const struct spool_counters *c = spool_count(hand.spool);

	return counter_read(&c->spooled) == 0 && counter_read(&c->parked) == 0 && atomic_load(&c->passing) == 0;
}

int rig_hours_are_complete(void)
{
	return spool_hours_settled(hand.spool, 0, 64) == 64;
}
