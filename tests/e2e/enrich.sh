#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rules, geo and categories over the generator's 64 types: what Kafka holds and what is counted equals what a script in Python works
# out from the same events, type by type and event by event.
. "$(dirname "$0")/../smoke/_init.sh"

count=${PENSTOCK_EVENTS:-200000}
more=200000
[ -z "${PENSTOCK_FULL:-}" ] || { count=1000000 && more=10000000; }

geo=$("$root/tests/data/geo" path)
if [ ! -f "$geo" ]; then
	echo "   (the default geo database was not fetched: a small one takes its place)"
	geo=$work/small.mmdb
	printf '%s\n' "20.0.0.0/6 US - -" "104.0.0.0/8 CA - -" "176.0.0.0/7 RU - -" "2600::/12 US - -" |
		"$build/tests/unit/tables/geo-make" "$geo" 6 28 aliases || die "no geo database"
fi
mapfile -t names < <("$pktgen" --list-types --types 64 | awk '{ print $2 }')
"$pktgen" --types 64 --pretty 0 --print "0..$((count - 1))" >"$work/events.ndjson"
"$root/tests/e2e/enrich.py" categories "$work/events.ndjson" $more >"$work/categories.tsv"

types_section() {
	"$root/tests/e2e/enrich.py" config "${names[@]}"
	echo "  rawline: {id: 9999, record: raw}"
}

broker_up
bed_up
config_more="geo: {files: [$geo]}
category: {file: $work/categories.tsv}"
write_config dpdk 1
sed -i "s/^topics: {/&quarantine: \"enrich-aside.{type}\", /" "$config"
expect "what --check says" "$("$penstockd" --check -c "$config" | tail -1)" = "$config: fine"
start_daemon
cli topics create >"$work/topics.log" 2>&1 || die "topics create failed: $(tail -3 "$work/topics.log")"
generate --to 10.9.0.2 --format json --pretty 0 --count 3000 --rate 1000
wait_idle 60
generate --to 10.9.0.2 --to fd09::2 --format json --pretty 0 --first 3000 --count $((count - 3000)) --rate "${PENSTOCK_RATE:-25000}"
wait_idle 120
expect "events found" "$(ledger events)" = "$count"
expect "events dropped" "$(ledger events dropped.)" = 0
expect_ledger_closed
cli -j show types >"$work/types.json"
cli show rules >"$work/rules.txt"
expect "rules that decided on events" "$(grep -c ' drop \| sample \| keep \| quarantine ' "$work/rules.txt")" -gt 30
stop_daemon
expect "exit code" "$daemon_code" = 0
if "$root/tests/e2e/enrich.py" check --bootstrap "$bootstrap" --prefix "$test_name." --types "$(IFS=,; echo "${names[*]}")" \
	--events "$work/events.ndjson" --geo "$geo" --categories "$work/categories.tsv" --counters "$work/types.json"; then
	echo "ok   what became of the events"
else
	fail "events are not where they should be, or say something else"
fi
finish
