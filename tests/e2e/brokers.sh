#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three brokers, three replicas, of which two must be in sync: one is killed under traffic, then a second one too, and all that was
# sent is acknowledged when they are back, exactly once. Then one topic alone demands more brokers than there are: it is parked,
# the others flow, and a daemon that is killed meanwhile repeats no more than it has printed.
. "$(dirname "$0")/../smoke/_init.sh"

types=4
rate=2500
seconds=5 # of traffic
[ -z "${PENSTOCK_FULL:-}" ] || seconds=30
replicas=3
first=0
total=0 # events sent to the daemon that runs
memory_more='pool: 4MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
config_more='stop: {drain: 2s}'
spool='mode: direct, segment: 1MiB, replay: 1MiB'
strict=click # the topic that demands more than the others

traffic() { # SECONDS: in the background, until arrived
	local count=$(($1 * rate))
	in_background "pktgen-$((++generated))" in_sender "$pktgen" --types $types --to 10.9.0.2 --to fd09::2 --first $first \
		--count $count --rate $rate --truth-events "$work/events-$generated.txt"
	generator=${background[-1]}
	first=$((first + count)) total=$((total + count))
}
arrived() { # WHAT
	wait "$generator" || die "the generator failed"
	wait_for 20 "$1: all events are numbered" numbered
	expect "$1: events dropped" "$(ledger events dropped.)" = 0
	expect "$1: events given up" "$(ledger records given_up.)" = 0
	expect "$1: ledger of events, difference" "$(ledger records difference)" = 0
}

numbered() { [ "$(ledger records)" = $total ]; }
acked_more() { [ "$(ledger records acked)" -gt "$1" ]; }
on_disk() { echo $(($(ledger spool spooled) + $(ledger spool parked))); }
disk_has() { [ "$(on_disk)" -ge "$1" ]; }
accepted() { [ "$(cli -j show spool | json 'd["accepted"]')" = "$1" ]; }
log_lines() { wc -l <"$work/penstockd.log"; }
held() { cli -j show kafka | json "sum(t['held'] for t in d['topics'] if $1)"; }
others_flow() { [ "$(held "t['name'] != '$test_name.$strict'")" = 0 ]; }
parked() { [ "$(ledger spool parked)" -ge "$1" ]; }

# Every partition of the test's topics has so many replicas in sync, as the first broker sees it.
in_sync() { # COUNT
	[ "$(kcat -q -b "${bootstrap%%,*}" -L -J -m 5 | json "sorted({len(p['isrs']) for t in d['topics']
		if t['topic'].startswith('$test_name.') for p in t['partitions']})")" = "[$1]" ]
}

moves() { # WHAT: traffic is acknowledged
	wait_for 30 "$1: events are acked" acked_more "$(ledger records acked)"
}

expect_well() { # WHAT LOG-LINES-BEFORE
	wait_idle 120
	expect "$1: events acked" "$(ledger records acked)" = $((total + ${recovered:-0}))
	expect "$1: events on disk" "$(on_disk)" = 0
	expect "$1: lines of the log" $(($(log_lines) - $2)) -lt 20
	expect_ledger_closed
}

# The first broker is the controller: the others may be killed both, and it takes note.
broker_up --nodes 3 --controllers 1 --heap 200
bed_up
write_config dpdk 1
start_daemon
create_topics 100
first=100 total=100

# --- one of three is killed, and when the others go on, a second one: too few in sync for any topic ---

lines=$(log_lines)
traffic $((seconds * 2))
moves "all brokers"
"$kafka" kill9 "$cluster" 3
wait_for 30 "two replicas are in sync" in_sync 2
moves "two of three"
expect "two of three: lines of the log" $(($(log_lines) - lines)) -lt 20
lines=$(log_lines)
"$kafka" kill9 "$cluster" 2
wait_for 30 "one replica is in sync" in_sync 1
wait_for 20 "events wait on disk" disk_has 1000
arrived "one of three"
"$kafka" start "$cluster" 2 >/dev/null
expect_well "two of three again" "$lines"
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back --allow out_of_order

# --- one topic alone; the daemon writes all to disk first, and is killed ---

"$kafka" configs "$cluster" --alter --entity-type topics --entity-name "$test_name.$strict" \
	--add-config min.insync.replicas=3 >"$work/configs.log" 2>&1 || die "the topic's configuration could not be set"
spool='mode: wal, segment: 1MiB, replay: 1MiB'
memory_more='pool: 2MiB, batch: 16KiB'
write_config dpdk 1
total=0
start_daemon
lines=$(log_lines)
traffic $((seconds + 4))
wait_for 30 "the topic is parked" parked 200
arrived "one topic"
wait_for 20 "all events of the other topics are acked" others_flow
wait_for 10 "all is accepted" accepted $total
cli show spool
kill_daemon
total=0
start_daemon
recovered=$(ledger spool)
expect "one topic: events recovered" "$recovered" -ge 200
traffic 1
arrived "one topic, and the daemon killed"
wait_for 20 "all events of the other topics are acked again" others_flow
"$kafka" start "$cluster" 3 >/dev/null
expect_well "one topic" "$lines"
stop_daemon
expect "exit code" "$daemon_code" = 0

# --- the controller itself, without which nothing can change; and one topic alone again, with a stop in good order ---

if [ -n "${PENSTOCK_FULL:-}" ]; then
	spool='mode: direct, segment: 1MiB, replay: 1MiB'
	write_config dpdk 1
	total=0 recovered=0
	start_daemon
	lines=$(log_lines)
	traffic $((seconds * 2))
	moves "the controller"
	"$kafka" kill9 "$cluster" 1
	wait_for 20 "events wait on disk" disk_has 1000
	arrived "the controller"
	"$kafka" start "$cluster" 1 >/dev/null
	expect_well "the controller" "$lines"

	"$kafka" kill9 "$cluster" 3
	wait_for 30 "two replicas are in sync" in_sync 2
	traffic $((seconds * 2))
	wait_for 30 "the topic is parked" parked 200
	arrived "one topic, stopped"
	stop_daemon
	expect "exit code" "$daemon_code" = 0
	total=0
	start_daemon
	recovered=$(ledger spool)
	expect "one topic, stopped: events recovered" "$recovered" -ge 200
	lines=$(log_lines)
	"$kafka" start "$cluster" 3 >/dev/null
	expect_well "one topic, stopped" "$lines"
	stop_daemon
	expect "exit code" "$daemon_code" = 0
fi
bound=$(sed -n 's/.*either repeats at most \([0-9]*\) MiB.*/\1/p' "$work/penstockd.log" | tail -1)
read_back --allow out_of_order --allow repeated --allow identity_repeated
expect "bytes repeated" "$(json 'd["repeated"] * d["bytes"] // d["records"]' <"$work/read_back.json")" -le $((bound << 20))
finish
