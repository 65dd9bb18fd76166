#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The wall clock jumps an hour, either way, while the daemon runs: with Kafka there, and with Kafka away and the spool filling; the
# configuration is loaded anew in the outage, too. Nothing hangs, nothing is lost or repeated, and landing hours never go back. A
# state directory whose disk stands still keeps an hour from beginning, and nothing else from going on. An hour whose records are
# on disk is not called complete before they are delivered, whatever ends the daemon meanwhile.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
first=0
total=0
memory_more='pool: 4MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
config_more='stop: {drain: 5s}'

send() { # COUNT
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate 4000
	first=$((first + $1)) total=$((total + $1))
}

jump() { # SECONDS AHEAD
	/usr/bin/python3 -c 'import struct, sys
open(sys.argv[1], "r+b").write(struct.pack("q", -int(sys.argv[2])))' "$work/clock" "$1"
}

numbered() { [ "$(ledger records)" -ge $total ]; }
left() { [ "$(($(ledger spool spooled) + $(ledger spool parked)))" -gt 0 ]; }
hour() { cli -j status | json "d['hours']['${1:-current}']"; } # NAME: oldest_open or complete_before
behind() { cli -j status | json 'any("behind the landing hour" in text for text in d["warnings"])'; }
uptime() { cli -j status | json 'd["uptime_s"]'; }

# At once, by a process that would otherwise wait until its clock has come so far again.
expect_alive() { # WHAT
	local now
	wait_for 20 "$1: all events are numbered" numbered
	receiving || fail "$1: the daemon does not receive"
	expect "$1: events dropped" "$(ledger events dropped.)" = 0
	cli ledger >/dev/null || fail "$1: the ledger does not close"
	now=$(hour)
	expect "$1: the current landing hour" "$now" -ge "$last_hour"
	last_hour=$now
	expect "$1: seconds that it says it is up" "$(uptime)" -le $((SECONDS - started))
}

checks() { cli -j ledger 2>/dev/null | json 'd["checks"]'; }
checked_on() { [ "$(checks)" -ge $((checks_before + 4)) ]; }
next_hour() { [ "$(hour)" -gt "$last_hour" ]; }

# An hour is to begin, which the disk of the state directory does not take for as long as this lasts.
stand_still() { # SECONDS AHEAD
	echo sync-stuck >"$work/faults"
	last_hour=$(hour)
	jump "$1"
	checks_before=$(checks)
	wait_for 30 "the ledger is checked on while the state's disk stands still" checked_on
	expect "the state's disk stands still: the current landing hour" "$(hour)" = "$last_hour"
	echo none >"$work/faults"
	wait_for 10 "the next landing hour" next_hour
}

start() {
	start_daemon LD_PRELOAD="$work/clock_back.so $work/disk_faults.so" CLOCK_BACK_FILE="$work/clock" \
		DISK_FAULTS="$work/faults" DISK_FAULTS_UNDER="$state"
}

accepted() { [ "$(cli -j show spool | json 'd["accepted"]')" = "$1" ]; }
closed() { [ "$(hour oldest_open)" -gt "$((landed + 1))" ]; }
all_complete() { [ "$(hour complete_before)" = "$(hour oldest_open)" ]; }

# Looked at when the keeper has, some times.
expect_incomplete() { # WHAT
	wait_for 30 "$1: the hour is closed" closed
	checks_before=$(checks)
	wait_for 30 "$1: the ledger is checked" checked_on
	expect "$1: hours before it are complete, and not the hour that they landed in" "$(hour complete_before)" = "$landed"
}

# Kafka is away, and hours go by.
leave_behind() {
	local there=$bootstrap
	bootstrap=127.0.0.1:1
	write_config dpdk 1
	jump 7200
	start
	landed=$(hour)
	send 500
	wait_for 30 "the disk holds what Kafka cannot take" accepted 500
	jump 18000
	expect_incomplete "hours later"
	stop_daemon
	start
	expect "recovered" "$(ledger spool)" = 500
	expect_incomplete "after a stop and a start"
	kill_daemon
	start
	expect_incomplete "after kill -9 and a start"
	kill_daemon
	sed -i 's/^spool: .*/spool: {mode: off}/' "$config"
	start
	expect_incomplete "with a start that does not open the spool"
	stop_daemon
	bootstrap=$there
	write_config dpdk 1
	jump 0
	start
	wait_idle 60
	expect "delivered by a later start: events" "$(ledger records acked)" = 500
	wait_for 30 "all closed hours are complete" all_complete
	stop_daemon
	expect "exit code" "$daemon_code" = 0
}

broker_up --heap 256
bed_up
cc -shared -fPIC -O -o "$work/clock_back.so" "$root/tests/e2e/clock_back.c" || die "the clock's stand-in does not compile"
cc -D_GNU_SOURCE -shared -fPIC -O -o "$work/disk_faults.so" "$root/tests/e2e/disk_faults.c" ||
	die "the disk's stand-in does not compile"
head -c 8 /dev/zero >"$work/clock"
for mode in direct wal; do
	spool="mode: $mode, segment: 1MiB, directory: $work/spool"
	write_config dpdk 1
	total=0
	jump 0
	start
	[ $mode = wal ] || create_topics
	last_hour=0 started=$((SECONDS - 1))
	for ahead in 3590 -3600 0; do # Kafka refuses what is further ahead of its own clock than an hour
		jump $ahead
		send 2000
		wait_idle 30
		expect "$mode: $ahead s ahead: events acked" "$(ledger records acked)" = $total
		expect_alive "$mode: $ahead s ahead"
		[ $ahead != -3600 ] || expect "$mode: $ahead s ahead: a clock behind the landing hour is told" "$(behind)" = true
	done
	"$kafka" pause "$cluster"
	send 8000
	for ahead in 3590 -3600; do
		jump $ahead
		send 4000
		expect_alive "$mode: away, $ahead s ahead"
	done
	wait_for 20 "$mode: away: the disk holds what Kafka cannot take" left
	cli reload >/dev/null || fail "$mode: away: the configuration is not loaded anew"
	send 2000
	expect_alive "$mode: away, after a reload"
	"$kafka" resume "$cluster"
	wait_idle 60
	expect "$mode: back: events acked" "$(ledger records acked)" = $total
	jump 0
	send 1000
	wait_idle 30
	expect "$mode: right again: events acked" "$(ledger records acked)" = $total
	[ $mode != wal ] || stand_still 7200
	expect_ledger_closed
	stop_daemon
	expect "$mode: exit code" "$daemon_code" = 0
done
leave_behind
read_back --allow out_of_order
finish
