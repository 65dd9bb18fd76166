#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The spool, in both modes: Kafka away for longer than the pool would last, a restart meanwhile, and (wal) kill -9. Everything that
# was accepted is delivered, and the ledger is exact all the time. What Kafka refuses for good is found among the dead letters, and
# delivered from there when the cause is gone.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
first=0
total=0 # events sent to the daemon that runs
much=40000
[ -z "${PENSTOCK_FULL:-}" ] || much=400000
memory_more='pool: 4MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
config_more='stop: {drain: 2s}'

send() { # COUNT
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate 8000
	first=$((first + $1)) total=$((total + $1))
}

acked() { [ "$(ledger records acked)" -ge "$1" ]; }
spooled() { ledger spool spooled; }
accepted() { [ "$(cli -j show spool | json 'd["accepted"]')" = $total ]; }
left() { [ "$(($(ledger spool spooled) + $(ledger spool parked)))" -ge "$1" ]; }
numbered() { [ "$(ledger records)" = "$total" ]; }

# Everything that was sent since the daemon's start is numbered, and at rest.
expect_all_taken() { # WHAT
	wait_for 20 "$1: all events are numbered" numbered
	expect "$1: events dropped" "$(ledger events dropped.)" = 0
	expect "$1: events given up" "$(ledger records given_up.)" = 0
}

# Kafka goes, and comes back: killed (wal), else hanging.
away() { [ "$1" = killed ] && "$kafka" kill9 "$cluster" || "$kafka" pause "$cluster"; }
back() { [ "$1" = killed ] && "$kafka" start "$cluster" >/dev/null || "$kafka" resume "$cluster"; }

restarted() {
	total=0
	start_daemon
}

broker_up --heap 256
bed_up
for mode in direct wal; do
	spool="mode: $mode, segment: 1MiB"
	write_config dpdk 1
	restarted
	[ $mode = wal ] || create_topics
	send 2000
	wait_idle

	# --- away for longer than the pool lasts ---

	how=hanging
	[ $mode = direct ] || how=killed
	away $how
	send $much
	expect_all_taken "$mode: away"
	wait_for 20 "$mode: the disk holds what Kafka cannot take" left $((much / 2))
	expect "$mode: away: equations that do not close" "$(cli ledger >/dev/null && echo none)" = none
	cli show spool >"$work/show.txt"
	back $how
	send 2000
	wait_idle 120
	expect "$mode: back: events acked" "$(ledger records acked)" = $total
	expect "$mode: back: events on disk" "$(spooled)" = 0
	expect_ledger_closed

	# --- restarted while Kafka is away ---

	away hanging
	send 8000
	expect_all_taken "$mode: away again"
	stop_daemon
	expect "$mode: stopped: exit code" "$daemon_code" = 0
	restarted
	recovered=$(ledger spool)
	expect "$mode: events recovered" "$recovered" -ge 4000
	send 2000
	back hanging
	wait_idle 120
	expect "$mode: restarted: events acked" "$(ledger records acked)" = $((total + recovered))
	expect_ledger_closed

	# --- killed, and back with more workers, then fewer, than what is on disk came from ---

	if [ $mode = wal ]; then
		away hanging
		send 8000
		expect_all_taken "$mode: before kill -9"
		wait_for 10 "$mode: all is accepted" accepted
		kill_daemon
		write_config dpdk 2
		restarted
		send 4000
		expect_all_taken "$mode: two workers"
		wait_for 10 "$mode: all is accepted" accepted
		kill_daemon
		write_config dpdk 1
		restarted
		expect "$mode: one worker: events recovered" "$(ledger spool)" -ge 12000
		back hanging
		send 2000
		wait_idle 120
		expect_ledger_closed
	fi
	stop_daemon
	expect "$mode: exit code" "$daemon_code" = 0
done

# --- refused for good: one record too large, one without a key for a compacted topic ---

alter() { # TYPE OPTION...
	"$kafka" configs "$cluster" --alter --entity-type topics --entity-name "$test_name.$1" "${@:2}" >"$work/configs.log" 2>&1 ||
		die "a topic's configuration could not be set"
}

lines() { # NAME TYPE SIZE COUNT
	"$root/tests/e2e/lines.py" --first $first --count "$4" --size "$3" --type "$2" --lines "$work/$1.lines" \
		--truth-events "$work/events-$((++generated)).txt"
	first=$((first + $4)) total=$((total + $4))
}

letters() { cli -j show spool | json "$1" ; }

alter click --add-config max.message.bytes=4000
alter search --add-config cleanup.policy=compact
restarted
lines before click 300 200
lines large click 7000 1
lines keyless search 300 1
lines after click 300 200
cat "$work"/{before,large,keyless,after}.lines >"$work/all.lines"
in_sender /usr/bin/python3 - "$work/all.lines" <<-'EOF'
	import socket, sys, time
	sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
	for line in open(sys.argv[1], "rb"):
	    sender.sendto(line, ("fd09::2", 9000))
	    time.sleep(0.0005)
	EOF
wait_idle 60
expect "refused for good: events kept as dead letters" "$(ledger records dead_lettered)" = 2
expect "refused for good: events given up" "$(ledger records given_up.)" = 0
expect "refused for good: events acked" "$(ledger records acked)" = $((total - 2))
reasons='" ".join(sorted(r["reason"] for r in d["dead_letters"]["reasons"]))'
expect "refused for good: reasons" "$(letters "$reasons")" = "INVALID_RECORD MSG_SIZE_TOO_LARGE"
expect_ledger_closed
stop_daemon
expect "refused for good: exit code" "$daemon_code" = 0
expect "dead letters on disk" "$(cat "$state"/spool/dead.0/*.log | grep -ao 'MSG_SIZE_TOO_LARGE\|INVALID_RECORD' | wc -l)" = 2
restarted
expect "restarted: dead letters" "$(letters 'd["dead_letters"]["events"]')" = 2
expect "restarted: events recovered" "$(ledger spool)" = 0

# --- delivered after all, when the cause is gone: of one topic, what is refused again, and the rest ---

replayed() { [ "$(letters 'd["dead_letters"]["replaying"]')" = 0 ] && [ "$(letters 'd["dead_letters"]["events"]')" = "$1" ]; }

cli spool replay "$state/spool" >"$work/replay.txt" 2>&1 && code=0 || code=$?
expect "a directory: exit code" "$code" = 2
expect "a directory: told what to do" "$(grep -c 'start one whose spool.directory it is' "$work/replay.txt")" = 1
cli spool replay -T "$test_name.none" >"$work/replay.txt" || die "spool replay of a topic without letters failed"
expect "none: told" "$(grep -c "no dead letters of topic $test_name.none" "$work/replay.txt")" = 1
alter click --add-config max.message.bytes=1000000
expect "letters to be tried" "$(cli -j spool replay | json 'd["letters"]')" = 2
wait_for 30 "one is delivered, and one refused again" replayed 1
expect "replayed: events refused again" "$(ledger records dead_lettered)" = 1
expect "replayed: events taken out" "$(ledger spool from_disk)" = 2
expect "replayed: events acked" "$(ledger records acked)" = 1
expect "replayed: reasons" "$(letters "$reasons")" = INVALID_RECORD
expect_ledger_closed
stop_daemon
expect "replayed: exit code" "$daemon_code" = 0
restarted
expect "replayed, restarted: dead letters" "$(letters 'd["dead_letters"]["events"]')" = 1
alter search --add-config cleanup.policy=delete
expect "letters of a topic to be tried" "$(cli -j spool replay -T "$test_name.search" | json 'd["letters"]')" = 1
wait_for 30 "the other one is delivered" replayed 0
wait_idle 60
expect "replayed, of a topic: events acked" "$(ledger records acked)" = 1
expect_ledger_closed
expect "who asked is in the log" "$(grep -c 'spool.replay asked for by user' "$work/penstockd.log")" -ge 1
stop_daemon
read_back --allow out_of_order --allow repeated --allow identity_repeated --allow identity_gaps=10
finish
