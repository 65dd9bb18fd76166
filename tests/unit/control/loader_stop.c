/* SPDX-License-Identifier: Apache-2.0 */
/* The loader, when the daemon stops: all that was asked for is answered, and nothing is put in force any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <semaphore.h>

#include "loader_rig.h"

static sem_t published, go_on;

/* Called when a generation has been put in force, and before the request is done. */
void watcher_hurry(struct box *unused)
{
	(void)unused;
	assert_int_equal(sem_post(&published), 0);
	assert_int_equal(sem_wait(&go_on), 0);
}

static int start(void **state)
{
	(void)state;
	sem_init(&published, 0, 0);
	sem_init(&go_on, 0, 0);
	loader_rig_start("");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sem_destroy(&published);
	sem_destroy(&go_on);
	return loader_rig_end();
}

static void *stop_loader(void *unused)
{
	(void)unused;
	loader_stop(&box);
	return NULL;
}

static void is_told_to_stop(void)
{
	int told;

	do {
		pthread_mutex_lock(&box.loader.lock);
		told = box.loader.stop;
		pthread_mutex_unlock(&box.loader.lock);
	} while (!told);
}

static void what_was_asked_for_during_a_reload_is_answered(void **state)
{
	struct loader_result last;
	pthread_t thread;

	(void)state;
	assert_int_equal(loader_ask(&box), 1);
	assert_int_equal(sem_wait(&published), 0);
	assert_int_equal(loader_ask(&box), 2);
	atomic_store(&box.stop_asked, 1);
	assert_int_equal(pthread_create(&thread, NULL, stop_loader, NULL), 0);
	is_told_to_stop();
	assert_int_equal(sem_post(&go_on), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(loader_last(&box, &last), 1);
	assert_int_equal(last.request, 2);
	assert_int_equal(last.ok, 0);
	assert_string_equal(last.text, "the daemon stops");
	assert_int_equal(last.generation, 2); /* that of the first */
	assert_int_equal(loader_answer(&box, 1, &last), 1);
	assert_int_equal(last.request, 1);
	assert_int_equal(last.ok, 1);
	assert_int_equal(loader_answer(&box, 3, &last), 1);
	assert_int_equal(last.request, 0);
}

static void nothing_is_put_in_force_once_the_daemon_is_to_stop(void **state)
{
	struct loader_result last;
	char more[256];

	(void)state;
	write_file(table_path, "k\tv\n");
	(void)snprintf(more, sizeof(more), "category: {file: %s}\n", table_path);
	write_config(more);
	assert_int_equal(sem_post(&go_on), 0);
	atomic_store(&box.stop_asked, 1);
	assert_int_equal(loader_ask(&box), 1);
	last = wait_for_request(1);
	assert_int_equal(last.request, 1);
	assert_int_equal(last.ok, 0);
	assert_string_equal(last.text, "the daemon stops");
	assert_int_equal(last.generation, 1);
	loader_stop(&box);
	assert_int_equal(sem_trywait(&published), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_asked_for_during_a_reload_is_answered, start, stop),
		cmocka_unit_test_setup_teardown(nothing_is_put_in_force_once_the_daemon_is_to_stop, start, stop),
	};

	(void)clock_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
