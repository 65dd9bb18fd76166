/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define BURSTS_PER_SECOND 1000    /* at the most, when paced */
#define EVENTS_PER_BURST  1000000 /* at the most, so that a signal is seen though nothing gets out */

struct run {
	const struct options *options;
	const struct output_ops *ops;
	struct output *output;
	struct event_maker *maker;
	struct traffic *traffic;
	struct truth truth;
	struct result truth_file;
	int64_t begin_ns, told_ns;
	uint64_t told_events, told_datagrams;
};

static void on_signal(int number)
{
	(void)number;
	output_stopped = 1;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Waits until the events made so far are due, at most until `end`. */
static void pace(const struct run *run, int64_t end)
{
	double span = (double)run->truth.generated * 1e9 / run->options->rate;
	int64_t due = span < (double)(end - run->begin_ns) ? run->begin_ns + (int64_t)span : end;
	struct timespec until = {due / 1000000000, due % 1000000000};

	while (!output_stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static void tell(struct run *run, int64_t now)
{
	double span = (double)(now - run->told_ns) / 1e9;
	const struct tally *sent = &run->truth.sent;

	fprintf(stderr, "%6.1f s  %10.0f events/s  %10.0f datagrams/s  %12" PRIu64 " events  %8.1f MB\n",
		(double)(now - run->begin_ns) / 1e9, (double)(run->truth.generated - run->told_events) / span,
		(double)(sent->datagrams - run->told_datagrams) / span, run->truth.generated,
		(double)sent->bytes / 1e6);
	run->told_ns = now;
	run->told_events = run->truth.generated;
	run->told_datagrams = sent->datagrams;
}

/* Events for one burst: few when they are paced, so that they come evenly. */
static uint32_t burst_events(const struct options *options)
{
	if (options->rate == 0 || options->rate > (double)EVENTS_PER_BURST * BURSTS_PER_SECOND)
		return EVENTS_PER_BURST;
	return 1 + (uint32_t)(options->rate / BURSTS_PER_SECOND);
}

static int send_all(struct run *run, struct error *error)
{
	struct outgoing burst[OUTPUT_BURST];
	const struct options *options = run->options;
	uint32_t events = burst_events(options);
	int shown = options->progress || isatty(STDERR_FILENO);
	int64_t end = options->duration_s == 0 ? INT64_MAX : run->begin_ns + (int64_t)(options->duration_s * 1e9);
	int64_t now = run->begin_ns;
	unsigned n;
	int rc = 0;

	while (rc == 0 && !output_stopped && now < end && !traffic_ended(run->traffic)) {
		n = traffic_burst(run->traffic, events, burst);
		rc = run->ops->send(run->output, burst, n, error);
		if (options->rate != 0 && !run->ops->unpaced)
			pace(run, end);
		now = now_ns();
		if (shown && now - run->told_ns >= 1000000000)
			tell(run, now);
	}
	while (rc == 0 && (n = traffic_finish(run->traffic, burst)) != 0)
		rc = run->ops->send(run->output, burst, n, error);
	run->truth.seconds = (double)(now_ns() - run->begin_ns) / 1e9;
	if (shown)
		fprintf(stderr,
			"%s %" PRIu64 " events in %" PRIu64 " datagrams, %.1f MB, in %.2f s; mean body %.1f B\n",
			rc == 0 ? "sent" : "made", run->truth.sent.events, run->truth.sent.datagrams, (double)run->truth.sent.bytes / 1e6,
			run->truth.seconds,
			run->truth.generated == 0 ? 0 : (double)run->truth.bodies / (double)run->truth.generated);
	return rc;
}

/* Opens the files that tell what was sent; both, so that no older one stays when one of them fails. */
static int results_open(struct run *run, struct error *error)
{
	const struct options *options = run->options;
	int rc = 0, opened;

	if (options->truth != NULL)
		rc = result_open(&run->truth_file, options->truth, 0, error);
	if (options->truth_events == NULL)
		return rc;
	opened = event_log_open(&run->truth.log, options->truth_events, rc == 0 ? error : NULL);
	return rc == 0 ? opened : rc;
}

static int run_open(struct run *run, struct error *error)
{
	const struct options *options = run->options;
	int rc = results_open(run, error);

	if (rc != 0)
		return rc;
	rc = event_maker_new(&run->maker, &options->events);
	if (rc == 0)
		rc = traffic_new(&run->traffic, options, run->maker, &run->truth);
	if (rc != 0)
		return error_set(error, rc, "cannot make events: %s", strerror(-rc));
	return run->ops->open(&run->output, options, error);
}

/* Closes everything, also after an error, and returns the first error. */
static int run_close(struct run *run, int rc, struct error *error)
{
	int closed = run->ops->close(run->output, rc == 0 ? error : NULL);

	rc = rc == 0 ? closed : rc;
	rc = event_log_close(run->truth.log, rc, error);
	if (rc == 0 && run->truth_file.file != NULL)
		truth_write(run->truth_file.file, &run->truth, run->options, traffic_sources(run->traffic));
	rc = result_close(&run->truth_file, rc, error);
	if (rc == 0 && traffic_faults_left(run->traffic) != 0)
		rc = error_set(error, -ERANGE,
			"%" PRIu64 " of the faults found no datagram: the run was too short for them",
			traffic_faults_left(run->traffic));
	traffic_free(run->traffic);
	event_maker_free(run->maker);
	free(run->truth.lives);
	return rc;
}

static const struct output_ops *choose_output(const struct options *options)
{
	if (options->pcap != NULL)
		return &output_pcap;
	return options->dpdk != NULL ? &output_dpdk : &output_socket;
}

int run(const struct options *options, struct error *error)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct run run = {.options = options, .ops = choose_output(options)};
	int rc;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	rc = run_open(&run, error);
	run.begin_ns = run.told_ns = now_ns();
	if (rc == 0)
		rc = send_all(&run, error);
	return run_close(&run, rc, error);
}
