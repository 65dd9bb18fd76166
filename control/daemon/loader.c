/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/loader.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/daemon/box.h"
#include "control/daemon/properties.h"

#define REST_MS 200 /* between two looks at what may have changed */

/* Whose files are watched. */
static const struct config *watched(const struct box *box)
{
	return box->loader.refused != NULL ? box->loader.refused : box->generations.config;
}

/* Files are marked before they are read, so that what changes meanwhile is seen at the next look. */
static int read_config(struct box *box, struct config **config, struct error *error)
{
	struct tables_marks *tried = &box->loader.tried;
	uint64_t file;
	int rc;

	tables_mark(watched(box), &box->generations.feed, tried);
	rc = config_read(config, box->config->path, error);
	if (rc != 0)
		return rc;
	file = tried->config;
	tables_mark(*config, &box->generations.feed, tried);
	tried->config = file;
	return 0;
}

/* The client's properties are judged as a start would: what counts from a restart on is not to keep the daemon from it. */
static int check_client(const struct box *box, struct config *config, struct error *error)
{
	return config_says_same(box->config, config, "kafka") ? 0 : properties_check(config, error);
}

/* Reads the file and puts it in force. 0 or -errno, with a sentence in either case, which may be empty. */
static int load(struct box *box, struct error *error)
{
	struct loader *loader = &box->loader;
	struct config *config = NULL;
	int rc = read_config(box, &config, error);

	if (rc != 0)
		return rc;
	rc = check_client(box, config, error);
	if (rc != 0) {
		config_free(config);
		return rc;
	}
	if (config_needs_restart(box->config, config, error->text, sizeof(error->text)))
		log_write(LOG_WARNING, "reload: %s", error->text);
	rc = generations_publish(box, config, error);
	config_free(loader->refused);
	loader->refused = rc != 0 ? config : NULL;
	if (rc == 0) {
		watcher_hurry(box);
		loader->next_watch_ms = 0; /* the period may be another one */
	}
	return rc;
}

static void work(struct box *box, struct loader_result *result)
{
	struct error error = {""};
	int64_t begin = clock_utc_us(clock_tsc());
	int rc;

	rc = load(box, &error);
	result->ok = rc == 0;
	result->left = rc == -ECANCELED;
	result->generation = box->generations.now->number;
	result->at_us = clock_utc_us(clock_tsc());
	result->took_ms = (uint32_t)((result->at_us - begin) / 1000);
	memcpy(result->text, error.text, sizeof(result->text));
	if (rc == 0)
		log_write(LOG_NOTICE, "generation %u is in force: %u types; it took %u ms", result->generation,
			box->generations.config->types->count, result->took_ms);
	else
		log_write(rc == -ECANCELED ? LOG_NOTICE : LOG_ERROR, "reload: %s; generation %u stays in force", error.text,
			result->generation);
}

/* Lets what is said over and over be said once a minute. */
static void complain(struct log_limit *limit, const struct error *error)
{
	unsigned suppressed;

	if (log_allowed(limit, 60, &suppressed))
		log_write(LOG_WARNING, "%s", error->text);
}

/* Between requests: looks after changes of categories, and of files when that was asked for. */
static void look_after(struct box *box)
{
	static struct log_limit limit;
	struct loader *loader = &box->loader;
	struct generations *all = &box->generations;
	struct error error = {""};
	int64_t now_ms = clock_ms();

	if (generations_follow(box, &error) != 0)
		complain(&limit, &error);
	if (all->config->watch_ms == 0 || now_ms < loader->next_watch_ms)
		return;
	loader->next_watch_ms = now_ms + (int64_t)all->config->watch_ms;
	if (tables_changed(watched(box), &all->feed, &loader->tried))
		(void)loader_ask(box);
}

/* Under the lock. */
static void keep(struct loader *loader, const struct loader_result *result)
{
	loader->results[loader->result_count++ % LOADER_RESULTS] = *result;
	loader->done = result->request;
}

/* What nobody will work on any more. Under the lock. */
static void refuse_rest(struct box *box)
{
	struct loader *loader = &box->loader;
	const struct loader_result result = {.request = loader->asked, .left = 1, .generation = box->generations.now->number,
		.at_us = clock_utc_us(clock_tsc()), .text = "the daemon stops"};

	if (loader->done == loader->asked)
		return;
	keep(loader, &result);
	log_write(LOG_NOTICE, "reload: the daemon stops; generation %u stays in force", result.generation);
}

static void *loader_main(void *argument)
{
	struct box *box = argument;
	struct loader *loader = &box->loader;
	struct loader_result result;

	pthread_mutex_lock(&loader->lock);
	while (!loader->stop) {
		if (loader->done == loader->asked) {
			(void)thread_wait(&loader->wake, &loader->lock, REST_MS);
			pthread_mutex_unlock(&loader->lock);
			look_after(box);
			pthread_mutex_lock(&loader->lock);
			continue;
		}
		memset(&result, 0, sizeof(result));
		result.request = loader->asked;
		pthread_mutex_unlock(&loader->lock);
		work(box, &result);
		pthread_mutex_lock(&loader->lock);
		keep(loader, &result);
	}
	refuse_rest(box);
	pthread_mutex_unlock(&loader->lock);
	return NULL;
}

int loader_start(struct box *box, struct error *error)
{
	struct loader *loader = &box->loader;
	int rc;

	loader->tried = box->generations.marks; /* of before they were read, which may have taken long */
	loader->tried.config = box->config_mark;
	pthread_mutex_init(&loader->lock, NULL);
	pthread_cond_init(&loader->wake, NULL);
	rc = thread_start(&loader->thread, "loader", NULL, 0, loader_main, box);
	if (rc != 0)
		return error_set(error, rc, "cannot start the loader thread: %s", strerror(-rc));
	loader->started = 1;
	return 0;
}

uint64_t loader_ask(struct box *box)
{
	struct loader *loader = &box->loader;
	uint64_t request;

	pthread_mutex_lock(&loader->lock);
	request = ++loader->asked;
	pthread_cond_signal(&loader->wake);
	pthread_mutex_unlock(&loader->lock);
	return request;
}

int loader_last(struct box *box, struct loader_result *result)
{
	struct loader *loader = &box->loader;
	int idle;

	pthread_mutex_lock(&loader->lock);
	*result = loader->results[(loader->result_count + LOADER_RESULTS - 1) % LOADER_RESULTS];
	idle = loader->done == loader->asked;
	pthread_mutex_unlock(&loader->lock);
	return idle;
}

int loader_answer(struct box *box, uint64_t request, struct loader_result *result)
{
	struct loader *loader = &box->loader;
	unsigned first;
	int idle;

	memset(result, 0, sizeof(*result));
	pthread_mutex_lock(&loader->lock);
	first = loader->result_count > LOADER_RESULTS ? loader->result_count - LOADER_RESULTS : 0;
	for (unsigned i = first; i < loader->result_count && result->request == 0; i++)
		if (loader->results[i % LOADER_RESULTS].request >= request)
			*result = loader->results[i % LOADER_RESULTS];
	idle = loader->done == loader->asked;
	pthread_mutex_unlock(&loader->lock);
	return idle;
}

void loader_stop(struct box *box)
{
	struct loader *loader = &box->loader;

	if (!loader->started)
		return;
	pthread_mutex_lock(&loader->lock);
	loader->stop = 1;
	pthread_cond_signal(&loader->wake);
	pthread_mutex_unlock(&loader->lock);
	pthread_join(loader->thread, NULL);
	config_free(loader->refused);
	loader->refused = NULL;
	loader->started = 0;
}
