/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/namesake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/daemon/state.h"
#include "kafka/board.h"

#define LIMIT_MS 3000
#define READ_MS  200
#define UUID_LEN 36

int namesake_init(struct namesake *namesake, const char *node, const char *uuid)
{
	*namesake = (struct namesake){.node = node, .uuid = uuid, .started_ms = clock_utc_us(clock_tsc()) / 1000};
	return -pthread_mutex_init(&namesake->lock, NULL);
}

/* A notice's key is the node's name, its value begins with the instance's UUID. What else is on the topic is nobody's. */
static void judge(void *context, const struct kafka_notice *notice)
{
	struct namesake *namesake = context;
	int64_t now_us = clock_utc_us(clock_tsc());

	if (notice->key_len != strlen(namesake->node) || memcmp(notice->key, namesake->node, notice->key_len) != 0)
		return;
	if (notice->value_len < UUID_LEN || !state_uuid_is_valid(notice->value) ||
		memcmp(notice->value, namesake->uuid, UUID_LEN) == 0)
		return;
	if (notice->time_ms < namesake->started_ms || llabs(now_us / 1000 - notice->time_ms) > NAMESAKE_SECONDS * 1000)
		return;
	pthread_mutex_lock(&namesake->lock);
	if (namesake->instance[0] == '\0')
		log_write(LOG_ERROR,
			"another box, instance %.36s, calls itself %s too: identities are not unique; give one of them another "
			"`node`",
			notice->value, namesake->node);
	(void)snprintf(namesake->instance, sizeof(namesake->instance), "%.36s", notice->value);
	namesake->seen_us = now_us;
	pthread_mutex_unlock(&namesake->lock);
}

static void post(struct namesake *namesake)
{
	struct error error = {""};
	int rc = kafka_board_post(namesake->board, namesake->node, namesake->uuid, LIMIT_MS, &error);

	if (rc == -ENOENT && !namesake->told_missing)
		log_write(LOG_WARNING,
			"topic %s is missing: two boxes with one node name are not noticed; `penstock topics create` makes it",
			NAMESAKE_TOPIC);
	namesake->told_missing = rc == -ENOENT;
}

static void forget(struct namesake *namesake)
{
	pthread_mutex_lock(&namesake->lock);
	if (clock_utc_us(clock_tsc()) - namesake->seen_us > NAMESAKE_SECONDS * INT64_C(1000000))
		namesake->instance[0] = '\0';
	pthread_mutex_unlock(&namesake->lock);
}

void namesake_turn(struct namesake *namesake, const struct kafka_property *properties, unsigned count)
{
	struct error error = {""};

	if (namesake->board == NULL &&
		kafka_board_new(&namesake->board, properties, count, NAMESAKE_TOPIC, &error) != 0) {
		log_write(LOG_WARNING, "%s", error.text);
		return;
	}
	kafka_board_obey(namesake->board, namesake->leave);
	post(namesake);
	(void)kafka_board_read(namesake->board, judge, namesake, READ_MS);
	forget(namesake);
}

void namesake_fini(struct namesake *namesake)
{
	kafka_board_free(namesake->board);
	namesake->board = NULL;
}

int64_t namesake_heard(struct namesake *namesake, char instance[40])
{
	int64_t seen;

	pthread_mutex_lock(&namesake->lock);
	(void)snprintf(instance, 40, "%s", namesake->instance);
	seen = namesake->instance[0] != '\0' ? namesake->seen_us : 0;
	pthread_mutex_unlock(&namesake->lock);
	return seen;
}
