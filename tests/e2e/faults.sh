#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Loss, duplicates, reordering, damage and restarts of senders, with every sender's sequence spread over four sockets and
# two workers: the daemon's account of each sender is exactly what the generator did.
. "$(dirname "$0")/../smoke/_init.sh"

compare() { # NUMBER: what the daemon says of each sender with a larger one, against what the generator did
	cli -j show sources -n 1000 | json "{**d, 'sources': [s for s in d['sources'] if s['id'] > $1]}" >"$work/sources.json"
	/usr/bin/python3 - "$truth" "$work/sources.json" <<'EOF'
import json, sys
truth, daemon = (json.load(open(path)) for path in sys.argv[1:])
rows = {}
for row in daemon["sources"]:
    key = (row["id"], row["epoch"])
    total = rows.setdefault(key, dict.fromkeys(("received", "lost", "duplicate", "expected"), 0))
    for name in total:
        total[name] += row[name]
wrong = 0
for life in truth["sources"]:
    row = rows.pop((life["id"], life["epoch"]), None)
    wanted = {"received": life["sent"], "lost": life["skipped"], "duplicate": life["duplicated"],
              "expected": life["sent"] + life["skipped"]}
    if row != wanted:
        wrong += 1
        print(f"sender {life['id']} epoch {life['epoch']}: daemon {row}, generator {life}")
if rows:
    print("the daemon knows senders that nobody was:", sorted(rows))
totals = {name: sum(life[name] for life in truth["sources"]) for name in ("sent", "skipped", "duplicated", "reordered")}
print(f"{len(truth['sources'])} lives of senders, {wrong} wrong; {totals}")
sys.exit(1 if wrong or rows else 0)
EOF
}

broker_up
bed_up
write_config dpdk 2
start_daemon
create_topics

first=0
round() { # DESCRIPTION OPTION...
	local what=$1
	shift
	echo "-- $what"
	generate --to 10.9.0.2 --format frame --count 20000 --rate 8000 --sources 8 --source-id $((first + 1)) --first "$first" "$@"
	wait_idle 60
	if compare "$first"; then echo "ok   $what"; else fail "$what: the accounts differ"; fi
	first=$((first + 20000))
}

round "no fault"
round "loss" --lose 300
round "duplicates" --duplicate 300
round "reordering" --reorder 300 --reorder-depth 20
round "one sequence over four sockets" --sockets 4 --spread
round "restarts" --restart 12
round "everything at once" --lose 100 --duplicate 100 --reorder 100 --reorder-depth 8 --restart 5 --sockets 4 --spread \
	--start-sequence 18446744073709551000
expect_ledger_closed
expect "events acked" "$(ledger records acked)" = "$(cat "$work"/events-*.txt | awk '{ n += $5 } END { print n }')"

echo "-- damaged JSON"
before=$(ledger records acked)
generate --to 10.9.0.2 --format json --count 20000 --rate 8000 --first "$first" --corrupt 200
wait_idle 60
for name in json_syntax json_utf8; do
	expect "dropped for $name" "$(drops $name)" -ge 1
done
expect "events acked" "$(($(ledger records acked) - before))" = "$(awk '{ n += $5 } END { print n }' "$events")"
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back
finish
