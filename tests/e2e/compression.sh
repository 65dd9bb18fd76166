#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compression that was asked for is on the wire: bytes of the daemon's connections to the broker, as the kernel counts them,
# against the bytes of keys and values; the same events without compression beside it.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
count=40000

# Bytes that the daemon's connections to the broker have sent, from the kernel's own account of them.
bytes_on_the_wire() {
	ss -tinpH state established dst "$bootstrap" |
		awk -v pid="pid=$daemon_pid," 'index($0, "users:") { ours = index($0, pid) }
			ours && match($0, /bytes_sent:[0-9]+/) { sum += substr($0, RSTART + 11, RLENGTH - 11) }
			END { print sum + 0 }'
}

run() { # CODEC: sets $wire and $payload
	kafka_more="    compression.type: $1"
	topics=$test_name-$1.{type}
	write_config dpdk 1
	start_daemon
	create_topics
	rm -f "$work"/events-*.txt
	generate --to 10.9.0.2 --format json --count $count --rate 20000
	wait_idle
	expect "$1: events acked" "$(ledger records acked)" = $count
	expect_ledger_closed
	wire=$(bytes_on_the_wire)
	read_back
	payload=$(json 'd["bytes"]' <"$work/read_back.json")
	stop_daemon
	echo "     $1: $payload bytes of payload, $wire bytes on the wire"
}

broker_up
bed_up
run none
expect "none: bytes on the wire in percent of the payload" $((wire * 100 / payload)) -ge 95
plain=$wire
run lz4
expect "lz4: bytes on the wire in percent of the payload" $((wire * 100 / payload)) -le 75
expect "lz4: bytes on the wire in percent of those without" $((wire * 100 / plain)) -le 75
finish
