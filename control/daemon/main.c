/* SPDX-License-Identifier: Apache-2.0 */
/*
 * penstockd: reads the configuration, puts the box together, serves the control socket until told to stop, drains.
 * Exit codes are those of sysexits.h: 0, 64 usage, 70 cannot run, 78 configuration.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/api/version.h"
#include "control/daemon/box.h"
#include "control/daemon/handlers.h"
#include "control/daemon/notify.h"
#include "control/daemon/properties.h"
#include "control/daemon/starting.h"
#include "control/daemon/stopping.h"

#define TURN_MS       250
#define DRAIN_TURN_MS 50
#define LAST_WORDS_MS 500
#define LOG_SECONDS   60

static struct box the_box;
static volatile sig_atomic_t reload_signal;

struct arguments {
	const char *config;
	int check;
};

static void on_signal(int signal)
{
	(void)signal;
	atomic_store(&the_box.stop_asked, 1);
}

static void on_reload(int signal)
{
	reload_signal = signal;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	action.sa_handler = on_reload;
	(void)sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
}

static void usage(FILE *out)
{
	fputs("usage: penstockd -c FILE [--check]\n"
	      "  -c, --config FILE   the configuration; see penstockd.yaml(5)\n"
	      "      --check         read and check it and its tables, and do nothing else; needs neither root nor Kafka\n"
	      "  -v, --verbose       log what is only of interest when looking for a fault\n"
	      "  -V, --version       print the version\n"
	      "  -h, --help          print this\n",
		out);
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:vVh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments->config = optarg;
			break;
		case 'k':
			arguments->check = 1;
			break;
		case 'v':
			log_set_level(LOG_DEBUG);
			break;
		case 'V':
			puts("penstockd " PENSTOCK_VERSION);
			exit(EX_OK);
		case 'h':
			usage(stdout);
			exit(EX_OK);
		default:
			return EX_USAGE;
		}
	}
	return arguments->config != NULL && optind == argc ? EX_OK : EX_USAGE;
}

/* Reads the file and lets the Kafka client judge its properties. EX_CONFIG after one line on standard error. */
static int read_config(const char *path, struct config **config)
{
	struct error error = {""};
	int rc = config_read(config, path, &error);

	if (rc == 0)
		rc = properties_check(*config, &error);
	if (rc == 0)
		return EX_OK;
	fprintf(stderr, "%s\n", error.text);
	return EX_CONFIG;
}

/* The tables are loaded as at a start, and let go. */
static int check_tables(const struct config *config)
{
	struct generation *generation = generation_new();
	struct error error = {"out of memory"};
	struct tables_marks marks;
	struct feed feed = {0};
	int rc = generation != NULL ? tables_load(generation, config, NULL, &marks, &feed, NULL, &error) : -1;

	generation_free(generation, NULL);
	if (rc == 0)
		return EX_OK;
	fprintf(stderr, "%s\n", error.text);
	return EX_CONFIG;
}

/* One turn of the server. One that fails is told, and takes as long as one with nothing to do. */
static void turn(struct server *server, int timeout_ms)
{
	static struct log_limit limit;
	unsigned before = 0;
	int rc = server_poll(server, timeout_ms);

	if (rc >= 0)
		return;
	if (log_allowed(&limit, LOG_SECONDS, &before))
		log_write(LOG_ERROR, "the control socket is not served: %s; free memory, or raise LimitNOFILE= of the service", strerror(-rc));
	(void)poll(NULL, 0, timeout_ms);
}

static void serve(struct box *box, struct server *server)
{
	while (!atomic_load(&box->stop_asked)) {
		turn(server, TURN_MS);
		box_follow(box);
		if (reload_signal != 0) {
			reload_signal = 0;
			(void)loader_ask(box);
		}
	}
	server_flush(server, LAST_WORDS_MS);
	log_write(LOG_NOTICE, "stopping: draining for at most %u s", box->config->drain_seconds);
	(void)notify_stopping(box->config->drain_seconds + 5);
}

struct drain {
	struct box *box;
	unsigned wrong;
	atomic_int done; /* the thread writes, the main thread reads */
};

static void *drain_main(void *argument)
{
	struct drain *drain = argument;

	drain->wrong = box_drain(drain->box);
	atomic_store(&drain->done, 1);
	return NULL;
}

/* Who waits for a reload looks again and again how it ended: a drain that is short leaves no time for that. */
static void tell_of_reload(struct box *box, struct server *server)
{
	int64_t end = clock_ms() + LAST_WORDS_MS;
	struct loader_result last;

	(void)loader_last(box, &last);
	while (last.left && clock_ms() < end)
		turn(server, DRAIN_TURN_MS);
}

/* The drain may take an hour: who asks meanwhile is answered. */
static unsigned drain(struct box *box, struct server *server)
{
	struct drain drain = {.box = box};
	struct stopping stopping;
	pthread_t thread;

	box_halt(box);
	server_drain(server);
	if (thread_start(&thread, "drain", NULL, 0, drain_main, &drain) != 0)
		return box_drain(box);
	stopping_begin(&stopping, box, clock_ms());
	while (!atomic_load(&drain.done)) {
		turn(server, DRAIN_TURN_MS);
		stopping_turn(&stopping, clock_ms());
	}
	pthread_join(thread, NULL);
	tell_of_reload(box, server);
	server_flush(server, LAST_WORDS_MS);
	return drain.wrong;
}

static const char *cause_of(int rc, const struct error *error)
{
	return error->text[0] != '\0' ? error->text : strerror(-rc);
}

/* Ending what runs already may take as long as a drain, and says more: the cause is told before it, and is the last line. */
static void give_up(struct box *box, int rc, const struct error *error)
{
	if (box->producer_count > 0 && rc != -ECANCELED)
		log_write(LOG_ERROR, "cannot start: %s", cause_of(rc, error));
	box_halt(box);
	(void)box_drain(box);
}

/* Starts, and serves until told to stop. 0 or -errno (-ECANCELED: it was told to stop before it served). */
static int live(struct box *box, struct config *config, struct server *server, unsigned *wrong, struct error *error)
{
	struct starting starting;
	int rc;

	starting_begin(&starting, &box->stop_asked);
	rc = box_start(box, config, error);
	if (rc != 0)
		give_up(box, rc, error);
	starting_end(&starting);
	if (rc != 0)
		return rc;
	(void)notify_ready();
	serve(box, server);
	*wrong = drain(box, server);
	return 0;
}

static int run(struct box *box, struct config *config)
{
	struct server *server = NULL;
	struct error error = {""};
	unsigned wrong = 0, leaked;
	int rc = server_open(&server, config->control_socket, config->control_mode, &error);

	if (rc == 0)
		rc = handlers_register(server, box);
	if (rc == 0) {
		server_obey(server, &box->stop_asked);
		rc = live(box, config, server, &wrong, &error);
	}
	server_close(server);
	leaked = box_stop(box);
	if (leaked > 0)
		log_write(LOG_ERROR, "%u batches did not come home", leaked);
	if (rc == -ECANCELED)
		log_write(LOG_NOTICE, "stopped as told, while it was starting");
	else if (rc != 0)
		log_write(LOG_ERROR, "%s", cause_of(rc, &error));
	return (rc == 0 || rc == -ECANCELED) && wrong == 0 && leaked == 0 ? EX_OK : EX_SOFTWARE;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct config *config = NULL;
	int rc = parse(argc, argv, &arguments);

	if (rc != EX_OK) {
		usage(stderr);
		return rc;
	}
	if (!arguments.check)
		catch_signals();
	the_box.config_mark = tables_mark_config(arguments.config);
	rc = read_config(arguments.config, &config);
	if (rc == EX_OK && arguments.check)
		rc = check_tables(config);
	if (rc == EX_OK && arguments.check)
		printf("%s: fine\n", arguments.config);
	if (rc == EX_OK && !arguments.check)
		rc = run(&the_box, config);
	config_free(config);
	return rc;
}
