/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/handlers.h"
#include "control/daemon/totals.h"

static json_t *row_of(const char *name, const struct spool_log_state *state)
{
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "log", name, "events", (json_int_t)counter_read(&state->left_events),
		"entries", (json_int_t)atomic_load(&state->left), "frontier", (json_int_t)counter_read(&state->frontier), "end",
		(json_int_t)counter_read(&state->end), "bytes", (json_int_t)counter_read(&state->bytes), "files",
		(json_int_t)counter_read(&state->segments), "suspect", (json_int_t)counter_read(&state->suspect));
}

static json_t *logs_of(const struct box *box)
{
	json_t *rows = json_array();
	const char *name;

	for (unsigned i = 0; i < box->producer_count; i++) {
		const struct spool *spool = producer_spool(box->producers[i].producer);
		const struct spool_log_state *state;

		for (unsigned k = 0; spool != NULL && (state = spool_log_at(spool, k, &name)) != NULL; k++)
			json_array_append_new(rows, row_of(name, state));
	}
	return rows;
}

/* Dead letters by reason, since the start. Reasons of several producers are the same few constants, a row each. */
static json_t *reasons_of(const struct box *box)
{
	json_t *sums = json_object(), *rows = json_array(), *sum;
	const char *name;

	for (unsigned i = 0; i < box->producer_count; i++) {
		const struct spool *spool = producer_spool(box->producers[i].producer);
		const struct spool_reason *reason;

		for (unsigned k = 0; spool != NULL && (reason = spool_reason_at(spool, k)) != NULL; k++) {
			name = atomic_load(&reason->name);
			json_object_set_new(sums, name, json_integer(json_integer_value(json_object_get(sums, name)) +
								     (json_int_t)counter_read(&reason->events)));
		}
	}
	json_object_foreach(sums, name, sum)
		json_array_append_new(rows, json_pack("{s:s,s:O}", "reason", name, "events", sum));
	json_decref(sums);
	return rows;
}

/* UTC in microseconds of the eldest dead letter; 0: there is none. */
static json_int_t eldest_of(const struct box *box)
{
	uint64_t eldest = 0;

	for (unsigned i = 0; i < box->producer_count; i++) {
		const struct spool *spool = producer_spool(box->producers[i].producer);
		uint64_t since = spool != NULL ? counter_read(&spool_count(spool)->dead_since_us) : 0;

		if (since != 0 && (eldest == 0 || since < eldest))
			eldest = since;
	}
	return (json_int_t)eldest;
}

static json_t *dead_of(const struct box *box)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:o}", "events", (json_int_t)TOTAL_SPOOL(box, dead), "bytes",
		(json_int_t)TOTAL_SPOOL(box, dead_bytes), "eldest", eldest_of(box), "replaying",
		(json_int_t)TOTAL_SPOOL(box, exhuming), "reasons", reasons_of(box));
}

static uint64_t turned_away(const struct box *box, unsigned class)
{
	uint64_t events = 0;

	for (unsigned i = 0; i < box->worker_count; i++)
		events += counter_read(&box->workers[i].lane.turned_away[class]);
	return events;
}

static json_t *class_row(const struct box *box, unsigned number)
{
	static const char *const keeps[] = {"oldest", "newest", "sample"};
	const struct spool_class *class = &box->config->classes[number];
	uint64_t bytes, share;

	total_class(box, number, &bytes, &share);
	return json_pack("{s:s,s:s,s:I,s:I,s:I}", "class", class->name, "full", keeps[class->policy], "bytes", (json_int_t)bytes,
		"share_bytes", (json_int_t)share, "turned_away", (json_int_t)turned_away(box, number));
}

static json_t *classes_of(const struct box *box)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < box->config->class_count; i++)
		json_array_append_new(rows, class_row(box, i));
	return rows;
}

/* Seconds until what is on disk is delivered, at the rate of the last second; -1: that cannot be told. */
static json_int_t eta_s(const struct box *box, uint64_t waiting)
{
	uint64_t rate = atomic_load(&box->rates.replayed);

	return waiting == 0 ? 0 : rate == 0 ? -1 : (json_int_t)(waiting / rate);
}

static json_t *bounds_of(const struct box *box)
{
	const struct box_bounds bounds = box_bounds(box);

	return json_pack("{s:I,s:I,s:I,s:I}", "lost_bytes", (json_int_t)bounds.lost_bytes, "repeated_bytes",
		(json_int_t)bounds.repeated_bytes, "power_cut_bytes", (json_int_t)bounds.power_cut_bytes, "power_cut_us",
		(json_int_t)bounds.power_cut_us);
}

json_t *handle_spool(void *context, const json_t *params, struct error *error, int *code)
{
	static const char *const modes[] = {"off", "direct", "wal"};
	struct box *box = context;
	uint64_t waiting = TOTAL_SPOOL(box, spooled) + TOTAL_SPOOL(box, parked);

	(void)params;
	(void)error;
	(void)code;
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "mode", modes[box->config->spool_mode],
		"directory", box->spool_directory, "size_bytes", (json_int_t)box->config->spool_bytes, "spooled",
		(json_int_t)TOTAL_SPOOL(box, spooled), "parked", (json_int_t)TOTAL_SPOOL(box, parked), "recovered",
		(json_int_t)TOTAL_SPOOL(box, recovered), "damaged", (json_int_t)TOTAL_SPOOL(box, damaged), "made_room",
		(json_int_t)TOTAL_SPOOL(box, made_room), "sampled", (json_int_t)TOTAL_PRODUCER(box, given_up_sampled), "accepted",
		(json_int_t)TOTAL_SPOOL(box, accepted), "written",
		(json_int_t)TOTAL_SPOOL(box, written), "replayed", (json_int_t)TOTAL_SPOOL(box, replayed), "replay_rate",
		(json_int_t)atomic_load(&box->rates.replayed), "eta_s", eta_s(box, waiting), "syncs",
		(json_int_t)TOTAL_SPOOL(box, syncs), "sync_failures", (json_int_t)TOTAL_SPOOL(box, sync_failures), "refused",
		(json_int_t)TOTAL_SPOOL(box, refused), "bounds", bounds_of(box), "dead_letters", dead_of(box), "classes", classes_of(box), "logs", logs_of(box));
}
