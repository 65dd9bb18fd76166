/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/api/protocol.h"
#include "control/daemon/handlers.h"
#include "control/daemon/totals.h"
#include "worker/senders.h"

/* As it is written, though that of an IPv4 network is kept as the IPv6 one. */
static json_t *prefix_of(const struct quota_prefix *prefix)
{
	int v4 = address_is_v4(prefix->address);
	unsigned length = (unsigned)(__builtin_popcountll(prefix->mask.high) + __builtin_popcountll(prefix->mask.low));
	struct address address = {.family = v4 ? ADDRESS_IPV4 : ADDRESS_IPV6};
	uint64_t high = htobe64(prefix->address.high), low = htobe64(prefix->address.low);
	uint32_t word = htobe32((uint32_t)prefix->address.low);
	json_t *text, *result;

	memcpy(address.bytes, &high, sizeof(high));
	memcpy(address.bytes + 8, &low, sizeof(low));
	if (v4)
		memcpy(address.bytes, &word, sizeof(word));
	text = json_address(&address);
	result = json_sprintf("%s/%u", json_string_value(text), v4 ? length - 96 : length);
	json_decref(text);
	return result;
}

static json_t *quota_of(const struct quota *quota)
{
	json_t *from = json_array();

	for (unsigned i = 0; i < quota->prefix_count; i++)
		json_array_append_new(from, prefix_of(&quota->prefixes[i]));
	return json_pack("{s:o,s:I,s:I,s:I}", "from", from, "datagrams", (json_int_t)quota->datagrams, "bytes",
		(json_int_t)quota->bytes, "burst_us", (json_int_t)quota->burst_us);
}

static json_t *quotas_of(struct box *box)
{
	json_t *list = json_array();
	const struct quotas *quotas;

	pthread_mutex_lock(&box->generations.lock);
	quotas = box->generations.now->quotas;
	for (unsigned i = 0; quotas != NULL && i < quotas->count; i++)
		json_array_append_new(list, quota_of(&quotas->each[i]));
	pthread_mutex_unlock(&box->generations.lock);
	return list;
}

struct rows {
	struct senders_row *each;
	size_t count, room;
};

static int add_row(void *context, const struct senders_row *row)
{
	struct rows *rows = context;

	if (rows->count == rows->room) {
		size_t room = rows->room * 2 + 64;
		struct senders_row *more = reallocarray(rows->each, room, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		rows->each = more;
		rows->room = room;
	}
	rows->each[rows->count++] = *row;
	return 0;
}

static int more_dropped(const void *a, const void *b)
{
	uint64_t left = ((const struct senders_row *)a)->dropped, right = ((const struct senders_row *)b)->dropped;

	return left == right ? 0 : left < right ? 1 : -1;
}

static json_t *row_of(const struct senders_row *row, uint64_t tsc)
{
	return json_pack("{s:o,s:I,s:I,s:f}", "address", json_address(&row->address), "dropped", (json_int_t)row->dropped, "bytes",
		(json_int_t)row->bytes, "last_dropped_s", (double)(int64_t)(tsc - row->last_tsc) / (double)clock_hz());
}

json_t *handle_quotas(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	struct rows rows = {0};
	json_t *list = json_array();
	size_t shown = rows_limit(params);
	uint64_t tsc = clock_tsc();

	if (senders_read(box->senders, add_row, &rows) != 0) {
		*code = API_INTERNAL_ERROR;
		(void)error_set(error, -ENOMEM, "no memory for %zu rows", rows.count);
		free(rows.each);
		json_decref(list);
		return NULL;
	}
	if (rows.count > 0)
		qsort(rows.each, rows.count, sizeof(*rows.each), more_dropped);
	if (shown > rows.count)
		shown = rows.count;
	for (size_t i = 0; i < shown; i++)
		json_array_append_new(list, row_of(&rows.each[i], tsc));
	free(rows.each);
	return json_pack("{s:o,s:o,s:I,s:I,s:I,s:I}", "quotas", quotas_of(box), "senders", list, "more",
		(json_int_t)(rows.count - shown), "dropped",
		(json_int_t)total_workers(box, offsetof(struct worker_counters, datagram_drops) +
						       DATAGRAM_DROP_sender_quota * sizeof(counter)),
		"unlimited", (json_int_t)senders_unlimited(box->senders), "capacity", (json_int_t)box->config->senders);
}
