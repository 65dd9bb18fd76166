/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/watcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/daemon/box.h"
#include "kafka/admin.h"

#define LIMIT_MS      5000
#define AT_ONCE_MS    200   /* until the next look: while partitions are being made */
#define SOON_MS       1000  /* while some topic's count is unknown */
#define LATER_MS      10000
#define MADE_MS       1000 /* for asking whether one topic's partitions are made */
#define MADE_LOOKS    100  /* then it is believed */

static int is_stopping(struct watcher *watcher)
{
	int stop;

	pthread_mutex_lock(&watcher->lock);
	stop = watcher->stop;
	pthread_mutex_unlock(&watcher->lock);
	return stop;
}

/* A count is published when all those partitions are made: workers and producers use them at once. */
static int is_made(struct box *box, struct kafka_admin *admin, unsigned topic)
{
	const char *name = box->generations.topics.topics[topic].name;
	uint8_t *looks = &box->watcher.looks[topic];
	int made;

	if (is_stopping(&box->watcher))
		return 0;
	made = kafka_topic_is_made(admin, name, MADE_MS);
	if (!made && ++*looks < MADE_LOOKS)
		return 0;
	if (!made)
		log_write(LOG_WARNING, "topic %s: its partitions do not all tell their offsets; they are used all the same", name);
	*looks = 0;
	return 1;
}

/* Publishes what the cluster said; returns in how many milliseconds to look again. */
static unsigned publish(struct box *box, struct kafka_admin *admin, const struct kafka_topic_info *infos, unsigned count)
{
	struct topic_table *topics = &box->generations.topics;
	unsigned unknown = 0, unmade = 0;

	for (unsigned i = 0; i < count; i++) {
		int before = atomic_load(&topics->topics[i].partitions);
		int now = infos[i].state == KAFKA_TOPIC_EXISTS ? infos[i].partitions : 0;

		if (now > 0 && now != before && is_made(box, admin, i))
			atomic_store(&topics->topics[i].partitions, before = now);
		unknown += before == 0;
		unmade += now > 0 && now != before;
	}
	return unmade > 0 ? AT_ONCE_MS : unknown > 0 ? SOON_MS : LATER_MS;
}

static unsigned look(struct box *box, struct kafka_admin *admin, struct kafka_topic_info *infos)
{
	struct topic_table *topics = &box->generations.topics;
	static struct log_limit limit;
	struct error error = {""};
	unsigned next, suppressed, count = atomic_load(&topics->count);

	for (unsigned i = 0; i < count; i++)
		infos[i].name = topics->topics[i].name;
	(void)kafka_topics_describe(admin, infos, count, LIMIT_MS, &error);
	next = publish(box, admin, infos, count);
	if (state_partitions_store(box->state, topics, &error) != 0 && log_allowed(&limit, 60, &suppressed))
		log_write(LOG_WARNING, "%s", error.text);
	return next;
}

/* Sleeps until the next look is due, hurried or at the end. Returns 0 at the end. */
static int rest(struct watcher *watcher, unsigned ms)
{
	int64_t end = clock_ms() + ms;
	int go_on;

	pthread_mutex_lock(&watcher->lock);
	while (!watcher->stop && !watcher->hurry)
		if (thread_wait(&watcher->wake, &watcher->lock, end - clock_ms()) == ETIMEDOUT)
			break;
	watcher->hurry = 0;
	go_on = !watcher->stop;
	pthread_mutex_unlock(&watcher->lock);
	return go_on;
}

static void *watcher_main(void *argument)
{
	struct box *box = argument;
	struct kafka_topic_info *infos = calloc(TOPIC_MAX, sizeof(*infos));
	struct kafka_admin *admin = NULL;
	struct error error = {""};
	unsigned next;

	if (infos == NULL)
		(void)error_set(&error, -ENOMEM, "no memory for what it says of %u topics; free some and restart the daemon", TOPIC_MAX);
	if (infos == NULL || kafka_admin_new(&admin, box->properties, box->config->property_count, &error) != 0) {
		log_write(LOG_ERROR, "cannot ask Kafka about topics: %s", error.text);
		free(infos);
		return NULL;
	}
	kafka_admin_obey(admin, &box->watcher.leave);
	box->namesake.leave = &box->watcher.leave;
	do {
		next = look(box, admin, infos);
		if (!is_stopping(&box->watcher)) {
			namesake_turn(&box->namesake, box->properties, box->config->property_count);
			reached_publish(box, box->namesake.board);
		}
	} while (rest(&box->watcher, next));
	namesake_fini(&box->namesake);
	kafka_admin_free(admin);
	free(infos);
	return NULL;
}

int watcher_start(struct box *box, struct error *error)
{
	struct watcher *watcher = &box->watcher;
	int rc;

	pthread_mutex_init(&watcher->lock, NULL);
	pthread_cond_init(&watcher->wake, NULL);
	rc = thread_start(&watcher->thread, "watcher", NULL, 0, watcher_main, box);
	if (rc != 0)
		return error_set(error, rc, "cannot start the watcher thread: %s", strerror(-rc));
	watcher->started = 1;
	return 0;
}

static void wake(struct watcher *watcher, int *flag)
{
	if (!watcher->started)
		return;
	pthread_mutex_lock(&watcher->lock);
	*flag = 1;
	pthread_cond_signal(&watcher->wake);
	pthread_mutex_unlock(&watcher->lock);
}

void watcher_hurry(struct box *box)
{
	wake(&box->watcher, &box->watcher.hurry);
}

void watcher_stop(struct box *box)
{
	if (!box->watcher.started)
		return;
	atomic_store(&box->watcher.leave, 1);
	wake(&box->watcher, &box->watcher.stop);
	pthread_join(box->watcher.thread, NULL);
	box->watcher.started = 0;
}
