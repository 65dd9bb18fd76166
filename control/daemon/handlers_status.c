/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "control/api/version.h"
#include "control/daemon/handlers.h"
#include "control/daemon/json_text.h"
#include "control/daemon/landing.h"
#include "control/daemon/totals.h"

#define QUOTA_WARN_SECONDS 60u
#define UNWRITTEN_WARN_MS  60000u

static const char *const stages[] = {"starting", "receiving", "draining"};

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0, ignored;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file != NULL) {
		if (fscanf(file, "%lu %lu", &ignored, &pages) != 2)
			pages = 0;
		fclose(file);
	}
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void alarm_namesake(struct box *box, json_t *alarms)
{
	char instance[40], text[200];
	int64_t heard = namesake_heard(&box->namesake, instance);

	if (heard == 0)
		return;
	(void)snprintf(text, sizeof(text), "another box, instance %s, calls itself %s too: identities are not unique", instance,
		box->config->node);
	json_array_append_new(alarms,
		json_pack("{s:s,s:s,s:I}", "name", "node_name", "text", text, "since", (json_int_t)heard));
}

static json_t *alarms_of(struct box *box)
{
	json_t *alarms = json_array();

	pthread_mutex_lock(&box->ledger.lock);
	for (unsigned i = 0; i < box->ledger.equation_count; i++) {
		const struct ledger_equation *e = &box->ledger.equations[i];
		char text[160];

		if (!e->alarm)
			continue;
		(void)snprintf(text, sizeof(text), "%s do not add up: difference %lld; see `penstock ledger`", e->name,
			(long long)e->difference);
		json_array_append_new(alarms, json_pack("{s:s,s:s,s:I}", "name", "ledger", "text", text, "since",
							     (json_int_t)box->ledger.alarm_since_us));
	}
	pthread_mutex_unlock(&box->ledger.lock);
	alarm_namesake(box, alarms);
	return alarms;
}

struct over_quota {
	uint64_t since_tsc;
	unsigned senders;
};

static int count_over(void *context, const struct senders_row *row)
{
	struct over_quota *over = context;

	over->senders += (int64_t)(row->last_tsc - over->since_tsc) > 0;
	return 0;
}

static void warn_of_senders(const struct box *box, json_t *warnings)
{
	struct over_quota over = {.since_tsc = clock_tsc() - QUOTA_WARN_SECONDS * clock_hz()};

	(void)senders_read(box->senders, count_over, &over);
	if (over.senders > 0)
		json_array_append_new(warnings, json_sprintf("%u sender%s more than the quota in the last minute; see `penstock show quotas`",
							over.senders, over.senders == 1 ? " sent" : "s sent"));
}

/* In mode wal: what Kafka gets without the disk having had it. */
static void warn_of_unwritten(const struct box *box, json_t *warnings)
{
	uint64_t last_ms = 0;

	for (unsigned i = 0; i < box->producer_count; i++) {
		const struct spool *spool = producer_spool(box->producers[i].producer);
		uint64_t ms = spool != NULL ? counter_read(&spool_count(spool)->unwritten_ms) : 0;

		last_ms = ms > last_ms ? ms : last_ms;
	}
	if (last_ms == 0 || (uint64_t)clock_ms() > last_ms + UNWRITTEN_WARN_MS)
		return;
	json_array_append_new(warnings,
		json_sprintf("the spool has no room, or its disk fails: %llu events so far went on to Kafka without having been written, "
			     "the last within a minute; see `penstock show spool` and the log",
			(unsigned long long)TOTAL_SPOOL(box, unwritten)));
}

/* The file that a restart would read is not what is in force. */
static void warn_of_reload(struct box *box, json_t *warnings)
{
	char text[LOADER_TEXT + 160];
	struct loader_result last;

	(void)loader_last(box, &last);
	if (last.request == 0 || last.ok || last.left)
		return;
	(void)snprintf(text, sizeof(text), "the last reload failed, and generation %u stays in force: %s", last.generation, last.text);
	json_array_append_new(warnings, json_text(text));
}

static json_t *warnings_of(struct box *box)
{
	int64_t behind = landing_behind_minutes(box);
	json_t *warnings = json_array();

	for (unsigned i = 0; i < box->warning_count; i++)
		json_array_append_new(warnings, json_text(box->warnings[i]));
	if (behind > 0)
		json_array_append_new(warnings, json_sprintf(LANDING_BEHIND, (long long)behind));
	warn_of_senders(box, warnings);
	warn_of_unwritten(box, warnings);
	warn_of_reload(box, warnings);
	return warnings;
}

/* A port that receives nothing and will not by itself, or not yet. */
static void warn_of_port(json_t *warnings, const char *name, const struct source_status *status)
{
	char text[256];

	if (status->removed)
		(void)snprintf(text, sizeof(text), "port %s: the device has been removed: nothing is received here until a restart", name);
	else if (status->awaits_reset)
		(void)snprintf(text, sizeof(text), "port %s: the device asked for a reset, which has failed so far: nothing is received here",
			name);
	else
		return;
	json_array_append_new(warnings, json_string(text));
}

static json_t *ports_of(struct box *box, json_t *warnings)
{
	json_t *ports = json_array();

	for (unsigned i = 0; i < box->port_count; i++) {
		struct source_status status = {0};

		box->ports[i].ops->status(box->ports[i].source, &status);
		warn_of_port(warnings, box->config->ports[i].source.name, &status);
		json_array_append_new(ports,
			json_pack("{s:s,s:s,s:b,s:b,s:I}", "name", box->config->ports[i].source.name, "driver", status.driver,
				"link_up", status.link_up, "reports_missed", status.reports_missed, "missed",
				(json_int_t)status.missed));
	}
	return ports;
}

static json_t *kafka_of(struct box *box)
{
	uint64_t queued = 0;
	int connected = 0;

	for (unsigned i = 0; i < box->producer_count; i++) {
		struct kafka_client_status status[8];
		unsigned n = producer_status(box->producers[i].producer, status, 8);

		for (unsigned h = 0; h < n; h++) {
			connected |= status[h].connected;
			queued += status[h].queued;
		}
	}
	return json_pack("{s:b,s:I}", "connected", connected, "queued", (json_int_t)queued);
}

static json_t *rates_of(const struct box *box)
{
	json_t *rates = json_object();

#define X(name) json_object_set_new(rates, #name, json_counter(atomic_load(&box->rates.name)));
	RATES_NAMES(X)
#undef X
	return rates;
}

static uint64_t pool_bytes(const struct box *box)
{
	return (uint64_t)box->worker_count * box->config->pool_bytes;
}

/* Hours since 1970, as records have them. */
static json_t *hours_of(struct box *box)
{
	return json_pack("{s:I,s:I,s:I}", "current", (json_int_t)atomic_load(&box->hours.current), "oldest_open",
		(json_int_t)atomic_load(&box->hours.oldest), "complete_before",
		(json_int_t)atomic_load(&box->hours.complete));
}

/* In `direct` a kill loses what no report has settled: what is open, in the rings and in the producers. */
static uint64_t loss_now(const struct box *box)
{
	return TOTAL_WORKER(box, open) + total_rings(box) + TOTAL_PRODUCER(box, held);
}

/* What the last epoch before this one had reached; null: none is known. */
static json_t *reached_of(struct box *box)
{
	struct box_reached *reached = &box->reached;
	json_t *result;

	if (atomic_load(&box->stage) == BOX_STARTING)
		return json_null();
	pthread_mutex_lock(&reached->lock);
	result = reached->last == 0
			 ? json_null()
			 : json_pack("{s:I,s:I,s:b,s:b,s:I}", "number", (json_int_t)reached->last, "records",
				   (json_int_t)reached->last_sum, "exact", reached->last_exact, "published",
				   reached->last_published, "waiting", (json_int_t)reached->waiting);
	pthread_mutex_unlock(&reached->lock);
	return result;
}

json_t *handle_status(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *warnings = warnings_of(box), *ports = ports_of(box, warnings);

	(void)params;
	(void)error;
	(void)code;
	return json_pack("{s:s,s:s,s:s,s:I,s:s,s:I,s:o,s:o,s:o,s:b,s:o,s:o,s:{s:I,s:I,s:I},s:{s:I},s:o,s:o}", "state",
		stages[atomic_load(&box->stage)], "node", box->config->node, "uuid", state_uuid(box->state), "epoch",
		(json_int_t)box->epoch, "version", PENSTOCK_VERSION, "uptime_s",
		(json_int_t)((clock_ms() - box->started_ms) / 1000), "alarms", alarms_of(box), "warnings", warnings,
		"rates", rates_of(box), "ledger_ok", !ledger_alarmed(&box->ledger), "kafka", kafka_of(box), "hours", hours_of(box), "memory",
		"pools_bytes", (json_int_t)pool_bytes(box), "mapped_bytes", (json_int_t)memory_mapped_bytes(), "rss_bytes",
		(json_int_t)resident_bytes(), "bounds", "loss_events_at_kill", (json_int_t)loss_now(box), "ports",
		ports, "last_epoch", reached_of(box));
}

static json_t *term_of(const struct ledger_term *term)
{
	return json_pack("{s:s,s:I}", "name", term->name, "value", (json_int_t)term->value);
}

static json_t *equation_of(const struct ledger_equation *e)
{
	json_t *right = json_array(), *more = json_array();

	for (unsigned i = 0; i < e->more_count; i++)
		json_array_append_new(more, term_of(&e->more[i]));
	for (unsigned i = 0; i < e->term_count; i++)
		json_array_append_new(right, term_of(&e->right[i]));
	return json_pack("{s:s,s:b,s:o,s:o,s:o,s:I}", "name", e->name, "ok", !e->alarm, "left", term_of(&e->left), "more", more,
		"right", right, "difference", (json_int_t)e->difference);
}

static json_t *missed_of(struct box *box)
{
	uint64_t missed = 0;
	int reported = 1;

	for (unsigned i = 0; i < box->port_count; i++) {
		struct source_status status = {0};

		box->ports[i].ops->status(box->ports[i].source, &status);
		missed += status.missed;
		reported &= status.reports_missed;
	}
	return json_pack("{s:I,s:b}", "value", (json_int_t)missed, "reported", reported);
}

json_t *handle_ledger(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *equations = json_array(), *result;

	(void)params;
	(void)error;
	(void)code;
	pthread_mutex_lock(&box->ledger.lock);
	ledger_read(&box->ledger, box);
	for (unsigned i = 0; i < box->ledger.equation_count; i++)
		json_array_append_new(equations, equation_of(&box->ledger.equations[i]));
	result = json_pack("{s:o,s:I,s:I,s:I}", "equations", equations, "checked_at", (json_int_t)box->ledger.checked_us,
		"checks", (json_int_t)box->ledger.checks, "alarms", (json_int_t)box->ledger.alarms);
	pthread_mutex_unlock(&box->ledger.lock);
	json_object_set_new(result, "missed", missed_of(box));
	return result;
}

json_t *handle_stop(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;

	(void)params;
	(void)error;
	(void)code;
	atomic_store(&box->stop_asked, 1);
	return json_pack("{s:b}", "stopping", 1);
}
