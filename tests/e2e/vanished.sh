#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker's address vanishes from the network without a word to the open connections, for longer than the daemon waits for a peer
# that acknowledges nothing, and comes back. The daemon gives the connections up meanwhile, so events are acked as soon as it
# has connected anew, which it tries each second; each is in Kafka exactly once.
. "$(dirname "$0")/../smoke/_init.sh"

types=4
rate=2000
first=0
port=19092 front=19094 address=10.77.0.1
spool='mode: direct, segment: 1MiB'

send() { # COUNT
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate $rate
	first=$((first + $1))
}
numbered() { [ "$(ledger records)" = $first ]; }
acked_more() { [ "$(ledger records acked)" -gt "$1" ]; }
connections() { cli -j show kafka | json "sum(c['connected'] for p in d['producers'] for c in p['handles'])"; }
given_up() { [ "$(connections)" = 0 ]; }

ip addr replace $address/32 dev lo
broker_up --heap 256 --port $port \
	--property "listeners=PLAINTEXT://127.0.0.1:$port,FRONT://$address:$front,CONTROLLER://127.0.0.1:$((port + 1))" \
	--property "advertised.listeners=PLAINTEXT://127.0.0.1:$port,FRONT://$address:$front" \
	--property listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,CONTROLLER:PLAINTEXT
direct=$bootstrap
bootstrap=$address:$front
bed_up
write_config dpdk 1
start_daemon
create_topics
send 2000
wait_idle
expect "clients connected" "$(connections)" = 1
ip addr del $address/32 dev lo
began=$SECONDS
send 4000
wait_for 20 "all events are numbered" numbered
wait_for 40 "the connections are given up" given_up # by themselves, they would be after a minute
echo "     given up after $((SECONDS - began)) s"
acked=$(ledger records acked)
ip addr replace $address/32 dev lo
began=$SECONDS
wait_for 20 "events are acked again" acked_more "$acked"
echo "     acked again after $((SECONDS - began)) s"
wait_idle
expect "events acked" "$(ledger records acked)" = $first
expect "events dropped" "$(ledger events dropped.)" = 0
expect "clients made anew" "$(cli -j show kafka | json 'd["producers"][0]["rebuilds"]')" = 0
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
bootstrap=$direct
read_back --allow out_of_order
finish
