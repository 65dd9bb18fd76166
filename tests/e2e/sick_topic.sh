#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One topic of 64 without a leader, at half load: the others lose nothing and are acknowledged as quickly as before (judged in
# the full run only: beside compilers times say little); the sick one's overflow is a named drop, or with a spool parked on
# disk, and all of it closes when its leader is back. In the full run, the same with too few replicas in sync.
. "$(dirname "$0")/../smoke/_init.sh"

outage=15 # seconds; PENSTOCK_OUTAGE for another
[ -z "${PENSTOCK_FULL:-}" ] || outage=120
outage=${PENSTOCK_OUTAGE:-$outage}
rate=3000
[ -z "${PENSTOCK_FULL:-}" ] || rate=15000
sick=click
memory_more='pool: 32MiB, batch: 64KiB, credit: 4%'
port_more='    max_datagram: 16000'
first=0

send() { # SECONDS
	generate --to 10.9.0.2 --to fd09::2 --first $first --count $(($1 * rate)) --rate $rate
	first=$((first + $1 * rate))
}

# The sick topic's or the others' counter.
of_sick() { cli -j show kafka | json "next(t['$1'] for t in d['topics'] if t['name'] == '$test_name.$sick')"; }
of_others() { cli -j show kafka | json "sum(t['$1'] for t in d['topics'] if t['name'] != '$test_name.$sick')"; }
p99() { cli -j show kafka | json 'int(d["producers"][0]["ack_ms"]["p99"])'; }
others_home() { [ "$(of_others held)" = 0 ]; }

# Two brokers: the second has the one topic and nothing else, for it is away when the others are made.
broker_up --nodes 2 --heap 256
bed_up
write_config dpdk 1
"$kafka" topics "$cluster" --create --topic "$test_name.$sick" --replica-assignment 2,2,2,2 >"$work/topic.log" 2>&1 ||
	die "the topic of the second broker could not be made: $(tail -1 "$work/topic.log")"
"$kafka" kill9 "$cluster" 2
bootstrap=${bootstrap%%,*}
write_config dpdk 1
one_broker() { [ "$(kcat -q -b "$bootstrap" -L -J -m 5 | json 'len(d["brokers"])')" = 1 ]; }
wait_for 30 "the second broker is gone" one_broker
start_daemon
create_topics
expect "topics made" "$(grep -c created "$work/topics.log")" -ge 64
"$kafka" start "$cluster" 2 >/dev/null

# A cold broker and a cold client are slow at first: each measure is taken in a life of its own, of warm ones.
send 2
wait_idle
cold=$(ledger events dropped.)
stop_daemon
start_daemon
sent=$first
send 6
wait_idle
expect "well: events acked" "$(ledger records acked)" = $((first - sent))
before=$(p99)
stop_daemon

"$kafka" kill9 "$cluster" 2 # before the client asks one of the brokers, any of them, for its producer id
wait_for 30 "the second broker is gone" one_broker
start_daemon
sent=$first
send "$outage"
wait_for 20 "all events of the other topics are acked" others_home
during=$(p99)
dropped=$(drops topic_credit)
expect "sick: events dropped for the topic's credit" "$dropped" -gt 0
expect "sick: events dropped for want of batches" "$(drops pool_empty)" = 0
expect "sick: events of the sick topic that wait" "$(of_sick held)" -gt 0
expect "sick: events in flight, all the sick topic's" "$(ledger records in_flight.)" = "$(of_sick held)"
expect "sick: seconds that the topic stands still" "$(of_sick stalled_s)" -ge 3
expect "sick: events given up" "$(ledger records given_up.)" = 0
echo "     99 % of all were acked within $before ms when all was well, within $during ms with one topic sick"
[ -z "${PENSTOCK_FULL:-}" ] || expect "99th percentile of the others, in ms" "$during" -le $((2 * before + 20)) # what a busy machine adds to short times

"$kafka" start "$cluster" 2 >/dev/null
wait_idle 60
send 2
wait_idle
expect "well again: events acked" "$(ledger records acked)" = $((first - sent - dropped))
expect "well again: seconds that the topic stands still" "$(of_sick stalled_s)" = 0
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0

# --- the same with a spool: what the topic cannot take is parked, and nothing is dropped ---

parked() { # WHAT SECONDS
	start_daemon
	sent=$first
	send "$2"
	wait_for 20 "all events of the other topics are acked" others_home
	let_pass 4 "nobody sends anything, and nothing is acknowledged"
	acked=$(of_others acked)
	send 2
	wait_for 20 "all events of the other topics are acked after the lull" others_home
	expect "$1: events of others acked after the lull" "$(($(of_others acked) - acked))" -gt 0
	expect "$1: events dropped" "$(ledger events dropped.)" = 0
	expect "$1: events on disk" "$(ledger spool parked)" -gt 0
	expect "$1: events on disk of others" "$(ledger spool spooled)" = 0
	expect "$1: logs that hold events" "$(cli -j show spool | json "' '.join(l['log'] for l in d['logs'] if l['events'] > 0)")" = \
		"topic.0.$test_name.$sick"
	echo "     99 % of all were acked within $(p99) ms with one topic parked: $1"
	[ -z "${PENSTOCK_FULL:-}" ] || expect "99th percentile of the others, in ms" "$(p99)" -le $((2 * before + 20))
}

well_again() { # WHAT
	wait_idle 60
	expect "$1, and well again: events acked" "$(ledger records acked)" = $((first - sent))
	expect_ledger_closed
	stop_daemon
	expect "exit code" "$daemon_code" = 0
}

"$kafka" kill9 "$cluster" 2
wait_for 30 "the second broker is gone" one_broker
spool='mode: direct'
write_config dpdk 1
parked leaderless $((outage * 2 / 3))
"$kafka" start "$cluster" 2 >/dev/null
well_again leaderless

# Each partition of the sick topic on both brokers, both of which have to have what is acknowledged.
on_both() {
	local i partitions=()
	for i in 0 1 2 3; do partitions+=("{\"topic\": \"$test_name.$sick\", \"partition\": $i, \"replicas\": [2, 1]}"); done
	(IFS=, && echo "{\"version\": 1, \"partitions\": [${partitions[*]}]}") >"$work/replicas.json"
	"$kafka" reassign "$cluster" --reassignment-json-file "$work/replicas.json" --execute >"$work/reassign.log" 2>&1 ||
		die "the sick topic's replicas could not be added"
	wait_for 60 "both brokers have the sick topic" both_have
	"$kafka" configs "$cluster" --alter --entity-type topics --entity-name "$test_name.$sick" \
		--add-config min.insync.replicas=2 >"$work/configs.log" 2>&1 || die "the sick topic could not be configured"
}

both_have() {
	[ "$(kcat -q -b "$bootstrap" -L -J -m 5 -t "$test_name.$sick" |
		json 'min(len(p["isrs"]) for p in d["topics"][0]["partitions"])')" = 2 ]
}

if [ -n "${PENSTOCK_FULL:-}" ]; then
	on_both
	"$kafka" kill9 "$cluster" 2
	wait_for 30 "the second broker is gone" one_broker
	parked "too few in sync" "$outage"
	"$kafka" start "$cluster" 2 >/dev/null
	well_again "too few in sync"
fi
read_back --allow missing=$((dropped + cold)) --allow out_of_order
expect "events missing, all counted as dropped" "$(json 'd["missing"]' <"$work/read_back.json")" = $((dropped + cold))
finish
