#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The ledger can fail: with one datagram, event or record lost in silence at each hand-over in turn, the daemon alarms within
# five seconds and names the equation that does not add up. The same traffic without a loss raises no alarm.
. "$(dirname "$0")/../smoke/_init.sh"

build=${PENSTOCK_FAULTS_BUILD:-$build}
penstockd=$build/control/daemon/penstockd
grep -q PENSTOCK_FAULT "$penstockd" || skip "needs a build with -Dfaults=true, in PENSTOCK_FAULTS_BUILD"
types=8
first=0

status_code() {
	local code=0
	cli status >/dev/null 2>&1 || code=$?
	echo $code
}

traffic() { # starts the generator, which needs a second; the loss comes in the first tenth of it
	in_background "pktgen-$first" in_sender "$pktgen" --to 10.9.0.2 --to fd09::2 --types $types --first $first --count 1500 \
		--rate 1500
	first=$((first + 1500))
}

lose() { # FAULT EQUATION
	local began limit
	start_daemon PENSTOCK_FAULT="$1:20"
	began=$SECONDS
	traffic
	if cli wait alarm -t 5 >/dev/null; then
		echo "ok   $1: an alarm after $((SECONDS - began)) s"
	else
		fail "$1: no alarm"
	fi
	expect "$1: exit code of status" "$(status_code)" = 1
	wait "${background[-1]}" || fail "the generator failed"
	limit=$((SECONDS + 10))
	until [ "$(ledger "$2" difference)" -gt 0 ] || [ $SECONDS -ge $limit ]; do sleep 0.2; done
	expect "$1: missing in the equation of $2" "$(ledger "$2" difference)" -ge 1 # a whole batch when that is lost
	expect "$1: missing in the equation of $2" "$(ledger "$2" difference)" -le 20
	stop_daemon
	expect "$1: exit code of the daemon, which stops with a wrong ledger" "$daemon_code" = 70
}

broker_up
bed_up
config_more='stop: {drain: 3s}'
write_config dpdk 1

start_daemon
create_topics
traffic
wait "${background[-1]}" || fail "the generator failed"
wait_idle
if cli wait alarm -t 5 >/dev/null 2>&1; then fail "an alarm, but nothing was lost"; fi
expect "nothing lost: exit code of status" "$(status_code)" = 0
expect "nothing lost: events acked" "$(ledger records acked)" = 1500
expect_ledger_closed
stop_daemon
expect "nothing lost: exit code of the daemon" "$daemon_code" = 0

lose nic_frame frames
lose worker_receive deliveries
lose worker_datagram datagrams
lose worker_decode events
lose worker_emit events
lose worker_seal records
lose worker_push records
lose producer_pop records
lose producer_report records
finish
