#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network between the daemon and its broker fails in the ways that networks do: it swallows everything without a word, forgets
# connections, loses the broker's answers, is slow, is away; under traffic, with and without a spool, for longer than the client's
# time-outs, again while the spool is read back, and with the broker killed meanwhile. The daemon lives through all of it, so each
# event is in Kafka exactly once: what the client asks again, the broker must know.
. "$(dirname "$0")/../smoke/_init.sh"

types=4
rate=8000
first=0
total=0 # events sent to the daemon that runs
front=18092 back=18093 controller=18094 # ports: the proxy's, that of the broker behind it, the controller's
port_more='    max_datagram: 8000'
# Every time-out of the client is shorter than an outage.
kafka_more='    socket.timeout.ms: 1000
    socket.connection.setup.timeout.ms: 1000
    request.timeout.ms: 900
    metadata.max.age.ms: 2000
    topic.metadata.refresh.interval.ms: 1000'

send() { # COUNT
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate $rate
	first=$((first + $1)) total=$((total + $1))
}

proxy() { # MODE: sets it; `proxy counts` only asks
	"$root/tests/e2e/proxy.py" ask --control "$work/proxy.sock" "$1" >"$work/proxy.json" || die "the proxy does not answer"
}
proxied() { # NAME: a count of the proxy's
	proxy counts && json "d['$1']" <"$work/proxy.json"
}
proxied_more() { [ "$(proxied "$1")" -ge "$2" ]; }

numbered() { [ "$(ledger records)" = $total ]; }
acked_more() { [ "$(ledger records acked)" -gt "$1" ]; }
on_disk() { echo $(($(ledger spool spooled) + $(ledger spool parked))); }
disk_has() { [ "$(on_disk)" -ge "$1" ]; }
replayed() { cli -j show spool | json 'd["replayed"]'; }
replayed_more() { [ "$(replayed)" -gt "$1" ]; }
log_lines() { wc -l <"$work/penstockd.log"; }

expect_nothing_lost() { # WHAT
	wait_for 20 "$1: all events are numbered" numbered
	expect "$1: events dropped" "$(ledger events dropped.)" = 0
	expect "$1: events given up" "$(ledger records given_up.)" = 0
	expect "$1: ledger of events, difference" "$(ledger records difference)" = 0
}

# All is well again: everything comes to rest, and the daemon has said little about it. The client waits at most a second to connect
# again, and as long for an answer that does not come: of twenty times that, nothing is left to chance.
expect_well() { # WHAT LOG-LINES-BEFORE
	local before
	before=$(ledger records acked)
	send 1000
	wait_for 40 "$1: events are acked again" acked_more "$before"
	wait_idle 120
	expect "$1: events acked" "$(ledger records acked)" = $total
	expect "$1: lines of the log" $(($(log_lines) - $2)) -lt 20
	expect_ledger_closed
}

# An outage ends when the fault was met so often by the client that all its time-outs have expired.
outage() { # WHAT MODE COUNT OF-THE-PROXY TIMES
	local lines met
	lines=$(log_lines)
	met=$(proxied "$4")
	proxy "$2"
	send "$3"
	wait_for 60 "$1: the fault is met $5 times" proxied_more "$4" $((met + $5))
	expect_nothing_lost "$1"
	proxy pass
	expect_well "$1" "$lines"
}

broker_up --heap 256 --port $back \
	--property "listeners=PLAINTEXT://127.0.0.1:$back,FRONT://127.0.0.1:$((back + 2)),CONTROLLER://127.0.0.1:$controller" \
	--property "advertised.listeners=PLAINTEXT://127.0.0.1:$back,FRONT://127.0.0.1:$front" \
	--property listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,CONTROLLER:PLAINTEXT
direct=$bootstrap
in_background proxy "$root/tests/e2e/proxy.py" serve --listen $front --to $((back + 2)) --bandwidth 500000 --control "$work/proxy.sock"
proxy_pid=${background[-1]}
wait_for 10 "the proxy listens" test -S "$work/proxy.sock"
bed_up
bootstrap=127.0.0.1:$front

for mode in direct off; do
	much=8000 # more than the client may have
	memory_more='pool: 4MiB, batch: 16KiB'
	spool='mode: direct, segment: 1MiB, replay: 1MiB'
	[ $mode = direct ] || much=3000 memory_more='pool: 16MiB, batch: 16KiB' spool='mode: off'
	write_config dpdk 1
	total=0
	start_daemon
	[ $mode = off ] || create_topics
	send 1000
	wait_idle
	outage "$mode, silent" silent $much connections "$([ $mode = direct ] && echo 2 || echo 1)"
	outage "$mode, answers lost" swallow $much swallowed 5
	if [ $mode = direct ] || [ -n "${PENSTOCK_FULL:-}" ]; then
		outage "$mode, slow" slow $much answers 3
		outage "$mode, connections forgotten" vanish $much connections 1
	fi
	[ -z "${PENSTOCK_FULL:-}" ] || outage "$mode, refused" refuse $much connections 3

	# --- again while what is on disk is read back, and then with the broker killed ---

	if [ $mode = direct ]; then
		lines=$(log_lines)
		proxy silent
		send 16000
		expect_nothing_lost "a long outage"
		wait_for 20 "the disk holds what Kafka cannot take" disk_has 8000
		seen=$(replayed)
		proxy slow
		wait_for 60 "the disk is read back" replayed_more "$seen"
		met=$(proxied connections)
		proxy silent
		expect "outage in the replay: events on disk" "$(on_disk)" -gt 0
		wait_for 20 "the client has tried anew" proxied_more connections $((met + 1))
		proxy swallow
		met=$(proxied swallowed)
		wait_for 20 "answers to the replay are lost" proxied_more swallowed $((met + 3))
		seen=$(replayed)
		proxy slow
		wait_for 60 "the disk is read back again" replayed_more "$seen"
		"$kafka" kill9 "$cluster"
		expect "broker killed in the replay: events on disk" "$(on_disk)" -gt 0
		send 1000
		proxy pass
		"$kafka" start "$cluster" >/dev/null
		expect_well "outages in the replay" "$lines"
		expect "events on disk" "$(on_disk)" = 0
	fi
	stop_daemon
	expect "$mode: exit code" "$daemon_code" = 0
done
expect "clients made anew" "$(grep -c 'the client is made anew' "$work/penstockd.log" || true)" = 0
kill -0 "$proxy_pid" || fail "the proxy ended"
expect "the proxy's complaints" "$(wc -l <"$work/proxy.log")" = 0
bootstrap=$direct
read_back --allow out_of_order
finish
