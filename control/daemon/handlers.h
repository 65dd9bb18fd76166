/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the control socket answers. Each handlers_<room>.c registers its methods; all run on the main thread,
 * but those that are SERVER_APART. */

#include "control/daemon/box.h"
#include "control/daemon/server.h"

/* 0 or -errno. Main thread, before the first server_poll. */
int handlers_register(struct server *server, struct box *box);

server_handler handle_status, handle_ledger, handle_stop;
server_handler handle_ports, handle_workers, handle_drops;
server_handler handle_quotas, handle_sources, handle_types, handle_config;
server_handler handle_rules, handle_reload, handle_generation;
server_handler handle_tables, handle_lookup;
server_handler handle_spool, handle_spool_replay;
server_handler handle_kafka, handle_topics_plan, handle_topics_create;

/* handlers_sources.c: how many rows a request asks for with "limit", and a sender's address as JSON. */
unsigned rows_limit(const json_t *params);
json_t *json_address(const struct address *address);

/* A counter's value as JSON. */
static inline json_t *json_counter(uint64_t value)
{
	return json_integer((json_int_t)value);
}
