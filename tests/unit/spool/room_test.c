/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of topics that no configuration names, in a spool with few places for topics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "hand.h"
#include "spool/log.h"

#define BYTES 4096u
#define MANY  1100u /* more than there are places for topics */

static unsigned places; /* for topics, those of the configuration included */

static int place(void *context, const char *name)
{
	unsigned count = hand.topics.count;

	(void)context;
	for (unsigned i = 0; i < count; i++)
		if (strcmp(hand.topics.topics[i].name, name) == 0)
			return (int)i;
	if (count == places)
		return -1;
	(void)snprintf(hand.topics.topics[count].name, sizeof(hand.topics.topics[count].name), "%s", name);
	hand.topics.count = count + 1;
	return (int)count;
}

static int setup(void **state)
{
	int rc = hand_setup(state);

	places = HAND_TOPICS + 2;
	hand.config.topic_of = place;
	return rc;
}

/* A start, which knows of no topic but its own. */
static void start(void)
{
	hand.topics.count = HAND_TOPICS;
	hand_start(BYTES);
}

static const char *path_of(const char *topic, const char *file)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/topic.0.%s%s", hand.directory, topic, file);
	return path;
}

static const char *old(unsigned number)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "old.%u", number);
	return name;
}

/* Leaves a log with one entry. */
static void put(const char *topic, unsigned seq, enum spool_mark mark)
{
	struct spool_entry entry = {.records = 1, .events = 1, .pack = 1, .bytes = 100, .first_seq = seq};
	struct spool_log_config config = {.segment_bytes = 65536, .name = topic};
	static const uint8_t bytes[100];
	struct slice payload = {bytes, entry.bytes};
	struct error error = {""};
	struct spool_log *log;

	(void)snprintf(entry.topic, sizeof(entry.topic), "%s", topic);
	assert_int_equal(spool_disk_posix_new(&config.disk, path_of(topic, ""), &error), 0);
	assert_int_equal(spool_log_open(&log, &config, &error), 0);
	assert_int_equal(spool_log_append(log, &entry, &payload, 1), 0);
	spool_log_mark(log, entry.position, mark);
	spool_log_close(log);
	spool_disk_posix_free(config.disk);
}

static int is_there(const char *topic)
{
	return access(path_of(topic, ""), F_OK) == 0;
}

/* As many as one likes, each with the state of this one, in which all is settled. */
static void copy_settled(const char *from)
{
	FILE *file = fopen(path_of(from, "/state"), "re");
	uint8_t state[8192];
	size_t size;

	assert_non_null(file);
	size = fread(state, 1, sizeof(state), file);
	assert_true(size > 64);
	(void)fclose(file);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(mkdir(path_of(old(i), ""), 0750), 0);
		file = fopen(path_of(old(i), "/state"), "we");
		assert_non_null(file);
		assert_int_equal(fwrite(state, 1, size, file), size);
		assert_int_equal(fclose(file), 0);
	}
}

static unsigned count_old(unsigned count)
{
	unsigned there = 0;

	for (unsigned i = 0; i < count; i++)
		there += (unsigned)is_there(old(i));
	return there;
}

static void empty_logs_of_topics_that_nobody_uses_go(void **state)
{
	(void)state;
	put("t1", 1, SPOOL_SETTLED);
	copy_settled("t1");
	start();
	assert_int_equal(hand.topics.count, HAND_TOPICS);
	assert_int_equal(count_old(MANY), 0);
	assert_true(is_there("t1"));
}

/* Somebody may want to look at it. */
static void folder_with_a_file_that_was_put_aside_stays_and_takes_no_place(void **state)
{
	FILE *file;

	(void)state;
	put("old.0", 1, SPOOL_SETTLED);
	file = fopen(path_of("old.0", "/state.bad"), "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	start();
	assert_int_equal(hand.topics.count, HAND_TOPICS);
	assert_int_equal(access(path_of("old.0", "/state.bad"), F_OK), 0);
}

static uint64_t parked(void)
{
	return counter_read(&spool_count(hand.spool)->parked);
}

/* Reads what has a place, once each; returns how many. */
static unsigned deliver(unsigned *seen)
{
	unsigned count = hand.topics.count - HAND_TOPICS;

	for (unsigned i = 0; i < count; i++) {
		struct batch *batch = hand_read_topic((uint16_t)(HAND_TOPICS + i));

		*seen |= 1u << batch->first_seq;
		hand_give(batch, SPOOL_SETTLE);
	}
	return count;
}

static void what_has_no_place_waits_for_a_start_that_has_room(void **state)
{
	unsigned seen = 0, left = 5;

	(void)state;
	for (unsigned i = 0; i < left; i++)
		put(old(i), i, SPOOL_ON_DISK);
	while (left > 0) {
		unsigned delivered;

		start();
		assert_int_equal(parked(), left);
		assert_int_equal(counter_read(&spool_count(hand.spool)->recovered), left);
		assert_int_equal(count_old(5), left); /* those that were delivered went at this start */
		delivered = deliver(&seen);
		assert_int_equal(delivered, left < 2 ? left : 2);
		left -= delivered;
		if (left > 0) /* hours of what waits are not complete */
			assert_int_equal(spool_hours_settled(hand.spool, 0, 64), 0);
		hand_stop();
	}
	assert_int_equal(seen, 0x1f);
	start();
	assert_int_equal(count_old(5), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, hand_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(empty_logs_of_topics_that_nobody_uses_go),
		TEST(folder_with_a_file_that_was_put_aside_stays_and_takes_no_place),
		TEST(what_has_no_place_waits_for_a_start_that_has_room),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
