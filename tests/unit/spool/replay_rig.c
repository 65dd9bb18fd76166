/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "batch/settled.h"
#include "spool/format.h"

#define BATCHES    16u
#define BATCH_SIZE (256u << 10)
#define WAIT_MS    20000

struct hand hand;
int hand_no_memory;
int64_t hand_ahead_ms;

static struct topic_table topics;
static struct lane lane;
static struct lane *lanes[1] = {&lane};
static struct batch_pool *pool;

/* In the place of the dataplane's own, by the linker. */
void *__real_memory_map(size_t size, size_t align, int node);
int64_t __real_clock_ms(void);
void *__wrap_memory_map(size_t size, size_t align, int node);
int64_t __wrap_clock_ms(void);

void *__wrap_memory_map(size_t size, size_t align, int node)
{
	return __atomic_load_n(&hand_no_memory, __ATOMIC_RELAXED) ? NULL : __real_memory_map(size, align, node);
}

int64_t __wrap_clock_ms(void)
{
	return __real_clock_ms() + __atomic_load_n(&hand_ahead_ms, __ATOMIC_RELAXED);
}

static int topic_of(void *context, const char *name)
{
	(void)context;
	for (unsigned i = 0; i < topics.count; i++)
		if (strcmp(topics.topics[i].name, name) == 0)
			return (int)i;
	return -1;
}

int hand_setup(void **state)
{
	(void)state;
	(void)clock_init();
	topics.count = 8;
	for (unsigned i = 0; i < topics.count; i++)
		(void)snprintf(topics.topics[i].name, sizeof(topics.topics[i].name), "t%u", i);
	lane.batches = BATCHES;
	hand = (struct hand){.directory = "/tmp/penstock-hand-XXXXXX"};
	assert_non_null(mkdtemp(hand.directory));
	hand.config = (struct spool_config){.directory = hand.directory, .index_count = 1, .all_lanes = 1, .lanes = lanes,
		.lane_count = 1, .batches = BATCHES, .batch_bytes = 65536, .replay_bytes = 4u << 20, .segment_bytes = 65536,
		.size_bytes = 64u << 20, .sync_bytes = 65536, .sync_us = 5000, .topics = &topics, .topic_of = topic_of};
	return batch_pool_new(&pool, BATCHES, BATCH_SIZE, 0, MEMORY_ANY_NODE);
}

int hand_teardown(void **state)
{
	char command[128];

	(void)state;
	__atomic_store_n(&hand_no_memory, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&hand_ahead_ms, 0, __ATOMIC_RELAXED);
	spool_stop(hand.spool);
	(void)batch_pool_free(pool);
	(void)snprintf(command, sizeof(command), "rm -rf %s", hand.directory);
	return system(command);
}

void hand_begin(void)
{
	struct error error = {""};

	if (spool_start(&hand.spool, &hand.config, &error) != 0)
		fail_msg("%s", error.text);
}

void hand_end(void)
{
	spool_stop(hand.spool);
	hand.spool = NULL;
}

/* The spool's thread may sleep for as long as the clock is ahead. */
static void pause_a_little(void)
{
	spool_wake(hand.spool);
	(void)nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static struct batch *next_answer(enum spool_answer *answer)
{
	struct batch *batch;

	for (unsigned i = 0; i < WAIT_MS; i++) {
		if (spool_answers(hand.spool, &batch, answer, 1) == 1)
			return batch;
		pause_a_little();
	}
	fail_msg("the spool answers nothing");
	return NULL;
}

static void order(struct batch *batch, enum spool_order what)
{
	batch->order = (uint8_t)what;
	spool_order(hand.spool, batch, what);
	spool_wake(hand.spool);
}

static void put_away(uint16_t topic, uint32_t bytes, enum spool_order what)
{
	struct batch *batch = batch_get(pool);
	enum spool_answer answer;

	assert_non_null(batch);
	assert_true(bytes <= batch->capacity);
	batch->topic = topic;
	batch->partition = 0;
	batch->records = batch->events = 1;
	batch->bytes = bytes;
	batch->hour = HAND_HOUR;
	batch->first_seq = hand.sent + 1;
	batch_unsettle(batch);
	memset(batch->data, 'x', bytes);
	batch->data[0] = (uint8_t)hand.sent++;
	order(batch, what);
	assert_ptr_equal(next_answer(&answer), batch);
	assert_int_equal(answer, SPOOL_LEFT);
	batch_put(pool, batch);
}

void hand_leave(uint16_t topic, uint32_t bytes)
{
	put_away(topic, bytes, SPOOL_LEAVE);
}

void hand_park(uint16_t topic, uint32_t bytes)
{
	put_away(topic, bytes, SPOOL_PARK);
}

static void allow(struct spool_log_state *state, unsigned entries)
{
	assert_non_null(state);
	atomic_store(&state->go, entries);
	spool_wake(hand.spool);
}

void hand_allow_lane(unsigned entries)
{
	allow(spool_lane_state(hand.spool, 0, 0), entries);
}

void hand_allow_topic(uint16_t topic, unsigned entries)
{
	allow(spool_topic_state(hand.spool, topic), entries);
}

struct batch *hand_read(uint16_t topic, uint32_t bytes)
{
	enum spool_answer answer;
	struct batch *batch = next_answer(&answer);

	assert_int_equal(answer, SPOOL_READ);
	assert_int_equal(batch->topic, topic);
	assert_int_equal(batch->bytes, bytes);
	assert_int_equal(batch->lane, SPOOL_LANE);
	assert_int_equal(batch->data[0], batch->first_seq - 1);
	assert_int_equal(batch->data[bytes - 1], 'x');
	atomic_fetch_sub(&spool_counters(hand.spool)->passing, batch->events);
	return batch;
}

void hand_settle(struct batch *batch)
{
	order(batch, SPOOL_SETTLE);
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

void hand_damage_payload(unsigned number)
{
	damage(number, 0);
}

void hand_damage_header(unsigned number)
{
	damage(number, 1);
}

void hand_forge(uint32_t records, uint32_t events, uint32_t pack)
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

void hand_wait(int (*done)(void))
{
	for (unsigned i = 0; i < WAIT_MS; i++) {
		if (done())
			return;
		pause_a_little();
	}
	fail_msg("what was waited for has not come");
}

int hand_is_read_out(void)
{
	const struct spool_counters *c = spool_count(hand.spool);

	return counter_read(&c->spooled) == 0 && counter_read(&c->parked) == 0 && atomic_load(&c->passing) == 0;
}

int hand_hours_are_complete(void)
{
	return spool_hours_settled(hand.spool, 0, 64) == 64;
}
