#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several times more than can be delivered: the account stays exact, memory stays flat, the control socket answers.
. "$(dirname "$0")/../smoke/_init.sh"

count=400000
[ -z "${PENSTOCK_FULL:-}" ] || count=4000000
memory="pool: 16MiB, batch: 72KiB"
resident() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$daemon_pid/status"; }

broker_up --heap 256
bed_up
write_config dpdk 1
start_daemon
create_topics 2000
before=$(resident)

echo "-- as fast as the sender can, while Kafka stands still"
"$kafka" pause "$cluster"
generate --to 10.9.0.2 --to fd09::2 --format frame --first 2000 --count $count --rate 0 --sources 8 --heartbeats 3 &
sender=$!
slowest=0 highest=0 asked=0
while kill -0 $sender 2>/dev/null; do
	began=$(date +%s%N)
	cli -j status >/dev/null || fail "the control socket does not answer"
	took=$((($(date +%s%N) - began) / 1000000))
	slowest=$((took > slowest ? took : slowest))
	now=$(resident)
	highest=$((now > highest ? now : highest))
	asked=$((asked + 1))
done
wait $sender || die "the generator failed"
generated=$((generated + 1))
truth=$work/truth-$generated.json
"$kafka" resume "$cluster"
expect "times that status was asked" $asked -ge 3
expect "slowest answer of the control socket, ms" $slowest -le 2000
expect "memory at most, MB ($before before)" $highest -le $((before + 64))
wait_idle 120

sent=$(truth 'd["unique"]["events"]')
numbered=$(ledger records)
dropped=$(ledger events dropped.)
cli -j show sources >"$work/sources.json"
datagrams=$(truth 'd["unique"]["datagrams"]')
received=$(json 'd["totals"]["received"]' <"$work/sources.json")
lost=$(json 'd["totals"]["lost"]' <"$work/sources.json")
echo "     $sent events in $datagrams datagrams sent; $received datagrams received, $lost lost before us; $numbered events" \
	"numbered, $dropped dropped (pool_empty $(drops pool_empty), topic_credit $(drops topic_credit))"
expect "datagrams received and lost are those sent" $((received + lost)) -le "$datagrams"
# What a sender lost before its first datagram arrived nobody can know; there is little of it.
expect "the same, but for losses before a sender's first datagram" $((received + lost)) -ge $((datagrams - 2000))
expect "events dropped for want of memory" "$dropped" -ge 1
expect "numbered and acked" "$(ledger records acked)" = "$numbered"
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back --allow missing --summary "$work/read_back.json"
expect "events in Kafka" "$(json 'd["records"]' <"$work/read_back.json")" = "$numbered"
finish
