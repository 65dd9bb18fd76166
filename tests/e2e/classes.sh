#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Classes of priority, with Kafka away for longer than the spool has room, and a restart in the middle: the first class loses
# nothing, the second its oldest events, the third all but a sample; every event that is missing is counted, and recorded.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
first=0
total=0 # events sent to the daemon that runs
much=9000
memory_more='pool: 4MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
config_more='stop: {drain: 2s}'
classes='[{name: gold, share: 86%}, {name: bulk, share: 7%, full: newest}, {name: rest, share: 7%, full: sample}]'

types_section() { # the first two types are gold, the next three bulk
	"$pktgen" --list-types --types "$types" | awk '{ class = NR <= 2 ? "gold" : NR <= 5 ? "bulk" : "rest"
		printf "  %s: {id: %s, class: %s}\n", $2, $1, class }'
	echo "  rawline: {id: 9999, record: raw}"
}

gold() { "$pktgen" --list-types --types "$types" | awk 'NR <= 2 { print $2 }'; }

send() { # COUNT
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate 6000
	first=$((first + $1)) total=$((total + $1))
}

says() { cli -j show spool | json "d['$1']"; }
taken() { [ $(($(ledger events numbered) + $(ledger events dropped.))) = $total ]; }
sampled() { [ "$(says sampled)" -gt 0 ]; }
made_room() { [ "$(says made_room)" -gt 0 ]; }
warned() { cli -j status | json '"; ".join(d["warnings"])' | grep -q 'class bulk has .* of its share of the spool .*: when it is full, its oldest'; }

# What the log says at the stops: `at_stops given.up` and so on, in all.
at_stops() { # WHAT
	sed -n "s/.* stopped: .*, \([0-9]*\) $1.*/\1/p" "$work/penstockd.log" | awk '{ sum += $1 } END { print sum }'
}

# What the record says of a class, and what of it there is in all.
recorded() { # WHAT
	cat "$work"/state/spool/given-up.*.ndjson | /usr/bin/python3 -c 'import json, sys
print(sum(row["events"] for row in map(json.loads, sys.stdin) if row["what"] == sys.argv[1]))' "$1"
}

for_memory() { echo $(($(drops pool_empty) + $(drops topic_credit))); }

broker_up --heap 256
bed_up
spool="mode: direct, size: 16MiB, segment: 64KiB, directory: $work/state/spool, classes: $classes"
write_config dpdk 1
start_daemon
create_topics
send 1000
wait_idle
expect "well: events acked" "$(ledger records acked)" = $total

"$kafka" pause "$cluster"
send $much
wait_for 20 "all events are numbered, or dropped by name" taken
wait_for 20 "the third class has given something up" sampled
expect "status warns of the class that is full" "$(warned && echo yes)" = yes
cli -j show spool >"$work/full.json"
for class in gold bulk rest; do
	expect "$class: KiB beyond its share" \
		$(($(json "max(0, next(c['bytes'] - c['share_bytes'] for c in d['classes'] if c['class'] == '$class')) >> 10" <"$work/full.json"))) -le 192
done
expect "gold: events turned away" "$(json 'd["classes"][0]["turned_away"]' <"$work/full.json")" = 0
cli ledger >/dev/null || fail "the ledger does not close in the outage"
memory=$(for_memory)
before=$total
stop_daemon
expect "exit code" "$daemon_code" = 0
room_before=$(recorded 'made room') away_before=$(recorded 'turned away')

total=0
left=$(at_stops 'left on disk')
start_daemon # with Kafka away
expect "events found on disk, as many as the log said at the stop" "$(ledger spool)" = "$left"
send $much
wait_for 20 "all events are numbered, or dropped by name" taken
wait_for 20 "the second class has given something up" made_room
"$kafka" resume "$cluster"
wait_idle 120
memory=$((memory + $(for_memory)))
made_room=$(says made_room) turned_away=$(drops spool_full)
expect_ledger_closed
expect "events given up otherwise" $(($(ledger records given_up.) - $(ledger records given_up.sampled) + $(ledger spool given_up.damaged))) = 0
stop_daemon
expect "exit code" "$daemon_code" = 0
expect "events that made room, as recorded" $(($(recorded 'made room') - room_before)) = "$made_room"
given_up=$(at_stops 'given up')
expect "events given up, as recorded" $(($(recorded 'made room') + $(recorded sampled) + $(recorded stopped))) = "$given_up"
expect "events left out of a sample, as recorded" "$(recorded sampled)" -gt 0
expect "events turned away, as recorded" $(($(recorded 'turned away') - away_before)) = "$turned_away"
made_room=$((room_before + made_room)) turned_away=$((away_before + turned_away))
echo "     of $((before + total)) events: $given_up given up, of which $made_room made room, $turned_away turned away, $memory for want of memory"
missing=$((given_up + turned_away + memory))
read_back --allow missing=$missing --allow out_of_order --allow repeated --allow identity_repeated --allow identity_gaps
# What the client had at a stop may be in Kafka all the same: it hung, and was not gone.
found=$(json 'd["missing"]' <"$work/read_back.json")
expect "events missing, all counted" "$found" -le $missing
expect "events missing, of those counted" "$found" -gt $((missing / 2))
for type in $(gold); do
	expect "$type: events missing" "$(json "d['missing_by_type'].get('$type', 0)" <"$work/read_back.json")" = 0
done
finish
