/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka makes its threads with C11's thrd_create, which the thread sanitizer does not know: a thread made so has none of
 * the sanitizer's state and crashes at its first allocation. In that build this one stands in front of libc's and makes
 * the thread with pthread_create, whose thread libc's thrd_join joins as well, since both types are one in glibc.
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
