/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/api/protocol.h"
#include "control/daemon/handlers.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     10000

unsigned rows_limit(const json_t *params)
{
	const json_t *limit = json_object_get(params, "limit");
	json_int_t wanted = json_is_integer(limit) ? json_integer_value(limit) : LIMIT_DEFAULT;

	return wanted < 1 ? 1 : wanted > LIMIT_MAX ? LIMIT_MAX : (unsigned)wanted;
}

json_t *json_address(const struct address *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6, address->bytes, text, sizeof(text));
	return json_string(text);
}

/* The rows that rank highest, kept sorted while all rows pass by. */
struct ranking {
	struct sources_row *rows;
	unsigned count, limit;
	uint64_t seen;
	int by_lost;
};

static uint64_t rank_of(const struct ranking *ranking, const struct sources_row *row)
{
	return ranking->by_lost ? row->lost : row->received;
}

static int rank(void *context, const struct sources_row *row)
{
	struct ranking *ranking = context;
	unsigned at;

	ranking->seen++;
	if (ranking->count == ranking->limit &&
		rank_of(ranking, row) <= rank_of(ranking, &ranking->rows[ranking->count - 1]))
		return 0;
	if (ranking->count < ranking->limit)
		ranking->count++;
	for (at = ranking->count - 1; at > 0 && rank_of(ranking, &ranking->rows[at - 1]) < rank_of(ranking, row); at--)
		ranking->rows[at] = ranking->rows[at - 1];
	ranking->rows[at] = *row;
	return 0;
}

static json_t *row_of(const struct sources_row *row, uint64_t tsc)
{
	char id[24];

	(void)snprintf(id, sizeof(id), "%" PRIu64, row->id);
	return json_pack("{s:o,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "address", json_address(&row->address), "id",
		(json_int_t)row->id, "source_id", id, "epoch", (json_int_t)row->epoch, "expected", (json_int_t)row->expected, "received",
		(json_int_t)row->received, "lost", (json_int_t)row->lost, "pending", (json_int_t)row->pending, "late", (json_int_t)row->late, "duplicate",
		(json_int_t)row->duplicate, "outside", (json_int_t)row->outside, "restarted", (json_int_t)row->restarts,
		"last_seen_s", (double)(int64_t)(tsc - row->moved_tsc) / (double)clock_hz());
}

static json_t *totals_of(struct sources *sources)
{
	struct sources_totals t = {0};

	if (sources != NULL)
		(void)sources_totals(sources, &t, NULL);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "expected", (json_int_t)t.expected, "received",
		(json_int_t)t.received, "lost", (json_int_t)t.lost, "pending", (json_int_t)t.pending, "late", (json_int_t)t.late,
		"duplicate", (json_int_t)t.duplicate, "outside", (json_int_t)t.outside, "tracked", (json_int_t)t.tracked,
		"capacity", (json_int_t)t.capacity, "restarted", (json_int_t)t.restarted, "retired", (json_int_t)t.retired,
		"untracked", (json_int_t)t.untracked);
}

json_t *handle_sources(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	const json_t *order = json_object_get(params, "order");
	struct ranking ranking = {.by_lost = json_is_string(order) && strcmp(json_string_value(order), "lost") == 0};
	json_t *rows = json_array();
	uint64_t tsc = clock_tsc();

	ranking.limit = rows_limit(params);
	ranking.rows = calloc(ranking.limit, sizeof(*ranking.rows));
	if (ranking.rows == NULL) {
		*code = API_INTERNAL_ERROR;
		(void)error_set(error, -ENOMEM, "no memory for %u rows", ranking.limit);
		json_decref(rows);
		return NULL;
	}
	if (box->sources != NULL)
		(void)sources_read(box->sources, rank, &ranking);
	for (unsigned i = 0; i < ranking.count; i++)
		json_array_append_new(rows, row_of(&ranking.rows[i], tsc));
	free(ranking.rows);
	return json_pack("{s:o,s:o,s:I}", "totals", totals_of(box->sources), "sources", rows, "more",
		(json_int_t)(ranking.seen - ranking.count));
}
