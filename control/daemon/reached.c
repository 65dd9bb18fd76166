/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/reached.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "control/daemon/box.h"
#include "control/daemon/state_file.h"
#include "kafka/board.h"

#define LIMIT_MS 3000

static const char *mode_of(const struct config *config)
{
	if (config->spool_mode == CONFIG_SPOOL_WAL)
		return "wal";
	return config->spool_mode == CONFIG_SPOOL_OFF ? "off" : "direct";
}

/* What was written and not synced survives a process, but not the machine. */
static void read_boot(char boot[REACHED_UUID])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (file == NULL || fscanf(file, "%39s", boot) != 1)
		(void)snprintf(boot, REACHED_UUID, "unknown");
	if (file != NULL)
		(void)fclose(file);
}

/* --- the epochs before --- */

/* Takes over what the spools know of the epoch. Returns whether that is all. */
static int ask_spools(struct box *box, struct reached_epoch *epoch)
{
	int exact = epoch->producers == box->producer_count && strcmp(epoch->spool, box->spool_directory) == 0 &&
		    strcmp(epoch->boot, box->reached.now.boot) == 0;

	for (unsigned i = 0; i < box->producer_count; i++) {
		const struct spool *spool = producer_spool(box->producers[i].producer);
		const struct spool_reached *before = spool != NULL ? spool_reached_before(spool) : NULL;

		exact &= before != NULL && before->epoch != 0 && before->epoch <= epoch->epoch &&
			 (before->exact || before->epoch < epoch->epoch);
		if (before != NULL && before->epoch == epoch->epoch)
			exact &= reached_merge(&epoch->set, &before->set) == 0;
	}
	return exact;
}

/* Only its spool knows how far it came, which is not open. One that is gone cannot be waited for. */
static int is_elsewhere(const struct box *box, const struct reached_epoch *epoch)
{
	int is_open = box->config->spool_mode != CONFIG_SPOOL_OFF && strcmp(epoch->spool, box->spool_directory) == 0;

	return strcmp(epoch->mode, "wal") == 0 && !is_open && (access(epoch->spool, F_OK) == 0 || errno != ENOENT);
}

/* It did not come to its orderly end. */
static void conclude(struct box *box, struct reached_epoch *epoch)
{
	int complete = ask_spools(box, epoch);

	epoch->exact = complete && strcmp(epoch->mode, "wal") == 0;
	epoch->ended = 1;
}

/* Nothing was numbered, and that is certain: there is nothing to tell. */
static int is_nothing(const struct reached_epoch *epoch)
{
	return epoch->exact && reached_sum(&epoch->set) == 0;
}

static void remember(struct box_reached *reached, const struct reached_epoch *epoch)
{
	reached->last = epoch->epoch;
	reached->last_sum = reached_sum(&epoch->set);
	reached->last_exact = epoch->exact;
	reached->last_published = is_nothing(epoch);
	log_write(LOG_NOTICE, "the epoch before, %" PRIx32 ", reached %s%" PRIu64 " records", epoch->epoch,
		epoch->exact ? "" : "at least ", reached->last_sum);
}

/* Its file tells nothing, so nothing is published of it. A damaged one is put aside, another one is tried at the next start. */
static void tell_unknown(int dir, uint32_t number, int rc)
{
	char name[32], kept[64] = "";

	(void)snprintf(name, sizeof(name), "reached.%" PRIu32, number);
	if (rc == -EBADMSG && state_file_quarantine(dir, name, kept, sizeof(kept)) == 0)
		log_write(LOG_WARNING, "how far epoch %" PRIx32 " came is not known, and is not published: %s in the state directory is "
				       "damaged; it is kept as %s", number, name, kept);
	else
		log_write(LOG_WARNING, "how far epoch %" PRIx32 " came is not known, and is not published: %s in the state directory cannot "
				       "be read: %s; see that it is a file that penstockd may read: the next start tries again, or remove it",
			number, name, strerror(-rc));
}

static int take_over(struct box *box, uint32_t number, struct error *error)
{
	struct box_reached *reached = &box->reached;
	struct reached_epoch epoch = {.epoch = number};
	int dir = state_directory(box->state), rc = reached_file_load(dir, &epoch);

	if (rc != 0) {
		tell_unknown(dir, number, rc);
		reached_epoch_fini(&epoch);
		return 0;
	}
	if (!epoch.ended && is_elsewhere(box, &epoch)) {
		log_write(LOG_NOTICE, "how far epoch %" PRIx32 " came is told by the spool in %s, which is not open: it is published by a "
				      "start that opens it", number, epoch.spool);
		reached_epoch_fini(&epoch);
		return 0;
	}
	if (!epoch.ended) {
		conclude(box, &epoch);
		rc = reached_file_store(dir, &epoch);
	}
	remember(reached, &epoch);
	if (rc == 0 && is_nothing(&epoch))
		reached_file_remove(dir, number);
	else
		reached->epochs[reached->waiting++] = number;
	reached_epoch_fini(&epoch);
	return rc == 0 ? 0 : error_set(error, rc, "state directory: how far epoch %" PRIx32 " came cannot be kept: %s", number, strerror(-rc));
}

/* One more than are kept: the eldest goes. */
static unsigned list(int dir, uint32_t epochs[REACHED_WAITING])
{
	uint32_t found[REACHED_WAITING + 1];
	unsigned count = reached_file_list(dir, found, REACHED_WAITING + 1), first = count > REACHED_WAITING;

	if (first) {
		reached_file_remove(dir, found[0]);
		log_write(LOG_WARNING, "how far epoch %" PRIx32 " came was never published, and is given up: too many epochs wait", found[0]);
	}
	memcpy(epochs, found + first, (count - first) * sizeof(*epochs));
	return count - first;
}

/* --- this epoch --- */

static void begin(struct box *box)
{
	struct reached_epoch *now = &box->reached.now;

	now->epoch = box->epoch;
	(void)snprintf(now->node, sizeof(now->node), "%s", box->config->node);
	(void)snprintf(now->instance, sizeof(now->instance), "%s", state_uuid(box->state));
	(void)snprintf(now->mode, sizeof(now->mode), "%s", mode_of(box->config));
	(void)snprintf(now->spool, sizeof(now->spool), "%s", box->spool_directory);
	now->bound = (uint64_t)box->worker_count * box->config->pool_bytes;
	now->lanes = box->worker_count;
	now->producers = box->producer_count;
}

/* Where the workers are by now. */
static void look(struct box *box)
{
	const struct topic_table *topics = &box->generations.topics;
	unsigned count = atomic_load(&topics->count);

	for (unsigned topic = 0; topic < count; topic++)
		for (unsigned i = 0; i < box->worker_count; i++) {
			uint64_t last = worker_last_seq(box->workers[i].worker, topic);

			if (last > 0)
				(void)reached_raise(&box->reached.now.set, topics->topics[topic].name, i, last);
		}
}

static void store(struct box *box)
{
	static struct log_limit limit;
	struct box_reached *reached = &box->reached;
	uint64_t sum = reached_sum(&reached->now.set);
	unsigned more;
	int rc;

	if (reached->stored && sum == reached->stored_sum && !reached->now.ended)
		return;
	rc = reached_file_store(state_directory(box->state), &reached->now);
	reached->stored = rc == 0;
	reached->stored_sum = sum;
	if (rc != 0 && log_allowed(&limit, 60, &more))
		log_write(LOG_WARNING, "state directory: how far this epoch came cannot be kept: %s; tried again", strerror(-rc));
}

/* A second's rest. Returns 0 at the end. */
static int rest(struct box_reached *reached)
{
	struct timespec until;
	int go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REACHED_SECONDS;
	pthread_mutex_lock(&reached->lock);
	while (!reached->stop)
		if (pthread_cond_clockwait(&reached->wake, &reached->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
			break;
	go_on = !reached->stop;
	pthread_mutex_unlock(&reached->lock);
	return go_on;
}

static void *reached_main(void *argument)
{
	struct box *box = argument;

	while (rest(&box->reached)) {
		look(box);
		store(box);
	}
	return NULL;
}

int reached_start(struct box *box, struct error *error)
{
	struct box_reached *reached = &box->reached;
	int dir = state_directory(box->state), rc = 0;
	uint32_t epochs[REACHED_WAITING];
	unsigned count = list(dir, epochs);

	pthread_mutex_init(&reached->lock, NULL);
	pthread_cond_init(&reached->wake, NULL);
	read_boot(reached->now.boot);
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = take_over(box, epochs[i], error);
	if (rc != 0)
		return rc;
	begin(box);
	rc = reached_file_store(dir, &reached->now);
	if (rc != 0)
		return error_set(error, rc, "state directory: the file of this epoch cannot be made: %s", strerror(-rc));
	reached->stored = 1;
	if (box->config->spool_mode != CONFIG_SPOOL_WAL) { /* there the spool knows it exactly */
		rc = thread_start(&reached->thread, "reached", box->plan->control.cpus, box->plan->control.count, reached_main, box);
		if (rc != 0)
			return error_set(error, rc, "cannot start the thread that keeps what is reached: %s", strerror(-rc));
		reached->started = 1;
	}
	return 0;
}

void reached_stop(struct box *box)
{
	struct box_reached *reached = &box->reached;

	if (reached->started) {
		pthread_mutex_lock(&reached->lock);
		reached->stop = 1;
		pthread_cond_signal(&reached->wake);
		pthread_mutex_unlock(&reached->lock);
		pthread_join(reached->thread, NULL);
		reached->started = 0;
	}
	if (reached->now.epoch == 0)
		return;
	look(box);
	reached->now.ended = reached->now.exact = 1;
	store(box);
	if (is_nothing(&reached->now))
		reached_file_remove(state_directory(box->state), reached->now.epoch);
	reached_epoch_fini(&reached->now);
}

/* --- publishing --- */

static void print_topics(FILE *out, const struct reached *set, unsigned lane)
{
	const char *comma = "";

	for (unsigned i = 0; i < set->count; i++) {
		if (lane >= set->topics[i].lanes || set->topics[i].last[lane] == 0)
			continue;
		(void)fprintf(out, "%s\"%s\":%" PRIu64, comma, set->topics[i].name, set->topics[i].last[lane]);
		comma = ",";
	}
}

/* The record of a lane; NULL: no memory. With all topics there can be it is below half of what Kafka takes. */
static char *print_lane(const struct reached_epoch *epoch, unsigned lane, unsigned lanes)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return NULL;
	(void)fprintf(out,
		"{\"reached\":1,\"node\":\"%s\",\"instance\":\"%s\",\"epoch\":\"%" PRIx32
		"\",\"mode\":\"%s\",\"exact\":%s,\"beyond\":{\"bytes\":%" PRIu64 ",\"seconds\":%u},\"lane\":%u,\"lanes\":%u,\"topics\":{",
		epoch->node, epoch->instance, epoch->epoch, epoch->mode, epoch->exact ? "true" : "false",
		epoch->exact ? 0 : epoch->bound, epoch->exact ? 0u : REACHED_SECONDS, lane, lanes);
	print_topics(out, &epoch->set, lane);
	(void)fputs("}}", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int publish_lane(struct kafka_board *board, const struct reached_epoch *epoch, unsigned lane, unsigned lanes)
{
	char key[REACHED_NODE + 64], *text = print_lane(epoch, lane, lanes);
	struct error error = {""};
	int rc;

	(void)snprintf(key, sizeof(key), "%s reached %" PRIx32 " %u", epoch->node, epoch->epoch, lane);
	rc = text != NULL ? kafka_board_post(board, key, text, LIMIT_MS, &error) : -ENOMEM;
	free(text);
	return rc;
}

static int publish_epoch(struct box *box, struct kafka_board *board, const struct reached_epoch *epoch)
{
	unsigned *done = &box->reached.lanes_done, lanes = reached_lanes(&epoch->set);
	int rc = 0;

	lanes = lanes > epoch->lanes ? lanes : epoch->lanes;
	while (rc == 0 && *done < lanes) {
		rc = publish_lane(board, epoch, *done, lanes);
		*done += rc == 0;
	}
	return rc;
}

/* The first one that waits is told, or cannot be. */
static void is_done(struct box *box, uint32_t number, int told)
{
	struct box_reached *reached = &box->reached;

	if (told)
		reached_file_remove(state_directory(box->state), number);
	pthread_mutex_lock(&reached->lock);
	memmove(reached->epochs, reached->epochs + 1, --reached->waiting * sizeof(reached->epochs[0]));
	reached->lanes_done = 0;
	reached->last_published |= told && reached->last == number;
	pthread_mutex_unlock(&reached->lock);
}

/* The first one that waits. Returns 0 when it is done with, else it is tried again. */
static int publish_first(struct box *box, struct kafka_board *board)
{
	struct reached_epoch epoch = {.epoch = box->reached.epochs[0]};
	int dir = state_directory(box->state), rc = reached_file_load(dir, &epoch), is_known = rc == 0;

	if (is_known) {
		rc = publish_epoch(box, board, &epoch);
	} else if (rc != -ENOMEM) {
		tell_unknown(dir, epoch.epoch, rc);
		rc = 0;
	}
	if (rc == 0)
		is_done(box, epoch.epoch, is_known);
	reached_epoch_fini(&epoch);
	return rc;
}

void reached_publish(struct box *box, struct kafka_board *board)
{
	while (board != NULL && box->reached.waiting > 0)
		if (publish_first(box, board) != 0)
			return;
}
