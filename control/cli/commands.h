/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the grammar's table refers to; the types say what each does. One thread. */

#include "control/cli/grammar.h"

cli_display display_status, display_ledger, display_ports, display_workers, display_sources, display_quotas;
cli_display display_types, display_kafka, display_drops, display_config, display_topics, display_stop;
cli_judge judge_status, judge_ledger, judge_topics;
cli_params params_limit, params_reload, params_sources, params_replay;
cli_display display_generation, display_rules, display_tables;
cli_display display_spool, display_replay;
cli_run run_reload, run_wait_ready, run_wait_alarm, run_wait_idle, run_help;
cli_run run_rules_test, run_tables_build, run_tables_lookup;
cli_run run_spool_status, run_spool_directory, run_spool_quarantine, run_spool_replay;

/* The completion for bash, from the grammar. */
void completion_write(FILE *out);
