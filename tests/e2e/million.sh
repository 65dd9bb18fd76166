#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A million JSON events of 64 types over a veth through the DPDK path into 64 topics: read back exactly once, byte-exact
# apart from what Penstock appends; the ledger closes to zero.
. "$(dirname "$0")/../smoke/_init.sh"

count=${PENSTOCK_EVENTS:-1000000}
rate=${PENSTOCK_RATE:-25000}

broker_up
bed_up
write_config dpdk 1
start_daemon
create_topics 3000
generate --to 10.9.0.2 --to fd09::2 --format json --first 3000 --count $((count - 3000)) --rate "$rate"
wait_idle 120

expect "events sent" "$(truth 'd["sent"]["events"]')" = $((count - 3000))
expect "events found" "$(ledger events)" = "$count"
expect "events numbered" "$(ledger records)" = "$count"
expect "events acked" "$(ledger records acked)" = "$count"
expect_ledger_closed
stop_daemon
expect "exit code after the drain" "$daemon_code" = 0
read_back
expect "topics with events" "$(json 'd["topics"]' <"$work/read_back.json")" -ge 64
finish
