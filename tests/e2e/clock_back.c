/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOADed: the wall clock of one process runs CLOCK_BACK_SECONDS behind, or as many as the number (8 bytes) in the file
 * CLOCK_BACK_FILE says, which may change while it runs. For tests of what a box does whose clock was set; the machine's clock
 * stays as it is.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shared;

static void __attribute__((constructor)) map(void)
{
	const char *path = getenv("CLOCK_BACK_FILE");
	int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = file >= 0 ? mmap(NULL, sizeof(*shared), PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;

	if (file >= 0)
		(void)close(file);
	if (at != MAP_FAILED)
		shared = at;
}

static time_t back(void)
{
	const char *text = getenv("CLOCK_BACK_SECONDS");

	if (shared != NULL)
		return (time_t)*shared;
	return text != NULL ? (time_t)atol(text) : 0;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec -= back();
	return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	int rc = clock_gettime(CLOCK_REALTIME, &ts);

	(void)zone;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return rc;
}

time_t time(time_t *out)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
