/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Measures the path, or a part of it, on a capture that net_pcap repeats without end; prints one line of JSON.
 *   bare     a worker's thread receives, but each frame is counted and dropped without a look at it
 *   null     receives datagrams from the source (headers and checksums verified) and releases them
 *   worker   a worker's thread decodes, numbers and writes records; batches go home at once
 *   kafka    the same, with a producer that delivers to a real broker
 *   swap     as worker, while tables are loaded and generations swapped on another CPU (swap.h)
 * With --steps all is done in turn by one thread without a clock, so that instructions can be counted: what is counted
 * happens inside bench_steps.
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cpu.h"
#include "nic/port.h"
#include "rig.h"
#include "swap.h"
#include "wire/json.h"

enum mode { MODE_BARE, MODE_NULL, MODE_WORKER, MODE_KAFKA, MODE_SWAP };

struct run {
	enum mode mode;
	int steps;
	uint64_t warm, events; /* before the measurement, and in it */
	unsigned limit_seconds, swaps;
	enum json_level level;
	struct rig_settings settings;
	struct rig rig;
};

/* What was measured. */
struct figures {
	uint64_t events; /* found; with Kafka: acked */
	uint64_t found, numbered, wall_ns, worker_ns, process_ns, bytes, dropped;
};

static const char *const mode_names[] = {"bare", "null", "worker", "kafka", "swap"};

static void help(void)
{
	puts("bench-path --pcap FILE [OPTION]...\n"
	     "  --mode bare|null|worker|kafka|swap  what is measured (worker)\n"
	     "  --format json|frame             of the capture (json)\n"
	     "  --trusted                       the structure of bodies is not validated\n"
	     "  --quotas                        senders have quotas, and are within them\n"
	     "  --config FILE                   rules, tables, types and topics of this file (see "
	     "tests/bench/world.py)\n"
	     "  --swaps N                       of generations, with --mode swap (10)\n"
	     "  --types N                       event types in the capture (64)\n"
	     "  --topics N                      type t goes to topic t modulo N (64)\n"
	     "  --timestamp produce|receive|event  Kafka's, of all types (produce)\n"
	     "  --partitions N                  of each topic (4)\n"
	     "  --workers N                     and as many queues (1)\n"
	     "  --cpus N[,N]...                 of the workers (anywhere)\n"
	     "  --warm N, --events N            before the measurement, and in it (1000000 each)\n"
	     "  --rate N                        events a second and worker; 0: as many as the sink takes (0)\n"
	     "  --pool MIB                      of batches, a worker (64)\n"
	     "  --handles N                     Kafka clients (1)\n"
	     "  --prefix TEXT                   of topics' names (bench-)\n"
	     "  --property NAME=VALUE           of the Kafka client; bootstrap.servers at least\n"
	     "  --level scalar|sse42|avx2|avx512  at most\n"
	     "  --steps                         in turn, by one thread\n"
	     "  --utc SECONDS                   what the clock tells at the start\n"
	     "  --limit SECONDS                 give up then (120)");
}

static int read_choice(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	fprintf(stderr, "bench-path: %s is not known here (see --help)\n", text);
	exit(64);
}

static void read_cpus(struct rig_settings *settings, char *text)
{
	char *rest = text;

	for (unsigned i = 0; i < RIG_WORKERS && rest != NULL; i++)
		settings->cpus[i] = atoi(strsep(&rest, ","));
}

static void read_property(struct rig_settings *settings, char *text)
{
	struct kafka_property *property = &settings->properties[settings->property_count];
	char *value = strchr(text, '=');

	if (value == NULL || settings->property_count == RIG_PROPERTIES)
		exit(64);
	*value = '\0';
	*property = (struct kafka_property){text, value + 1};
	settings->property_count++;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static const struct option options[] = {
	{"pcap", required_argument, NULL, 'c'},
	{"mode", required_argument, NULL, 'm'},
	{"format", required_argument, NULL, 'f'},
	{"trusted", no_argument, NULL, 't'},
	{"quotas", no_argument, NULL, 'q'},
	{"config", required_argument, NULL, 'C'},
	{"swaps", required_argument, NULL, 'S'},
	{"types", required_argument, NULL, 'T'},
	{"topics", required_argument, NULL, 'o'},
	{"timestamp", required_argument, NULL, 'i'},
	{"partitions", required_argument, NULL, 'P'},
	{"workers", required_argument, NULL, 'w'},
	{"cpus", required_argument, NULL, 'u'},
	{"warm", required_argument, NULL, 'W'},
	{"events", required_argument, NULL, 'e'},
	{"rate", required_argument, NULL, 'r'},
	{"pool", required_argument, NULL, 'p'},
	{"handles", required_argument, NULL, 'H'},
	{"prefix", required_argument, NULL, 'x'},
	{"property", required_argument, NULL, 'X'},
	{"level", required_argument, NULL, 'l'},
	{"steps", no_argument, NULL, 's'},
	{"limit", required_argument, NULL, 'L'},
	{"utc", required_argument, NULL, 'U'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void read_option(struct run *run, int option)
{
	static const char *const formats[] = {"json", "frame"}, *const levels[] = {"scalar", "sse42", "avx2", "avx512"};
	static const char *const timestamps[] = {"produce", "receive", "event"};
	static const uint8_t forms[] = {0, FORM_RECEIVE_TIME, FORM_EVENT_TIME};
	struct rig_settings *s = &run->settings;

	switch (option) {
	case 'c':
		s->pcap = optarg;
		break;
	case 'm':
		run->mode = (enum mode)read_choice(optarg, mode_names, 5);
		break;
	case 'f':
		s->format = (enum rig_format)read_choice(optarg, formats, 2);
		break;
	case 't':
		s->trusted = 1;
		break;
	case 'q':
		s->quotas = 1;
		break;
	case 'C':
		s->config = optarg;
		break;
	case 'S':
		run->swaps = (unsigned)number(optarg);
		break;
	case 'T':
		s->types = (unsigned)number(optarg);
		break;
	case 'o':
		s->topics = (unsigned)number(optarg);
		break;
	case 'i':
		s->form = forms[read_choice(optarg, timestamps, 3)];
		break;
	case 'P':
		s->partitions = (unsigned)number(optarg);
		break;
	case 'w':
		s->workers = (unsigned)number(optarg);
		break;
	case 'u':
		read_cpus(s, optarg);
		break;
	case 'W':
		run->warm = number(optarg);
		break;
	case 'e':
		run->events = number(optarg);
		break;
	case 'r':
		s->rate = number(optarg);
		break;
	case 'p':
		s->pool_bytes = number(optarg) << 20;
		break;
	case 'H':
		s->handles = (unsigned)number(optarg);
		break;
	case 'x':
		s->topic_prefix = optarg;
		break;
	case 'X':
		read_property(s, optarg);
		break;
	case 'l':
		run->level = (enum json_level)read_choice(optarg, levels, 4);
		break;
	case 's':
		run->steps = 1;
		break;
	case 'L':
		run->limit_seconds = (unsigned)number(optarg);
		break;
	case 'U':
		s->utc = strtoll(optarg, NULL, 10);
		break;
	case 'h':
		help();
		exit(0);
	default:
		exit(64);
	}
}

static void read_options(struct run *run, int argc, char **argv)
{
	int option;

	run->mode = MODE_WORKER;
	run->warm = run->events = 1000000;
	run->limit_seconds = 120;
	run->swaps = 10;
	run->level = JSON_AVX512;
	run->settings = (struct rig_settings){.types = 64,
		.topics = 64,
		.partitions = 4,
		.workers = 1,
		.control_cpu = -1,
		.pool_bytes = 64u << 20,
		.handles = 1,
		.topic_prefix = "bench-"};
	memset(run->settings.cpus, 0xff, sizeof(run->settings.cpus));
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		read_option(run, option);
	run->settings.blind = run->mode == MODE_BARE;
	run->settings.kafka = run->mode == MODE_KAFKA;
	run->settings.still = run->steps;
	if (run->settings.pcap == NULL || run->settings.workers < 1 || run->settings.workers > RIG_WORKERS ||
		run->settings.topics < 1 || run->settings.topics > TOPIC_MAX) {
		help();
		exit(64);
	}
}

/* Returns how many datagrams one turn of the mode took. */
static unsigned turn(struct run *run, struct port_queue *q, struct datagram *datagrams, uint64_t tsc)
{
	struct source_queue *queue = (struct source_queue *)q;
	struct worker *worker = run->rig.workers[0];
	unsigned n = run->rig.feeds[0].ops->receive(queue, datagrams, tsc);

	if (run->settings.format == RIG_FRAME)
		feed_renumber(&run->rig.feeds[0], datagrams, n);
	if (run->mode == MODE_WORKER && n > 0)
		worker_burst(worker, datagrams, n, tsc);
	if (run->mode == MODE_BARE)
		n = q->held;
	source_dpdk.release(queue);
	if (run->mode == MODE_WORKER) {
		feed_discard(&run->rig.feeds[0]);
		worker_homecoming(worker);
	}
	return n;
}

/* Takes about `wanted` datagrams in turns, each a microsecond after the other. */
static uint64_t take(struct run *run, uint64_t wanted, uint64_t *tsc)
{
	struct port_queue *q = (struct port_queue *)run->rig.feeds[0].queue;
	struct datagram datagrams[SOURCE_BURST];
	uint64_t done = 0, step = clock_hz() / 1000000;

	for (; done < wanted; *tsc += step)
		done += turn(run, q, datagrams, *tsc);
	return done;
}

/* Callgrind is told to count in here; visible, so that it keeps its name. */
uint64_t bench_steps(struct run *run, uint64_t wanted, uint64_t *tsc);

__attribute__((noinline)) uint64_t bench_steps(struct run *run, uint64_t wanted, uint64_t *tsc)
{
	return take(run, wanted, tsc);
}

static void measure_steps(struct run *run, struct figures *figures)
{
	uint64_t tsc = clock_tsc(), began;
	struct rig_sums sums;

	cpu_pin(run->settings.cpus[0]);
	source_dpdk.attach(run->rig.feeds[0].queue);
	take(run, run->warm, &tsc);
	began = cpu_wall_ns();
	figures->worker_ns = cpu_thread_ns();
	figures->events = bench_steps(run, run->events, &tsc);
	figures->worker_ns = cpu_thread_ns() - figures->worker_ns;
	figures->process_ns = figures->worker_ns;
	figures->wall_ns = cpu_wall_ns() - began;
	source_dpdk.detach(run->rig.feeds[0].queue);
	rig_sum(&run->rig, &sums);
	figures->dropped = sums.dropped;
}

/* As the workers' threads (worker, kafka) have it now. */
static void look(const struct run *run, struct figures *figures)
{
	struct rig_sums sums;

	rig_sum(&run->rig, &sums);
	figures->events = run->mode == MODE_BARE ? sums.frames : sums.found;
	figures->found = sums.found;
	figures->numbered = sums.numbered;
	figures->bytes = sums.bytes;
	figures->dropped = sums.dropped;
	if (run->mode == MODE_KAFKA)
		figures->events = counter_read(&producer_counters(run->rig.producer)->acked);
	figures->worker_ns = cpu_threads_ns("worker-");
	figures->process_ns = cpu_process_ns();
	figures->wall_ns = cpu_wall_ns();
}

static uint64_t events_now(const struct run *run)
{
	struct rig_sums sums;

	if (run->mode == MODE_KAFKA)
		return counter_read(&producer_counters(run->rig.producer)->acked);
	rig_sum(&run->rig, &sums);
	return run->mode == MODE_BARE ? sums.frames : sums.found;
}

static int wait_for(const struct run *run, uint64_t events, uint64_t end_ns)
{
	while (events_now(run) < events) {
		if (cpu_wall_ns() > end_ns) {
			fprintf(stderr, "bench-path: %" PRIu64 " of %" PRIu64 " events when the time was over\n",
				events_now(run), events);
			return -1;
		}
		usleep(2000);
		clock_update();
	}
	return 0;
}

static int measure_threads(struct run *run, struct figures *figures, struct error *error)
{
	uint64_t end_ns = cpu_wall_ns() + run->limit_seconds * UINT64_C(1000000000);
	struct figures before;
	int rc = rig_run_workers(&run->rig, error);

	if (rc == 0)
		rc = wait_for(run, run->warm, end_ns);
	look(run, &before);
	if (rc == 0)
		rc = wait_for(run, before.events + run->events, end_ns);
	look(run, figures);
	figures->events -= before.events;
	figures->found -= before.found;
	figures->numbered -= before.numbered;
	figures->bytes -= before.bytes;
	figures->wall_ns -= before.wall_ns;
	figures->worker_ns -= before.worker_ns;
	figures->process_ns -= before.process_ns;
	return rc;
}

static int measure_swaps(struct run *run, struct error *error)
{
	uint64_t end_ns = cpu_wall_ns() + run->limit_seconds * UINT64_C(1000000000);
	int rc = rig_run_workers(&run->rig, error);

	if (rc == 0)
		rc = wait_for(run, run->warm, end_ns);
	return rc == 0 ? swap_measure(&run->rig, run->swaps, error) : rc;
}

static void print_figures(const struct run *run, const struct figures *f)
{
	printf("{\"mode\": \"%s\", \"events\": %" PRIu64 ", \"found\": %" PRIu64 ", \"numbered\": %" PRIu64
	       ", \"wall_ns\": %" PRIu64 ", \"worker_ns\": %" PRIu64 ", \"process_ns\": %" PRIu64
	       ", \"bytes\": %" PRIu64 ", \"dropped\": %" PRIu64 "}\n",
		mode_names[run->mode], f->events, f->found, f->numbered, f->wall_ns, f->worker_ns, f->process_ns,
		f->bytes, f->dropped);
}

int main(int argc, char **argv)
{
	static struct run run;
	struct figures figures = {0};
	struct error error = {""};
	int rc;

	read_options(&run, argc, argv);
	(void)json_use(run.level);
	rc = rig_open(&run.rig, &run.settings, &error);
	if (rc == 0)
		rc = rig_start(&run.rig, &error);
	if (rc == 0 && (run.steps || run.mode == MODE_NULL))
		measure_steps(&run, &figures);
	else if (rc == 0 && run.mode == MODE_SWAP)
		rc = measure_swaps(&run, &error);
	else if (rc == 0)
		rc = measure_threads(&run, &figures, &error);
	if (rc != 0)
		fprintf(stderr, "bench-path: %s\n", error.text);
	else if (run.mode != MODE_SWAP)
		print_figures(&run, &figures);
	rig_stop(&run.rig);
	rig_close(&run.rig);
	return rc == 0 ? 0 : 1;
}
