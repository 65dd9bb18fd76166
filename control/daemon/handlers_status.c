/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "control/api/protocol.h"
#include "control/api/version.h"
#include "control/daemon/handlers.h"
#include "control/daemon/totals.h"
#include "control/daemon/warnings.h"

static const char *const stages[] = {API_STATE_STARTING, API_STATE_RECEIVING, API_STATE_DRAINING};

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
