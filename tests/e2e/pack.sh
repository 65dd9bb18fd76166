#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sixteen events a record, a line each: they come back exactly once and byte-exact, also over an outage of Kafka, and the ledger
# counts events.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
count=${PENSTOCK_EVENTS:-60000}

types_section() {
	"$pktgen" --list-types --types "$types" | awk '{ printf "  %s: {id: %s, pack: 16}\n", $2, $1 }'
	echo "  rawline: {id: 9999, record: raw}"
}

acked() { [ "$(ledger records acked)" -gt 5000 ]; }

broker_up --heap 256
bed_up
memory_more='pool: 192MiB, credit: 60%'
write_config dpdk 1
start_daemon
create_topics 3000
in_background pktgen generate --to 10.9.0.2 --to fd09::2 --format json --first 3000 --count $((count - 3000)) --rate 8000
generator=${background[-1]}
wait_for 30 "records are acked" acked
"$kafka" kill9 "$cluster" >/dev/null
let_pass 2 "Kafka is away"
"$kafka" start "$cluster" 1 >/dev/null
wait "$generator" || die "the generator failed"
wait_idle 120
truth=$work/truth-2.json
expect "events sent" "$(truth 'd["sent"]["events"]')" = $((count - 3000))
expect "events acked" "$(ledger records acked)" = "$count"
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back --packed 16 --allow repeated --allow identity_repeated --allow out_of_order
expect "records, a sixteenth of the events or a few more" "$(json 'd["packed_records"]' <"$work/read_back.json")" -lt $((count / 4))
finish
