#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kafka's timestamps by type: that of the produce call, of receiving and of the event, types of several modes in one topic, and
# events of ten years ago and in a year among good ones, which a broker would refuse with all that travels beside them: all come
# back, each with the time that it is to have, over reloads that change modes too. A topic that takes less than the window gets its
# records with another time.
. "$(dirname "$0")/../smoke/_init.sh"

own=receive # the mode of a type that reloads change

types_section() {
	cat <<-EOT
		  plain: {id: 1}
		  came: {id: 2, timestamp: receive}
		  own: {id: 3, timestamp: event, topic: $test_name.shared}
		  came2: {id: 4, timestamp: receive, topic: $test_name.shared}
		  plain2: {id: 5, topic: $test_name.shared}
		  rawline: {id: 9999, record: raw, timestamp: event}
		  changes: {id: 6, timestamp: $own}
		  strict: {id: 7, timestamp: event}
		  keyed: {id: 8, timestamp: event, key: want}
	EOT
}

sent=0
say() { # TYPE=WANT[:COUNT]...
	local what
	in_sender "$root/tests/e2e/timestamps.py" send 10.9.0.2 9000 "$sent" "$@"
	for what; do
		what=${what#*=}
		[[ $what == *:* ]] && sent=$((sent + ${what#*:})) || sent=$((sent + 1))
	done
}

acked() { [ "$(ledger records acked)" = "$sent" ]; }
clamped() { cli -j show types | json "[t['clamped'] for t in d['types'] if t['name'] == '$1'][0]"; } # TYPE

change() { # MODE
	own=$1
	write_config dpdk 1
	sed -i "s/^topics: {/topics: {timestamp_back: 60m, timestamp_ahead: 5m, /" "$config"
}

broker_up --heap 256
bed_up
change receive
start_daemon
create_topics

say plain=produce:200 came=receive:200 own=event:300 own=past own=event:100 own=future own=none:3 came2=receive:100 \
	plain2=receive:100 own=past:5 keyed=event:50 keyed=future:2 keyed=past:3 changes=receive:40
wait_for 30 "records are acked" acked
expect "clamped events of own" "$(clamped own)" = 7
expect "clamped events of keyed" "$(clamped keyed)" = 5
expect "clamped events of came" "$(clamped came)" = 0

# --- reloads, while batches are open ---

for mode in event produce receive event produce; do
	change "$mode"
	cli reload >/dev/null || fail "reload to $mode failed"
	say "changes=$mode:25" own=event:10
done
wait_for 30 "records are acked over reloads" acked

# --- a topic that takes less than the window ---

"$kafka" configs "$cluster" --alter --entity-type topics --entity-name "$test_name.strict" \
	--add-config message.timestamp.before.max.ms=60000 >"$work/configs.log" 2>&1 || die "the topic's setting failed"
say strict=produce:50 # what each says is ten minutes old
wait_for 60 "records with refused times are acked" acked
expect "the daemon's log" "$(grep -c "topic $test_name.strict: the broker refuses records" "$work/penstockd.log")" = 1

expect "events given up" "$(ledger records given_up)" = 0
wait_idle
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
if "$root/tests/e2e/timestamps.py" judge "$bootstrap" "$sent" \
	"$test_name".{plain,came,shared,changes,strict,keyed} | tee "$work/timestamps.log"; then
	echo "ok   timestamps"
else
	fail "records have other timestamps than they are to have"
fi
finish
