#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kafka absent at the start, stopped and killed under traffic, a record it refuses, a topic that comes later, a client that
# dies: the daemon goes on, and every event is acknowledged or counted by name.
. "$(dirname "$0")/../smoke/_init.sh"

away=10
[ -z "${PENSTOCK_FULL:-}" ] || away=30
first=0

send() { # COUNT RATE OPTION...
	generate --to 10.9.0.2 --format json --first $first --count "$1" --rate "$2" "${@:3}"
	first=$((first + $1))
}

# Sent = acked + dropped by name, and that is what Kafka holds.
account() { # DESCRIPTION SENT
	local acked dropped
	wait_idle 90
	acked=$(ledger records acked)
	dropped=$(ledger events dropped.)
	expect "$1: events accounted for" $((acked + dropped + $(ledger records given_up.))) = "$2"
	echo "     $acked acked, $dropped dropped: pool_empty $(drops pool_empty), topic_credit $(drops topic_credit)"
	expect_ledger_closed
}

broker_up --heap 256
bed_up
kafka_more="    reconnect.backoff.max.ms: 1000"
write_config dpdk 1
start_daemon
create_topics 2000
first=2000
stop_daemon
expect "exit code" "$daemon_code" = 0

echo "-- absent at the start"
"$kafka" stop "$cluster" --keep
start_daemon
send 3000 3000
expect "received without Kafka" "$(ledger events)" = 3000
expect "acked without Kafka" "$(ledger records acked)" = 0
"$kafka" start "$cluster" >/dev/null
account "absent at the start" 3000

for how in stop kill9; do
	echo "-- $how for $away s"
	before=$first
	send $(((away + 10) * 1000)) 1000 &
	sender=$!
	let_pass 3 "traffic before the outage"
	if [ $how = stop ]; then "$kafka" stop "$cluster" --keep; else "$kafka" kill9 "$cluster"; fi
	let_pass "$away" "the outage"
	"$kafka" start "$cluster" >/dev/null
	wait $sender || die "the generator failed"
	generated=$((generated + 1))
	first=$((before + (away + 10) * 1000))
	account "$how" $((first - 2000))
done

echo "-- a record that Kafka refuses"
"$kafka" configs "$cluster" --alter --entity-type topics --entity-name "$test_name.click" \
	--add-config max.message.bytes=3000 >/dev/null
acked=$(ledger records acked)
in_sender /usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(20):
    s.sendto(b"{\"type\":\"click\",\"large\":\"%s\"}" % (b"x" * (8000 if i == 7 else 20)), ("10.9.0.2", 9000))'
wait_idle 30
expect "given up as too large" "$(ledger records given_up.too_large)" = 1
expect "acked beside it" $(($(ledger records acked) - acked)) = 19
"$kafka" configs "$cluster" --alter --entity-type topics --entity-name "$test_name.click" \
	--delete-config max.message.bytes >/dev/null
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back --allow unknown=19

echo "-- a topic that comes later"
sed -i 's/^  rawline:/  newcomer: {id: 5000}\n  rawline:/' "$config"
start_daemon
in_sender /usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(200):
    s.sendto(b"{\"type\":\"%s\",\"n\":%d}" % (b"newcomer" if i % 2 else b"view", i), ("10.9.0.2", 9000))'
acked_is() { [ "$(ledger records acked)" = "$1" ]; }
wait_for 30 "the topics that exist have theirs" acked_is 100
expect "held for the topic that does not exist" "$(ledger records in_flight.)" = 100
create_topics
wait_for 60 "the newcomer has its events" acked_is 200
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0

faulty=${PENSTOCK_FAULTS_BUILD:-$root/build-faults}
if [ -x "$faulty/control/daemon/penstockd" ]; then
	echo "-- the client library dies of a fatal error"
	penstockd=$faulty/control/daemon/penstockd
	start_daemon PENSTOCK_FAULT=kafka_fatal:50
	rm -f "$work"/events-*.txt
	first=1000000
	send 20000 4000
	account "a fatal error" 20000
	expect "clients made anew" "$(cli -j show kafka | json 'sum(p["rebuilds"] for p in d["producers"])')" = 1
	stop_daemon
	expect "exit code" "$daemon_code" = 0
fi
finish
