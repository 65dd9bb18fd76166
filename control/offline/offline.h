/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * penstock-offline: commands of penstock(1) that need no daemon but what it is made of. penstock reads the command
 * line, and runs this program for them, so that it itself stays without DPDK. One thread.
 */

#include <stdio.h>

#include <jansson.h>

struct offline {
	const char *config, *file; /* options; NULL: not given */
	unsigned port;             /* 0: not given */
	int json, all, yes;
	const char *topic; /* NULL: not given */
	char *const *words; /* `count` of them */
	int count;
	FILE *out, *err;
};

/* Returns the exit code. */
typedef int offline_run(const struct offline *offline);

offline_run offline_rules_test, offline_tables_build, offline_tables_lookup;
offline_run offline_spool_status, offline_spool_check, offline_spool_export, offline_spool_quarantine;

/* Says what went wrong, escaped, on standard error, and returns `code`. */
__attribute__((format(printf, 3, 4))) int offline_fail(const struct offline *offline, int code, const char *fmt, ...);

/* Prints the result as one JSON object, and forgets it. */
void offline_json(const struct offline *offline, json_t *result);
