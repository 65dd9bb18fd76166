#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# spool.mode wal, killed with -9 again and again under traffic, at random moments, with Kafka there and with Kafka hanging: nothing
# that was accepted is lost, and what is repeated stays within the bound that the daemon prints.
. "$(dirname "$0")/../smoke/_init.sh"

kills=20
[ -z "${PENSTOCK_FULL:-}" ] || kills=200
types=8
seed=${PENSTOCK_SEED:-$RANDOM}
RANDOM=$seed
memory_more='pool: 2MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
spool='mode: wal, segment: 256KiB, replay: 4MiB'
config_more='stop: {drain: 5s}'

accepted() { cli -j show spool 2>/dev/null | json 'd["accepted"]'; }
flows() { [ "$(accepted)" -gt 200 ]; }

broker_up --heap 256
bed_up
write_config dpdk 1
start_daemon
create_topics 500
stop_daemon
echo "seed $seed"

in_background pktgen in_sender "$pktgen" --to 10.9.0.2 --to fd09::2 --types $types --rate 6000 --duration 900
generator=${background[-1]}
: >"$work/lives"
for ((i = 0; i < kills; i++)); do
	[ $((i % 5)) != 3 ] || "$kafka" pause "$cluster"
	start_daemon
	wait_for 20 "events are accepted" flows
	pause=$((RANDOM % 2500))
	sleep "$((pause / 1000)).$(printf '%03d' $((pause % 1000)))" # the moment of death is the point
	echo "$(cli -j status | json 'd["epoch"]') $(accepted)" >>"$work/lives"
	kill_daemon
	[ $((i % 5)) != 3 ] || "$kafka" resume "$cluster"
done
kill "$generator" && wait "$generator" 2>/dev/null || true
start_daemon
wait_idle 120
cli show spool
expect "events found on disk after the last kill" "$(ledger spool)" -ge 1
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
bound=$(sed -n 's/.*either repeats at most \([0-9]*\) MiB.*/\1/p' "$work/penstockd.log" | tail -1)
"$root/tests/e2e/lives.py" --bootstrap "$bootstrap" --topics "$test_name." --lives "$work/lives" --bound $((bound << 20)) ||
	fail "what was accepted is not all in Kafka (seed $seed)"
finish
