/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka makes its threads with C11's thrd_create, which the thread sanitizer does not know: a thread made so has none of
 * the sanitizer's state and crashes at its first allocation. In that build these stand in front of libc's and go through
 * the pthread functions that it knows; both kinds of thread are one in glibc.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

struct start {
	thrd_start_t function;
	void *argument;
};

static void *run(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	return (void *)(intptr_t)start.function(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
	struct start *start = malloc(sizeof(*start));

	if (start == NULL)
		return thrd_nomem;
	*start = (struct start){function, argument};
	if (pthread_create(thread, NULL, run, start) == 0)
		return thrd_success;
	free(start);
	return thrd_error;
}

int thrd_join(thrd_t thread, int *result)
{
	void *returned;

	if (pthread_join(thread, &returned) != 0)
		return thrd_error;
	if (result != NULL)
		*result = (int)(intptr_t)returned;
	return thrd_success;
}

int thrd_detach(thrd_t thread)
{
	return pthread_detach(thread) == 0 ? thrd_success : thrd_error;
}
