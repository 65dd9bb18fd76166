#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kafka away: absent at start, stopped, hanging, with a topic missing, with a record that is too large for one topic, and with
# a fatal error of the client (in a build with fault points). The daemon never ends, and every event is acked or counted by
# name.
. "$(dirname "$0")/../smoke/_init.sh"

outage=5 # seconds
[ -z "${PENSTOCK_FULL:-}" ] || outage=30
types=8
first=0
total=0 # events sent to the daemon that runs

send() { # COUNT OPTION...
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate 4000 "${@:2}"
	first=$((first + $1)) total=$((total + $1))
}

acked() { [ "$(ledger records acked)" -ge "$1" ]; }
moving() { cli -j show kafka | json "next(t['stalled_s'] for t in d['topics'] if t['name'] == '$1')"; }
stalled() { [ "$(moving "$1")" -gt 0 ]; }

expect_unharmed() { # WHAT
	expect "$1: events numbered" "$(ledger records)" = $total
	expect "$1: events dropped" "$(ledger events dropped.)" = 0
	expect "$1: ledger of events, difference" "$(ledger records difference)" = 0
	receiving || fail "$1: the daemon does not receive"
}

broker_up --heap 256
bed_up
types=7 write_config dpdk 1
start_daemon
create_topics # all but the eighth type's
stop_daemon
"$kafka" stop "$cluster" --keep

# --- absent at start, and one topic missing ---

config_more='stop: {drain: 5s}'
write_config dpdk 1
start_daemon
send 3000
expect_unharmed "absent at start"
expect "absent at start: events acked" "$(ledger records acked)" = 0
"$kafka" start "$cluster" >/dev/null
eighth=$("$pktgen" --list-types --types 8 | awk '$1 == 8 { print $2 }')
missing=$(truth "d['types']['$eighth']['events']")
wait_for 60 "events of topics that are there are acked" acked $((total - missing))
wait_for 20 "the missing topic is shown as stalled" stalled "$test_name.$eighth"
expect "events of a missing topic, in flight" "$(ledger records in_flight.)" = "$missing"
expect "events acked of a missing topic" "$(ledger records acked)" = $((total - missing))
create_topics
wait_idle
expect "events acked when the topic is there" "$(ledger records acked)" = $total
expect_ledger_closed

# --- stopped and back ---

send 1000
"$kafka" kill9 "$cluster"
send 3000
let_pass "$outage" "Kafka is killed"
expect_unharmed "killed"
"$kafka" start "$cluster" >/dev/null
send 1000
wait_idle 120
expect "killed and back: events acked" "$(ledger records acked)" = $total

# --- hanging ---

"$kafka" pause "$cluster"
send 2000
let_pass 4 "Kafka hangs"
expect_unharmed "hanging"
"$kafka" resume "$cluster"
wait_idle 60
expect "hanging and back: events acked" "$(ledger records acked)" = $total
expect "given up so far" "$(ledger records given_up.)" = 0

# --- one record too large ---

"$kafka" configs "$cluster" --alter --entity-type topics --entity-name "$test_name.click" --add-config max.message.bytes=12000 \
	>"$work/configs.log" 2>&1 || die "the topic's limit could not be set"
for part in before large after; do
	size=300 count=400
	[ $part = large ] && size=20000 count=1
	"$root/tests/e2e/lines.py" --first $first --count $count --size $size --lines "$work/$part.lines" \
		--truth-events "$work/events-$((++generated)).txt"
	first=$((first + count)) total=$((total + count))
	[ $part != large ] || sed -i 's/ 1$/ 0/' "$work/events-$generated.txt" # no copy is expected in Kafka
done
cat "$work"/{before,large,after}.lines >"$work/all.lines"
in_sender /usr/bin/python3 - "$work/all.lines" <<-'EOF'
	import socket, sys, time
	sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
	for line in open(sys.argv[1], "rb"):
	    sender.sendto(line, ("fd09::2", 9000))
	    time.sleep(0.0005)
EOF
wait_idle 60
expect "one too large: given up by name" "$(ledger records given_up.too_large)" = 1
expect "one too large: events acked" "$(ledger records acked)" = $((total - 1))
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back --allow identity_gaps=1 --allow out_of_order

# --- a fatal error of the client ---

if grep -q PENSTOCK_FAULT "${PENSTOCK_FAULTS_BUILD:-$build}/control/daemon/penstockd"; then
	penstockd=${PENSTOCK_FAULTS_BUILD:-$build}/control/daemon/penstockd
	total=0
	start_daemon PENSTOCK_FAULT=kafka_fatal:200
	send 10000
	wait_idle 60
	expect "fatal error: clients made anew" "$(cli -j show kafka | json 'd["producers"][0]["rebuilds"]')" = 1
	expect "fatal error: events acked" "$(ledger records acked)" = $total
	expect_ledger_closed
	stop_daemon
	expect "fatal error: exit code" "$daemon_code" = 0
	# What was on its way when the client ended may be there twice, and behind what came later; nothing may be missing.
	read_back --allow identity_gaps=1 --allow out_of_order --allow repeated --allow identity_repeated
else
	echo "skip a fatal error of the client: needs a build with fault points in PENSTOCK_FAULTS_BUILD"
fi
finish
