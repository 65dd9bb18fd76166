#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Anything in any order: events under a random succession of Kafka hanging, killed and back, reloads of a configuration that
# changes keys, packing and types' classes, stops and kill -9 with other workers, modes and classes after them, a frozen process
# and a clock that jumps. Then everything that was accepted is in Kafka but for what was given up by name, and the ledger closes
# in each life.
#
# PENSTOCK_SOAK=SECONDS for how long (300), PENSTOCK_SEED=N for a succession that was, PENSTOCK_SPOOL=2GiB or 8MiB of room on
# disk: with little there is no kill -9, which would end the count of what was given up.
root=$(cd "$(dirname "$0")/../.." && pwd)
export PENSTOCK_BUILD=${PENSTOCK_BUILD:-$root/build-check/gcc}
. "$root/tests/smoke/_init.sh"

seconds=${PENSTOCK_SOAK:-300}
seed=${PENSTOCK_SEED:-$RANDOM}
RANDOM=$seed
size=${PENSTOCK_SPOOL:-$([ $((RANDOM % 2)) = 0 ] && echo 2GiB || echo 8MiB)}
types=8
first=0   # number of the next event
sent=0    # events of this life
dropped=0 # by name, in all lives
lives=1
broker=up # or paused, dead
mode=wal
workers=1
layout=0 # of classes
memory_more='pool: 4MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
config_more='stop: {drain: 2s}'

one_of() { # WORD...
	shift $((RANDOM % $#))
	picked=$1
}

# Classes, which only a start may change: others in another order, one on top, two that are gone.
layouts=('gold some rest' 'rest gold some' 'new gold some rest' 'gold new')

classes() {
	local name full list='' names=(${layouts[layout]})
	for name in "${names[@]}"; do
		full=oldest
		[ "$name" != some ] || full=sample
		[ "$name" != rest ] || full=newest
		list+="${list:+, }{name: $name, share: $((100 / ${#names[@]}))%, full: $full}"
	done
	echo "[$list]"
}

roll() { # a configuration
	local name id
	: >"$work/types"
	while read -r id name; do
		one_of ${layouts[layout]}
		printf '  %s: {id: %s, class: %s' "$name" "$id" "$picked" >>"$work/types"
		one_of '' ', key: eid' ', key: type' ', pack: 4'
		echo "$picked}" >>"$work/types"
	done < <("$pktgen" --list-types --types $types)
	echo "  rawline: {id: 9999, record: raw}" >>"$work/types"
	spool="mode: $mode, size: $size, segment: 64KiB, classes: $(classes)"
	write_config dpdk $workers
}
types_section() { cat "$work/types"; }

say() { echo "[$SECONDS] $*"; }

clock_to() { # SECONDS AHEAD
	/usr/bin/python3 -c 'import struct, sys
open(sys.argv[1], "r+b").write(struct.pack("q", -int(sys.argv[2])))' "$work/clock" "$1"
}

born() {
	start_daemon LD_PRELOAD="$work/clock_back.so" CLOCK_BACK_FILE="$work/clock"
	sent=0
}

taken() { [ $(($(ledger events numbered) + $(ledger events dropped.))) -ge $sent ]; }
secured() { [ $(($(cli -j show spool | json 'd["accepted"]') + $(ledger events dropped.))) -ge $sent ]; }

send() {
	local count=$((500 + RANDOM % 4000))
	one_of json frame
	generate --to 10.9.0.2 --to fd09::2 --format "$picked" --first $first --count $count --rate $((1000 + RANDOM % 6000))
	first=$((first + count)) sent=$((sent + count))
	wait_for 30 "what was sent is numbered or dropped by name" taken
}

kafka_turn() {
	case $broker in
	up)
		one_of paused dead
		if [ "$picked" = paused ]; then "$kafka" pause "$cluster"; else "$kafka" kill9 "$cluster"; fi
		broker=$picked
		;;
	paused) "$kafka" resume "$cluster" && broker=up ;;
	dead) "$kafka" start "$cluster" 1 >/dev/null && broker=up ;;
	esac
	say "broker: $broker"
}

reload() {
	roll
	cli reload >"$work/reload.log" 2>&1 || fail "a reload fails: $(cat "$work/reload.log")"
	say "reload"
}

next_life() {
	lives=$((lives + 1))
	one_of wal wal direct
	mode=$picked
	one_of 1 2 3
	workers=$picked
	layout=$((RANDOM % ${#layouts[@]}))
	roll
	born
	say "life $lives: $mode, $workers workers, classes ${layouts[layout]}"
}

stop() {
	dropped=$((dropped + $(ledger events dropped.)))
	cli ledger >/dev/null || fail "the ledger does not close before a stop"
	stop_daemon 60
	expect "life $lives: exit code" "$daemon_code" = 0
	next_life
}

kill_it() {
	if [ "$mode" != wal ] || [ "$size" != 2GiB ]; then
		stop
		return
	fi
	wait_for 30 "what was sent is on disk" secured
	dropped=$((dropped + $(ledger events dropped.)))
	say "kill -9"
	kill_daemon
	next_life
}

freeze() {
	kill -STOP "$daemon_pid"
	let_pass "0.$((RANDOM % 9 + 1))" "the process does not run"
	kill -CONT "$daemon_pid"
}

clock() {
	one_of 3500 -3600 0 0
	clock_to "$picked"
	say "clock: $picked s ahead"
}

broker_up --heap 256
bed_up
cc -shared -fPIC -O -o "$work/clock_back.so" "$root/tests/e2e/clock_back.c" || die "the clock's stand-in does not compile"
head -c 8 /dev/zero >"$work/clock"
echo "seed $seed, $size of room on disk"
roll
born
create_topics
while [ $SECONDS -lt "$seconds" ]; do
	one_of send send send send kafka_turn kafka_turn reload stop kill_it freeze clock
	$picked
done
[ $broker = up ] || kafka_turn
clock_to 0
send
wait_idle 120
dropped=$((dropped + $(ledger events dropped.)))
expect_ledger_closed
stop_daemon 60
expect "the last exit code" "$daemon_code" = 0
given_up=$({ cat "$state"/spool/given-up.*.ndjson 2>/dev/null || true; } | /usr/bin/python3 -c 'import json, sys
print(sum(row["events"] for row in map(json.loads, sys.stdin) if row["what"] != "turned away"))')
say "$lives lives, $first events, $dropped dropped and $given_up given up by name"
read_back --packed 4 --allow out_of_order --allow repeated --allow identity_repeated --allow "identity_gaps=$given_up" \
	--allow missing=$((dropped + given_up))
finish
