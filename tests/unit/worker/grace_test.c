/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control frees the generation that it replaced when the worker's thread has passed a quiescent point since, and not before. The
 * worker is held within a poll meanwhile, where it may read the former one; it goes on when control begins to wait for it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <semaphore.h>
#include <unistd.h>

#include "base/rcu.h"
#include "control/daemon/box.h"
#include "rig.h"

#define HEAD    "node: a\nports: [{name: p, device: net_null0}]\nkafka: {properties: {bootstrap.servers: \"k:1\"}}\n"
#define LIMIT_S 60

/* A queue where nothing comes. A worker that is asked to be held in its next poll tells when it is there. */
struct source_queue {
	struct source_counters counters;
	atomic_int hold;
	sem_t held, go_on;
};

#include "stand_in.h"

static struct source_queue queue;
static struct box box; /* all of it that generations need */
static const struct generation *former;
static atomic_uint points; /* quiescent ones that the worker came to */
static unsigned points_before, waits, freed;

static unsigned receive(struct source_queue *q, struct datagram *out, uint64_t tsc)
{
	(void)out;
	(void)tsc;
	if (atomic_exchange(&q->hold, 0)) {
		(void)sem_post(&q->held);
		(void)sem_wait(&q->go_on);
	}
	return 0;
}

void __real_rcu_quiescent(void);
void __wrap_rcu_quiescent(void);
void __real_rcu_synchronize(void);
void __wrap_rcu_synchronize(void);
void __real_generation_free(struct generation *generation, const struct generation *heir);
void __wrap_generation_free(struct generation *generation, const struct generation *heir);

void __wrap_rcu_quiescent(void)
{
	atomic_fetch_add(&points, 1);
	__real_rcu_quiescent();
}

void __wrap_rcu_synchronize(void)
{
	assert_ptr_not_equal(generation_now(&box.generations.slot), former); /* or it may still be taken up */
	waits++;
	(void)sem_post(&queue.go_on);
	__real_rcu_synchronize();
}

void __wrap_generation_free(struct generation *generation, const struct generation *heir)
{
	if (former != NULL && generation == former) {
		assert_true(atomic_load(&points) > points_before);
		freed++;
	}
	__real_generation_free(generation, heir);
}

static void publish(const char *text)
{
	struct config *config = NULL;
	struct error error = {""};

	if (config_read_text(&config, "p.yaml", text, strlen(text), &error) != 0)
		fail_msg("%s", error.text);
	if (box.config == NULL)
		box.config = config;
	if (generations_publish(&box, config, &error) != 0)
		fail_msg("%s", error.text);
}

/* The worker spins, so that only its quiescent points tell where it is. */
static struct rig *start_worker(void)
{
	static struct source_ops ops;
	struct rig *rig = rig_new(8);
	struct error error;

	ops = stand_in(receive, NULL);
	rig->config.ops = &ops;
	rig->config.queue = &queue;
	rig->config.idle = WORKER_SPIN;
	rig->config.generation = &box.generations.slot;
	rig_start(rig);
	box.workers[0].worker = rig->worker;
	box.worker_count = 1;
	assert_int_equal(worker_start(rig->worker, &error), 0);
	return rig;
}

static void hold_worker(void)
{
	atomic_store(&queue.hold, 1);
	assert_int_equal(sem_wait(&queue.held), 0);
	points_before = atomic_load(&points);
	former = box.generations.now;
}

static void a_generation_is_freed_when_the_worker_has_let_go_of_it(void **state)
{
	struct rig *rig;

	(void)state;
	assert_int_equal(sem_init(&queue.held, 0, 0), 0);
	assert_int_equal(sem_init(&queue.go_on, 0, 0), 0);
	generations_init(&box.generations);
	publish(HEAD "types: {a: {id: 1}}\n");
	(void)alarm(LIMIT_S); /* the end of this program when the worker never lets go */
	rig = start_worker();
	hold_worker();
	publish(HEAD "types: {a: {id: 1}, b: {id: 2}}\n");
	former = NULL;
	assert_int_equal(waits, 1);
	assert_int_equal(freed, 1);
	worker_halt(rig->worker);
	worker_join(rig->worker);
	(void)alarm(0);
	rig_free(rig);
	generations_free(&box);
	config_free(box.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_generation_is_freed_when_the_worker_has_let_go_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
