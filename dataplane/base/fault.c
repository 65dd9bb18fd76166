/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#ifdef PENSTOCK_FAULTS

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char armed[64];
static atomic_long left = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
	const char *text = getenv("PENSTOCK_FAULT"), *colon;
	size_t length;

	if (text == NULL)
		return;
	colon = strchr(text, ':');
	length = colon != NULL ? (size_t)(colon - text) : strlen(text);
	if (length >= sizeof(armed))
		return;
	memcpy(armed, text, length);
	atomic_store(&left, colon != NULL ? atol(colon + 1) : 0);
}

int fault_fires(const char *name)
{
	pthread_once(&once, read_environment);
	if (armed[0] == '\0' || strcmp(armed, name) != 0)
		return 0;
	return atomic_fetch_sub(&left, 1) == 0;
}

void fault_die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

#else
typedef int fault_is_not_compiled_in;
#endif
