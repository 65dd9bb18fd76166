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

/* Seconds until what is on disk is delivered, at the rate of the last second; -1: that cannot be told. */
static json_int_t eta_s(const struct box *box, uint64_t waiting)
{
	uint64_t rate = atomic_load(&box->rates.replayed);

	return waiting == 0 ? 0 : rate == 0 ? -1 : (json_int_t)(waiting / rate);
}

json_t *handle_spool(void *context, const json_t *params, struct error *error, int *code)
{
	static const char *const modes[] = {"off", "direct", "wal"};
	struct box *box = context;
	uint64_t waiting = TOTAL_SPOOL(box, spooled) + TOTAL_SPOOL(box, parked);

	(void)params;
	(void)error;
	(void)code;
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "mode", modes[box->config->spool_mode],
		"directory", box->spool_directory, "size_bytes", (json_int_t)box->config->spool_bytes, "spooled",
		(json_int_t)TOTAL_SPOOL(box, spooled), "parked", (json_int_t)TOTAL_SPOOL(box, parked), "recovered",
		(json_int_t)TOTAL_SPOOL(box, recovered), "damaged", (json_int_t)TOTAL_SPOOL(box, damaged), "accepted",
		(json_int_t)TOTAL_SPOOL(box, accepted), "written",
		(json_int_t)TOTAL_SPOOL(box, written), "replayed", (json_int_t)TOTAL_SPOOL(box, replayed), "replay_rate",
		(json_int_t)atomic_load(&box->rates.replayed), "eta_s", eta_s(box, waiting), "syncs",
		(json_int_t)TOTAL_SPOOL(box, syncs), "sync_failures", (json_int_t)TOTAL_SPOOL(box, sync_failures), "refused",
		(json_int_t)TOTAL_SPOOL(box, refused), "logs", logs_of(box));
}
