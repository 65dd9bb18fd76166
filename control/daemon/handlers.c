/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/handlers.h"

#include "base/compiler.h"
#include "control/api/protocol.h"

static const struct {
	const char *name;
	server_handler *handler;
	unsigned flags;
} methods[] = {
	{API_STATUS, handle_status, 0},
	{API_LEDGER, handle_ledger, 0},
	{API_RELOAD, handle_reload, SERVER_CHANGES},
	{API_SHOW_RULES, handle_rules, 0},
	{API_SHOW_GENERATION, handle_generation, 0},
	{API_STOP, handle_stop, SERVER_CHANGES | SERVER_STOPS},
	{API_SHOW_PORTS, handle_ports, 0},
	{API_SHOW_WORKERS, handle_workers, 0},
	{API_SHOW_DROPS, handle_drops, 0},
	{API_SHOW_SOURCES, handle_sources, 0},
	{API_SHOW_QUOTAS, handle_quotas, 0},
	{API_SHOW_TYPES, handle_types, 0},
	{API_SHOW_CONFIG, handle_config, 0},
	{API_SHOW_KAFKA, handle_kafka, 0},
	{API_SHOW_TABLES, handle_tables, 0},
	{API_SHOW_SPOOL, handle_spool, 0},
	{API_SPOOL_REPLAY, handle_spool_replay, SERVER_CHANGES | SERVER_APART},
	{API_TABLES_LOOKUP, handle_lookup, 0},
	{API_TOPICS_PLAN, handle_topics_plan, SERVER_APART},
	{API_TOPICS_CREATE, handle_topics_create, SERVER_CHANGES | SERVER_APART},
};

int handlers_register(struct server *server, struct box *box)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(methods); i++) {
		int rc = server_register(server, methods[i].name, methods[i].handler, box, methods[i].flags);

		if (rc != 0)
			return rc;
	}
	return 0;
}
