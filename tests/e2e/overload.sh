#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Overload: the generator sends as fast as it can, batches are few. Every frame, event and record is accounted for, what does
# not fit is dropped under its name, numbered senders' losses are exact, memory stays flat, and the control socket answers.
. "$(dirname "$0")/../smoke/_init.sh"

types=16
seconds=${PENSTOCK_SECONDS:-10}
memory_more='pool: 1MiB, batch: 16KiB'
port_more='    max_datagram: 8000'

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon_pid/status"; }

now_ms() { date +%s%3N; }

broker_up
bed_up
write_config dpdk 1
start_daemon
create_topics
truth=$work/truth.json
in_background pktgen in_sender "$pktgen" --to 10.9.0.2 --to fd09::2 --types $types --format frame --sources 64 --sockets 8 \
	--duration "$seconds" --heartbeats 500 --truth "$truth"
generator=${background[-1]}
let_pass 3 "overload; memory that is used at all is touched by now"
before=$(rss)
slowest=0 answers=0
while kill -0 "$generator" 2>/dev/null; do
	asked=$(now_ms)
	cli status >/dev/null 2>&1 || fail "status: no answer or an alarm"
	took=$(($(now_ms) - asked))
	[ $took -le $slowest ] || slowest=$took
	answers=$((answers + 1))
	after=$(rss)
	sleep 0.2
done
wait "$generator" || fail "the generator failed"
expect "answers of the control socket" $answers -ge 10
expect "slowest answer in ms" $slowest -lt 1000
expect "memory grown under overload in kB" $((after - before)) -le 8192
wait_idle 60

cli -j show sources --limit 1000 >"$work/sources.json"
sources() { json "d['totals']['$1']" <"$work/sources.json"; }
expect "numbered datagrams expected" "$(sources expected)" = "$(truth 'sum(s["next"] - s["first"] for s in d["sources"])')"
expect "received and lost" $(($(sources received) + $(sources lost))) = "$(sources expected)"
expect "datagrams with events decoded" $(($(ledger datagrams decoded))) -ge "$(sources received)"
expect "events dropped for want of batches" $(($(drops pool_empty) + $(drops topic_credit))) -gt 0
expect "events acked" "$(ledger records acked)" = "$(ledger events numbered)"
expect "events found" "$(ledger events)" = $(($(ledger events numbered) + $(ledger events dropped.)))
expect "sources equation, difference" "$(ledger sources difference)" = 0
expect_ledger_closed
echo "     sent $(truth 'd["sent"]["events"]') events, found $(ledger events), acked $(ledger records acked)"
stop_daemon
expect "exit code" "$daemon_code" = 0
finish
