#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Topics are deleted and made anew under traffic: at once, several times over, before the client sees that they were away; and after
# it has seen it; with as many partitions, with fewer, with more. The others are not held up. What was in a deleted topic is gone
# with it; everything else arrives, what waited and what came later. Of topics that stay away for a while, the events missing
# are exactly those that had been acknowledged when they went.
. "$(dirname "$0")/../smoke/_init.sh"

types=6 # impression request click view listing scroll
rate=4000
times=4 # that one topic is made anew at once
[ -z "${PENSTOCK_FULL:-}" ] || rate=20000 times=30
first=0
spool='mode: direct, segment: 1MiB'

send() { # COUNT
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate $rate
	first=$((first + $1))
}

# Runs a function while events come, half a second's worth after the other.
in_traffic() { # FUNCTION
	local traffic
	touch "$work/traffic"
	(
		trap - EXIT
		while [ -e "$work/traffic" ]; do
			send $((rate / 2))
			echo "$first $generated" >"$work/sent"
		done
	) &
	traffic=$!
	background+=("$traffic")
	"$1"
	rm "$work/traffic"
	wait "$traffic" || die "the traffic ended early"
	read -r first generated <"$work/sent"
}

remake() { # TYPE PARTITIONS (0: it is only deleted)
	"$root/tests/e2e/remake.py" --bootstrap "$bootstrap" "$test_name.$1" "$2" || die "topic $1 could not be made anew"
}

of_topic() { cli -j show kafka | json "next(t['$2'] for t in d['topics'] if t['name'] == '$test_name.$1')"; }
acked_more() { [ "$(of_topic "$1" acked)" -gt "$2" ]; }
stands_still() { [ "$(of_topic "$1" stalled_s)" -gt 0 ]; }
are_parked() { [ "$(ledger spool parked)" -gt 0 ]; }
are_home() { # TYPE...
	local type
	for type; do [ "$(of_topic "$type" held)" = 0 ] || return 1; done
}
rebuilds() { cli -j show kafka | json 'd["producers"][0]["rebuilds"]'; }

declare -A before after gone

at_once() { # TYPE PARTITIONS
	before[$1]=$(of_topic "$1" acked)
	remake "$1" "$2"
	after[$1]=$(of_topic "$1" acked)
}
goes_on() { # TYPE
	wait_for 60 "$1, made anew: events are acked again" acked_more "$1" "${after[$1]}"
}

several() {
	local type
	at_once request 2 # the daemon looks each ten seconds whether a topic has fewer partitions
	for ((i = 0; i < times; i++)); do
		at_once impression 4
		goes_on impression
	done
	at_once click 8
	goes_on click
	for type in view listing scroll; do remake $type 0; done
	for type in view listing scroll; do
		wait_for 20 "$type, deleted, stands still" stands_still $type
		gone[$type]=$(of_topic $type acked)
	done
	wait_for 20 "events of what stands still are on disk" are_parked
	goes_on request
}

broker_up --heap 256
bed_up
write_config dpdk 1
start_daemon
create_topics
send 2000
wait_idle
began=$(wc -l <"$work/penstockd.log")
in_traffic several
wait_for 30 "the other topics' events are acked while three are away" are_home impression request click
expect "three away: events dropped" "$(ledger events dropped.)" = 0
for type in view listing scroll; do
	expect "three away: events of $type acked meanwhile" $(($(of_topic $type acked) - gone[$type])) = 0
done
remake view 4
remake listing 2
remake scroll 8
wait_idle 90
send 2000
wait_idle
expect "events acked" "$(ledger records acked)" = $first
expect "events given up" "$(ledger records given_up.)" = 0
expect "events kept as dead letters" "$(ledger records dead_lettered)" = 0
expect_ledger_closed
expect "lines of the log" $(($(wc -l <"$work/penstockd.log") - began)) -lt 20
again=()
made=$(rebuilds)
echo "     clients made anew: $made"
[ "$made" = 0 ] || again=(--allow repeated --allow identity_repeated)
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back --allow missing --allow identity_gaps --allow out_of_order "${again[@]}"
missing() { json "d['missing_by_type'].get('$1', 0)" <"$work/read_back.json"; }
for type in view listing scroll; do
	expect "$type: events missing, all gone with the topic" "$(missing $type)" = "${gone[$type]}"
done
for type in impression click request; do
	expect "$type: events missing, among those acked before it was made anew" "$(missing $type)" -le "${after[$type]}"
	expect "$type: events missing, with all acked before it was deleted" "$(missing $type)" -ge "${before[$type]}"
done
finish
