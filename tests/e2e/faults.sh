#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Loss, duplicates, reordering, damage, restarts, and one sequence over four sockets: every sender's account equals what the
# generator did, to the datagram, with one worker on a NIC and with two on kernel sockets. No loss is found that was not.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
first=0

# Sequences that begin at 0, that pass 2^32 and that pass 2^64; then all of it again without a fault.
send_all() { # ADDRESS...
	local id=1 start to=() faults=(--lose 40 --duplicate 40 --reorder 40 --reorder-depth 3 --corrupt 20 --restart 6)
	while [ $# -gt 0 ]; do to+=(--to "$1") && shift; done
	for start in 0 4294967200 18446744073709551500; do
		generate "${to[@]}" --format frame --first $first --count 12000 --rate 12000 --sources 16 --sockets 4 --spread \
			--source-id $id --start-sequence $start --epoch 1000 --seed $id "${faults[@]}"
		first=$((first + 12000)) id=$((id + 100))
	done
	generate "${to[@]}" --format frame --first $first --count 12000 --rate 12000 --sources 16 --sockets 4 --spread \
		--source-id $id --epoch 1000
	first=$((first + 12000))
}

# Everything that this source's daemon was sent, from the truth file NUMBER on.
judge() { # SOURCE NUMBER
	local i truths=() sent=0 refused=0
	for ((i = $2; i <= generated; i++)); do
		truths+=("$work/truth-$i.json")
		sent=$((sent + $(json 'd["sent"]["events"]' <"$work/truth-$i.json")))
		refused=$((refused + $(json 'd["faults"]["corrupt"]["datagrams"]' <"$work/truth-$i.json")))
	done
	wait_idle
	expect "$1: events found" "$(ledger events)" = "$sent"
	expect "$1: events acked" "$(ledger records acked)" = "$sent"
	expect "$1: datagrams refused" "$(ledger datagrams dropped.)" = "$refused"
	cli -j show sources --limit 1000 >"$work/sources-$1.json"
	if "$root/tests/e2e/source_truth.py" "$work/sources-$1.json" "${truths[@]}"; then
		echo "ok   $1: accounts of the senders"
	else
		fail "$1: accounts of the senders differ from the truth"
	fi
	expect "$1: sources equation, difference" "$(ledger sources difference)" = 0
	expect_ledger_closed
	stop_daemon
	expect "$1: exit code" "$daemon_code" = 0
}

broker_up
bed_up
write_config dpdk 1
start_daemon
create_topics
send_all 10.9.0.2 fd09::2
judge nic 1

place=env
write_config socket 2
start_daemon
before=$generated
send_all 127.0.0.1 ::1
expect "sockets: workers that had a part" "$(cli -j show workers | json 'sum(w["datagrams"] > 0 for w in d["workers"])')" = 2
judge sockets $((before + 1))
read_back
finish
