/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spool/internal.h"

struct spool_rig spool_rig;

static int topic_of(void *context, const char *name)
{
	struct topic_table *topics = context;

	for (unsigned i = 0; i < topics->count; i++)
		if (strcmp(topics->topics[i].name, name) == 0)
			return (int)i;
	return -1;
}

int spool_rig_setup(void **state)
{
	(void)state;
	spool_rig = (struct spool_rig){.drain_seconds = 1, .directory = "/tmp/penstock-spool-XXXXXX"};
	assert_non_null(mkdtemp(spool_rig.directory));
	spool_rig.spool = (struct spool_config){.index_count = 1, .all_lanes = 8, .batch_bytes = RIG_BATCH_SIZE,
		.replay_bytes = 8 * RIG_BATCH_SIZE, .segment_bytes = 65536, .size_bytes = 64u << 20, .sync_bytes = 65536,
		.sync_us = 10000, .topic_of = topic_of};
	spool_rig.mock = mock_new(1);
	mock_topic(spool_rig.mock, "t0", 1);
	mock_topic(spool_rig.mock, "t1", 1);
	return 0;
}

int spool_rig_teardown(void **state)
{
	char command[128];

	(void)state;
	if (spool_rig.rig != NULL)
		rig_free(spool_rig.rig);
	spool_rig.rig = NULL;
	mock_free(spool_rig.mock);
	(void)snprintf(command, sizeof(command), "rm -rf %s", spool_rig.directory);
	return system(command);
}

void spool_rig_begin(void)
{
	struct rig *rig = rig_new(spool_rig.egress == NULL ? mock_servers(spool_rig.mock) : NULL);

	spool_rig.rig = rig;
	for (; rig->topics.count < spool_rig.topics; rig->topics.count++)
		(void)snprintf(rig->topics.topics[rig->topics.count].name, 8, "t%u", rig->topics.count);
	spool_rig.spool.directory = spool_rig.directory;
	spool_rig.spool.topics = spool_rig.spool.context = &rig->topics;
	if (spool_rig.egress != NULL)
		rig->config.egress = spool_rig.egress;
	rig->config.spool = &spool_rig.spool;
	rig->config.write_first = spool_rig.write_first;
	rig->config.bury_forbidden = spool_rig.bury_forbidden;
	rig->config.drain_seconds = spool_rig.drain_seconds;
	rig->config.stuck_ms = spool_rig.stuck_ms;
	if (spool_rig.spool.class_count > 0) /* t0 is in the first class, t1 in the last */
		atomic_store(&rig->topics.topics[1].class, (unsigned char)(spool_rig.spool.class_count - 1));
	rig_start(rig);
}

void spool_rig_end(void)
{
	rig_stop(spool_rig.rig);
	rig_free(spool_rig.rig);
	spool_rig.rig = NULL;
}

const struct spool_counters *spool_rig_counts(void)
{
	return spool_count(producer_spool(spool_rig.rig->producer));
}

uint64_t spool_rig_on_disk(void)
{
	const struct spool_counters *c = spool_rig_counts();

	return counter_read(&c->spooled) + counter_read(&c->parked);
}

int spool_rig_has_left(struct rig *rig)
{
	return spool_rig_on_disk() >= rig->sent / 2;
}

int spool_rig_hours_are_complete(struct rig *rig)
{
	return spool_hours_settled(producer_spool(rig->producer), 0, 64) == 64;
}

uint64_t spool_rig_recorded(const char *what, const char *class)
{
	char path[128], line[65536], expected[64];
	uint64_t sum = 0;
	FILE *file;

	(void)snprintf(expected, sizeof(expected), "\"class\": \"%s\"", class);
	(void)snprintf(path, sizeof(path), "%s/given-up.0.ndjson", spool_rig.directory);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *events = strstr(line, "\"events\": ");

		assert_non_null(strchr(line, '\n'));
		assert_non_null(events);
		assert_non_null(strstr(line, expected));
		if (strstr(line, what) != NULL)
			sum += strtoull(events + strlen("\"events\": "), NULL, 10);
	}
	if (file != NULL)
		(void)fclose(file);
	return sum;
}

int spool_rig_is_there(struct rig *rig)
{
	return !spool_rig_is_away(rig);
}

int spool_rig_is_away(struct rig *rig)
{
	return !atomic_load(&producer_spool(rig->producer)->reads);
}
