#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk that fails below the spool, in both modes: a small file system that really fills, one that goes read-only by an error of
# its own, and (through a shim) writes and syncs that fail, writes that are short, syncs of two seconds, and a file system that is
# read-only for a while; then a daemon that is stopped for seconds. It keeps receiving, what it numbered is acked, what it did not
# number is dropped by name, it works again by itself, and says little.
. "$(dirname "$0")/../smoke/_init.sh"

standstill=5 # seconds
outage=2
ballast=20 # MiB of the small disk that others hold already
much=22000
full=${PENSTOCK_FULL:-}
pool=16MiB # for what is sent while neither Kafka nor the disk takes it
[ -z "$full" ] || { standstill=30 && outage=20 && ballast=0 && much=60000 && pool=64MiB; }
types=4
first=0
total=0   # events sent to the daemon that runs
missing=0 # events that were dropped by name, of all daemons
port_more='    max_datagram: 8000'
small=$work/small
faults=$work/faults

bed_down() {
	umount "$small" 2>/dev/null || true
	ip netns del sender 2>/dev/null || true
	ip link del bed0 2>/dev/null || true
}

send() { # COUNT RATE
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate "$2"
	first=$((first + $1)) total=$((total + $1))
}

spool_says() { cli -j show spool | json "d['$1']"; }
suspects() { cli -j show spool | json 'sum(row["suspect"] for row in d["logs"])'; }
refused() { [ "$(spool_says refused)" -gt "${1:-0}" ]; }
suspected() { [ "$(spool_says sync_failures)" -gt "$1" ] && [ "$(suspects)" -gt "$2" ]; }
accepted() { [ "$(spool_says accepted)" -gt "$1" ]; }
left() { [ "$(($(ledger spool spooled) + $(ledger spool parked)))" -gt 0 ]; }
# The client keeps what it took before it was known that Kafka is away, and a spool that was full is looked at each half second: so
# some are sent until the disk has some.
left_of_more() { left || { send 200 2000 && left; }; }
taken() { [ $(($(ledger events numbered) + $(ledger events dropped.))) = $total ]; }
slowness_told() { [ "$(tail -n "+$(($1 + 1))" "$work/penstockd.log" | grep -c 'a sync took')" -gt 0 ]; }
lines() { wc -l <"$work/penstockd.log"; }

expect_few_lines() { # WHAT BEFORE
	expect "$1: lines of the log" $(($(lines) - $2)) -lt 20
}

# All that was sent is numbered, or was dropped for want of memory; when Kafka has it, it is acked to the last.
expect_exact() { # WHAT
	wait_for 20 "$1: all events are numbered or dropped" taken
	receiving || fail "$1: the daemon does not receive"
	wait_idle 120
	dropped=$(ledger events dropped.)
	expect "$1: events that were dropped for want of room, of $dropped" $(($(drops pool_empty) + $(drops topic_credit) + $(drops spool_full))) = "$dropped"
	expect "$1: events acked" "$(ledger records acked)" = $((total - dropped + recovered))
	expect "$1: events given up" "$(ledger records given_up.)" = 0
	expect_ledger_closed
}

began=$SECONDS
started() { # NAME=VALUE...
	echo "     at $((SECONDS - began)) s"
	total=0
	start_daemon "$@"
	recovered=$(ledger spool)
}

stopped() { # WHAT
	missing=$((missing + $(ledger events dropped.)))
	stop_daemon
	expect "$1: exit code" "$daemon_code" = 0
}

# What the disk takes goes there, and comes back: nothing of what happened to it has remained.
expect_works() { # WHAT
	"$kafka" pause "$cluster"
	send 4000 4000
	wait_for 20 "$1: the disk takes events again" left_of_more
	"$kafka" resume "$cluster"
	expect_exact "$1: works again"
}

# --- a file system that is full, and then one that an error has made read-only ---

small_disk() { # mount | unmount
	if [ "$1" = unmount ]; then
		umount "$small"
	else
		mount -o loop,errors=remount-ro "$work/small.img" "$small" 2>/dev/null
	fi
}

fill() { # MODE
	local before
	before=$(lines)
	"$kafka" pause "$cluster"
	send $much 15000
	wait_for 20 "$1: the disk is full" refused
	expect "$1: room left in MiB" "$(df --output=avail -m "$small" | tail -1)" -le 2
	send 4000 4000
	wait_for 20 "$1: full: all events are numbered or dropped" taken
	receiving || fail "$1: full: the daemon does not receive"
	expect "$1: full: equations that do not close" "$(cli ledger >/dev/null && echo none)" = none
	"$kafka" resume "$cluster"
	expect_exact "$1: was full"
	expect_few_lines "$1: was full" "$before"
	expect_works "$1: was full"
}

turn_read_only() { # MODE
	local before
	before=$(lines)
	"$kafka" pause "$cluster"
	send 4000 4000
	echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$small")")/trigger_fs_error"
	send 4000 4000
	wait_for 10 "$1: a file system that went read-only refuses" refused "$refusals"
	"$kafka" resume "$cluster"
	send 2000 2000
	expect_exact "$1: went read-only"
	expect_few_lines "$1: went read-only" "$before"
}

full_disk() { # MODE
	mkfs.ext4 -q -F "$work/small.img"
	small_disk mount || { echo "skip a disk that is full: this machine mounts no loop devices" && return; }
	[ $ballast = 0 ] || fallocate -l ${ballast}M "$small/ballast"
	memory_more='pool: 4MiB, batch: 16KiB'
	spool="mode: $1, segment: 1MiB, keep_free: 0%, directory: $small/spool"
	config_more='stop: {drain: 2s}'
	write_config dpdk 1
	started
	[ "$1" = wal ] || create_topics
	send 2000 2000
	wait_idle
	fill "$1"
	if [ "$1" = wal ] || [ -n "$full" ]; then
		refusals=$(spool_says refused)
		turn_read_only "$1"
		stopped "$1: small disk"
		small_disk unmount && small_disk mount
		started # on what the file system kept: it may be settled already, and come once more
		send 2000 2000
		expect_exact "$1: after the file system was mounted anew"
	fi
	stopped "$1: small disk again"
	small_disk unmount
}

# --- faults of the calls ---

fault() { echo "$1" >"$faults"; }

# So many seconds with a fault, under traffic; all of it is delivered whatever the disk does.
outage_of() { # MODE FAULT [RATE]
	local before what="$1: $2"
	before=$(lines)
	refusals=$(spool_says refused) failures_before=$(spool_says sync_failures) suspects_before=$(suspects)
	[ "$1" = wal ] || "$kafka" pause "$cluster"
	fault "$2"
	send $((outage * ${3:-1000})) "${3:-1000}"
	wait_for 20 "$what: all events are numbered or dropped" taken
	expect "$what: events dropped" "$(ledger events dropped.)" = 0
	receiving || fail "$what: the daemon does not receive"
	if [ "$1" = wal ]; then # Kafka is there
		wait_for 20 "$what: delivered all the same" all_acked
	fi
	case $2 in
	sync-eio) wait_for 10 "$what: failed syncs are counted, and suspect files" suspected "$failures_before" "$suspects_before" ;;
	write-eio | read-only) wait_for 10 "$what: refusals are counted" refused "$refusals" ;;
	*sync-slow) wait_for 10 "$what: a slow sync is told of" slowness_told "$before" ;;
	esac
	fault none
	before_back=$(spool_says accepted)
	send 500 500
	if [ "$1" = wal ]; then
		wait_for 10 "$what: accepts again" accepted "$before_back"
	else
		wait_for 10 "$what: the disk takes events again" left
		"$kafka" resume "$cluster"
	fi
	wait_idle 120
	expect "$what: over: events acked" "$(ledger records acked)" = $((total + recovered))
	expect_few_lines "$what" "$before"
}

all_acked() { [ "$(ledger records acked)" = $((total + recovered)) ]; }

failing_calls() { # MODE
	fault none
	memory_more="pool: $pool, batch: 16KiB"
	# A group is what a log takes while a sync lasts: more than comes in two seconds.
	spool="mode: $1, segment: 4MiB, group: 4MiB, directory: $work/spool"
	config_more='stop: {drain: 2s}'
	write_config dpdk 1
	started LD_PRELOAD="$work/disk_faults.so" DISK_FAULTS="$faults" DISK_FAULTS_UNDER="$work/spool"
	send 1000 1000
	wait_idle
	[ "$1" = wal ] || expect_works "$1: before faults" # a log that is new has its state to sync before it takes anything
	kinds=(sync-eio)
	[ "$1" = direct ] && [ -z "$full" ] || kinds=(write-eio sync-eio read-only 'write-short sync-slow')
	for kind in "${kinds[@]}"; do
		outage_of "$1" "$kind"
		echo "     at $((SECONDS - began)) s"
	done
	[ -z "$full" ] || expect_works "$1: after faults"
}

# --- the daemon stopped for a while ---

send_frames() { # COUNT RATE SOURCE
	generate --to 10.9.0.2 --format frame --events-per-datagram 1 --first $first --count "$1" --rate "$2" --source-id "$3"
	first=$((first + $1)) total=$((total + $1))
}

# What the kernel could not keep meanwhile is counted as lost by its senders' numbers.
stopped_daemon() {
	send_frames 1000 1000 1
	wait_idle
	kill -STOP "$daemon_pid"
	send_frames $((standstill * 200)) 200 100
	kill -CONT "$daemon_pid"
	send_frames 1000 1000 200
	wait_idle
	lost=$(ledger sources lost)
	echo "     lost while the daemon was stopped: $lost of $((standstill * 200))"
	total=$((total - lost)) missing=$((missing + lost))
	expect_exact "stopped for $standstill s"
}

broker_up --heap 256
bed_up
mkdir -p "$small"
truncate -s 32M "$work/small.img"
cc -D_GNU_SOURCE -shared -fPIC -O -o "$work/disk_faults.so" "$root/tests/e2e/disk_faults.c" ||
	die "the disk's stand-in does not compile"
for mode in direct wal; do
	full_disk $mode
done
for mode in direct wal; do
	failing_calls $mode
	[ $mode != wal ] || stopped_daemon
	stopped "$mode: failing calls"
done
read_back --allow "missing=$missing" --allow out_of_order --allow repeated --allow identity_repeated
finish
