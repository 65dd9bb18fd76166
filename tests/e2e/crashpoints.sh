#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# spool.mode wal, killed at every step of the spool that matters (armed points of a build with faults), every second one (in the
# full run each) twice in a row, under traffic with Kafka hanging now and then: nothing that was accepted is lost, and what is
# repeated stays within the bound.
. "$(dirname "$0")/../smoke/_init.sh"

build=${PENSTOCK_FAULTS_BUILD:-$build}
penstockd=$build/control/daemon/penstockd
grep -q PENSTOCK_FAULT "$penstockd" || skip "needs a build with -Dfaults=true, in PENSTOCK_FAULTS_BUILD"

# NAME PASSAGE [FAULT]: where the daemon dies, how many passages before that one are survived, and how the disk fails for a second
# from the start. The last point needs what the one before it leaves, a file that was created and not written; so it is there once.
points='
spool_state_new 0
spool_create_begin 3
spool_create_done 3
spool_names_done 2
spool_append_half 40
spool_append_done 60
spool_sync_begin 20
spool_sync_done 20
spool_state_begin 3
spool_state_written 3
spool_state_done 3
spool_unlink_begin 1
spool_unlink_done 1
spool_reached_begin 2
spool_reached_done 2
spool_park_begin 0
spool_park_done 0
spool_rewrite 0 sync-eio
spool_replace_begin 0 sync-eio
spool_replace_done 0 sync-eio
spool_recover_begin 0
spool_recover_done 0
spool_create_empty 3
spool_recover_unwritten 0
'
rounds=1
[ -z "${PENSTOCK_FULL:-}" ] || rounds=3
types=8
memory_more='pool: 2MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
config_more='stop: {drain: 5s}'
faults=$work/faults

# Runs until it dies of the point; what it said last of itself is one of its lives.
die_at() { # NAME PASSAGE FAULT
	local limit=$((SECONDS + 20)) life='' turns=0 said code=0
	echo "${3:-none}" >"$faults"
	env PENSTOCK_FAULT="$1:$2" LD_PRELOAD="$work/disk_faults.so" DISK_FAULTS="$faults" DISK_FAULTS_UNDER="$work/spool" \
		"$penstockd" -c "$config" >>"$work/penstockd.log" 2>&1 </dev/null &
	daemon_pid=$!
	while kill -0 "$daemon_pid" 2>/dev/null && [ $SECONDS -lt $limit ]; do
		said=$({ cli -j status && cli -j show spool; } 2>/dev/null | tr -d '\n' |
			sed -n 's/.*"epoch": *\([0-9]*\).*"accepted": *\([0-9]*\).*/\1 \2/p') || true
		[ -z "$said" ] || { life=$said && turns=$((turns + 1)); }
		[ $turns -lt 10 ] || echo none >"$faults"
		sleep 0.05
	done
	if kill -0 "$daemon_pid" 2>/dev/null; then
		fail "$1: not reached within 20 s"
		kill_daemon
	else
		wait "$daemon_pid" || code=$?
		daemon_pid=
		expect "$1: died of the point, after ${life#* } accepted" $code = 137
	fi
	[ -z "$life" ] || echo "$life${3:+ failing}" >>"$work/lives"
}

swing() { # Kafka hangs, and is there again
	while sleep 1.2; do
		"$kafka" pause "$cluster"
		sleep 1.8
		"$kafka" resume "$cluster"
	done
}

broker_up --heap 256
bed_up
cc -D_GNU_SOURCE -shared -fPIC -O -o "$work/disk_faults.so" "$root/tests/e2e/disk_faults.c" ||
	die "the disk's stand-in does not compile"
write_config dpdk 1 # topics come before there is a spool: its first state is a point, too
start_daemon
create_topics 500
stop_daemon
spool="mode: wal, segment: 128KiB, replay: 4MiB, directory: $work/spool"
write_config dpdk 1

in_background pktgen in_sender "$pktgen" --to 10.9.0.2 --to fd09::2 --types $types --rate 4000 --duration 1800
generator=${background[-1]}
swing >"$work/swing.log" 2>&1 </dev/null &
swinging=$!
background+=("$swinging")
: >"$work/lives"
number=0
for ((round = 0; round < rounds; round++)); do
	while read -r name passage fault; do
		[ -n "$name" ] || continue
		[ "$name" != spool_state_new ] || [ $round = 0 ] || continue # all logs are there by then
		[ "$passage" -lt 2 ] || passage=$((passage + 7 * round)) # the others are passed once in a life
		die_at "$name" "$passage" "$fault"
		[ $name != spool_recover_unwritten ] || continue
		[ $((number++ % 2)) = 1 ] || [ -n "${PENSTOCK_FULL:-}" ] || continue
		die_at "$name" "$passage" "$fault"
	done <<<"$points"
done
kill "$swinging" "$generator"
wait "$swinging" "$generator" 2>/dev/null || true
"$kafka" resume "$cluster"
start_daemon
wait_idle 120
expect "events found on disk after the last death" "$(ledger spool)" -ge 1
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
bound=$(sed -n 's/.*either repeats at most \([0-9]*\) MiB.*/\1/p' "$work/penstockd.log" | tail -1)
"$root/tests/e2e/lives.py" --bootstrap "$bootstrap" --topics "$test_name." --lives "$work/lives" --bound $((bound << 20)) ||
	fail "what was accepted is not all in Kafka"
finish
