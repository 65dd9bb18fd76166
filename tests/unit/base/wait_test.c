/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting on a condition while the wall clock is set back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

#define AHEAD_S 300

/* In the place of the C library's own, by the linker: what a wall clock says that is set back right behind the look at it. */
int __real_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	int rc = __real_clock_gettime(id, now);

	if (id == CLOCK_REALTIME)
		now->tv_sec += AHEAD_S;
	return rc;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static int wait_for(int64_t ms)
{
	int rc;

	pthread_mutex_lock(&mutex);
	rc = thread_wait(&condition, &mutex, ms);
	pthread_mutex_unlock(&mutex);
	return rc;
}

static void a_wait_ends_in_time_whatever_the_wall_clock_says(void **state)
{
	int64_t begin = clock_ms();

	(void)state;
	(void)alarm(AHEAD_S / 2);
	assert_int_equal(wait_for(1200), ETIMEDOUT);
	assert_true(clock_ms() - begin >= 1200);
	assert_int_equal(wait_for(0), ETIMEDOUT);
	assert_int_equal(wait_for(-5000), ETIMEDOUT);
	(void)alarm(0);
}

static void *wake_up(void *argument)
{
	pthread_mutex_lock(&mutex);
	*(int *)argument = 1;
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void a_wait_ends_when_it_is_told(void **state)
{
	int told = 0;
	pthread_t thread;

	(void)state;
	pthread_mutex_lock(&mutex);
	assert_int_equal(thread_start(&thread, "wake", NULL, 0, wake_up, &told), 0);
	while (!told)
		assert_int_equal(thread_wait(&condition, &mutex, 60000), 0);
	pthread_mutex_unlock(&mutex);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_ends_in_time_whatever_the_wall_clock_says),
		cmocka_unit_test(a_wait_ends_when_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
