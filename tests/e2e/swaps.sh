#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Swaps of whole generations under load: rules, geo database and categories change together, also during an outage of
# Kafka. No event is lost, none is judged by a mixture, memory comes back; a change of one category is seen within a second;
# broken tables are refused with their place while the old ones serve.
. "$(dirname "$0")/../smoke/_init.sh"

types=16
swaps=100
more=20000
odd_type=$("$pktgen" --list-types --types $types | awk 'NR == 1 { print $2 }')
even_type=$("$pktgen" --list-types --types $types | awk 'NR == 2 { print $2 }')
tables=$work/tables
mkdir "$tables"

types_section() {
	"$pktgen" --list-types --types "$types" | awk -v dropped="$dropped" '
		{ printf "  %s:\n    id: %s\n", $2, $1 }
		$2 == dropped { print "    rules: [{name: all, then: drop}]" }'
	echo "  marker: {id: 9998}"
	echo "  rawline: {id: 9999, record: raw}"
}

# Puts the files of a generation in place, each by a rename.
put_files() { # NUMBER
	local odd=$(($1 % 2)) country=BB category=even
	dropped=$even_type
	[ $odd = 0 ] || { country=AA category=odd dropped=$odd_type; }
	printf '%s\n' "0.0.0.0/0 $country - -" "2000::/3 $country - -" | "$build/tests/unit/tables/geo-make" "$tables/geo.new" 6 ||
		die "geo-make failed"
	mv "$tables/geo.new" "$tables/geo.mmdb"
	ln -sfn "$category.tsv" "$tables/link"
	mv -T "$tables/link" "$tables/category.tsv"
	write_config dpdk 1
}

write_categories() { # CATEGORY: the items of the first events, and many others
	"$pktgen" --types $types --print 0..4999 | json_lines | awk -v category="$1" '{ print $1 "\t" category }'
	seq 1 "$more" | awk -v category="$1" '{ print "other-" $1 "\t" category }'
	printf 'marker\told\n'
}
json_lines() { # the different items of events
	/usr/bin/python3 -c 'import json, sys
print("\n".join(sorted({str(e["item"]) for e in map(json.loads, sys.stdin) if "item" in e})))'
}

generation() { cli -j show generation | json 'd["generation"]'; }
is_generation() { [ "$(generation)" = "$1" ]; }
resident() { cli -j status | json 'd["memory"]["rss_bytes"]'; }
running() { [ "$(ledger records acked)" -gt 1000 ]; }
swap() { # to the next generation
	put_files $((++number))
	cli reload >/dev/null || fail "reload to generation $number failed"
}
marker() { echo '{"type":"marker","item":"marker"}' >/dev/udp/10.9.0.2/9000; }
send_markers() { while marker; do sleep 0.05; done; }

for category in odd even; do write_categories $category >"$tables/$category.tsv"; done
config_more="geo: {files: [$tables/geo.mmdb]}
category: {file: $tables/category.tsv, changes: $tables/changes}"
broker_up --heap 256
bed_up
memory_more='pool: 256MiB, credit: 60%' # for the outage
number=1
put_files 1
start_daemon
cli topics create >"$work/topics.log" 2>&1 || die "topics create failed: $(tail -3 "$work/topics.log")"
in_background pktgen in_sender "$pktgen" --types $types --to 10.9.0.2 --to fd09::2 --format json --rate 5000 --duration 900
generator=${background[-1]}
export -f marker send_markers
in_background markers in_sender bash -c send_markers
markers=${background[-1]}
wait_for 20 "records are acked" running

# --- broken tables ---

refused() { # WHAT TEXT: reload fails with it, and nothing changes
	local code=0
	cli reload 2>"$work/refused.log" >/dev/null || code=$?
	expect "exit code for $1" $code = 1
	expect "what is said of $1" "$(grep -c "$2" "$work/refused.log")" = 1
	expect "generation after it" "$(generation)" = $number
	expect "alarms" "$(cli -j ledger | json 'd["alarms"]')" = 0
}
head -c 300 "$tables/geo.mmdb" >"$tables/new" && mv "$tables/new" "$tables/geo.mmdb"
refused "a geo database cut short" "geo.mmdb"
put_files 1
{ cat "$tables/odd.tsv" && printf 'a\tb\tc\n'; } >"$tables/new" && mv "$tables/new" "$tables/category.tsv"
refused "a line of three columns" "category.tsv:[0-9]*:.*column"
{ cat "$tables/odd.tsv" && printf 'marker\told\n'; } >"$tables/new" && mv "$tables/new" "$tables/category.tsv"
refused "a key twice" "category.tsv:[0-9]*: this key is also in line"
put_files 1
sed -i "s/category: {/&memory: 1MiB, /" "$config"
{ cat "$tables/odd.tsv" && seq 1 200000 | sed 's/$/\tx/'; } >"$tables/new" && mv "$tables/new" "$tables/category.tsv"
refused "a table beyond its budget" "category.tsv:[0-9]*: .*budget"
put_files 1

# --- a category changes at full load ---

let_pass 2 "markers with the old category"
changed=$(date +%s%6N)
printf 'set\tmarker\tnew\n' >>"$tables/changes"
let_pass 2 "markers with the new one"
kill "$markers"
wait "$markers" 2>/dev/null || true

# --- swaps ---

for ((i = 0; i < 10; i++)); do swap; done
before=$(resident)
for ((i = 10; i < swaps; i++)); do swap; done
after=$(resident)
expect "generation after $swaps swaps" "$(generation)" = $((swaps + 1))
expect "MiB resident, after 10 swaps $((before >> 20))" $((after >> 20)) -le $(((before >> 20) + 32))

# --- ten million categories: there, replaced by others, and gone again ---

if [ -n "${PENSTOCK_FULL:-}" ]; then
	for category in odd even; do
		cp "$tables/$category.tsv" "$work/$category.small"
		seq 1 10000000 | awk -v category=$category '{ print "million-" $1 "\t" category }' >>"$tables/$category.tsv"
	done
	for ((i = 0; i < 3; i++)); do swap; done
	expect "MiB resident with ten million categories" "$(($(resident) >> 20))" -gt $(((before >> 20) + 150))
	for category in odd even; do mv "$work/$category.small" "$tables/$category.tsv"; done
	swap
	expect "MiB resident without them" "$(($(resident) >> 20))" -le $(((before >> 20) + 64))
fi

# --- while Kafka is away ---

"$kafka" kill9 "$cluster" >/dev/null
swap
expect "generation without Kafka" "$(generation)" = $number
"$kafka" start "$cluster" 1 >/dev/null
kill -INT "$generator"
wait "$generator" 2>/dev/null || true
wait_idle 120
expect "events dropped" "$(ledger events dropped.)" = 0
expect "events given up" "$(ledger records given_up)" = 0
expect_ledger_closed
expect "filtered events" "$(ledger events filtered)" -gt 1000
numbered=$(ledger records)
last=$(generation)

# --- by watching ---

config_more="$config_more
watch: 300ms"
swap
refused=$(grep -c 'reload: .*geo.mmdb' "$work/penstockd.log")
: >"$tables/new" && mv "$tables/new" "$tables/geo.mmdb"
wait_for 20 "a broken file is refused" eval '[ "$(grep -c "reload: .*geo.mmdb" "$work/penstockd.log")" -gt "$refused" ]'
expect "generation after it" "$(generation)" = $number
put_files $number
wait_for 20 "the generation by watching" is_generation $((number + 1))
stop_daemon
expect "exit code" "$daemon_code" = 0
if "$root/tests/e2e/swaps.py" --bootstrap "$bootstrap" --prefix "$test_name." --odd "$odd_type" --even "$even_type" \
	--count "$numbered" --last "$last" --changed "$changed"; then
	echo "ok   no mixture"
else
	fail "what records tell does not fit together"
fi
finish
