/* SPDX-License-Identifier: Apache-2.0 */
/* A gate that was closed lets nobody through, and closing waits for the one who is inside. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "nic/gate.h"

static struct gate gate;
static _Atomic int inside, quit, passages;

static void *worker(void *argument)
{
	(void)argument;
	gate_enter(&gate);
	while (!atomic_load(&quit)) {
		if (!gate_pass(&gate))
			continue;
		atomic_store(&inside, 1);
		atomic_fetch_add(&passages, 1);
		(void)usleep(100);
		atomic_store(&inside, 0);
	}
	gate_leave(&gate);
	return NULL;
}

static void closing_waits_for_the_worker(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, worker, NULL), 0);
	for (unsigned i = 0; i < 100; i++) {
		int before = atomic_load(&passages);

		gate_open(&gate);
		while (atomic_load(&passages) == before)
			(void)usleep(10);
		assert_int_equal(gate_close(&gate), 0);
		assert_int_equal(atomic_load(&inside), 0);
		before = atomic_load(&passages);
		(void)usleep(200);
		assert_int_equal(atomic_load(&passages), before);
	}
	atomic_store(&quit, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static _Atomic int let_go;

static void *slow_worker(void *argument)
{
	gate_enter(argument);
	while (!gate_pass(argument))
		continue;
	atomic_store(&inside, 1);
	while (!atomic_load(&let_go))
		(void)usleep(100);
	while (gate_pass(argument))
		continue;
	while (atomic_load(&let_go) == 1)
		(void)usleep(100);
	gate_leave(argument);
	return NULL;
}

static void a_gate_is_not_closed_while_somebody_is_inside(void **state)
{
	struct gate slow = {0};
	pthread_t thread;

	(void)state;
	atomic_store(&inside, 0);
	gate_open(&slow);
	assert_int_equal(pthread_create(&thread, NULL, slow_worker, &slow), 0);
	while (!atomic_load(&inside))
		(void)usleep(100);
	assert_int_equal(gate_close(&slow), -ETIMEDOUT);
	assert_int_equal(gate_close(&slow), -ETIMEDOUT);
	atomic_store(&let_go, 1);
	assert_int_equal(gate_close(&slow), 0);
	assert_int_equal(gate_close(&slow), 0);
	atomic_store(&let_go, 2);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void nobody_is_waited_for_when_nobody_is_attached(void **state)
{
	struct gate lone = {0};

	(void)state;
	assert_false(gate_pass(&lone));
	gate_open(&lone);
	assert_true(gate_pass(&lone));
	assert_int_equal(gate_close(&lone), 0);
	assert_false(gate_pass(&lone));
	gate_enter(&lone);
	gate_open(&lone);
	assert_int_equal(gate_close(&lone), 0);
	assert_false(gate_pass(&lone));
	assert_int_equal(gate_close(&lone), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_waits_for_the_worker),
		cmocka_unit_test(a_gate_is_not_closed_while_somebody_is_inside),
		cmocka_unit_test(nobody_is_waited_for_when_nobody_is_attached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
