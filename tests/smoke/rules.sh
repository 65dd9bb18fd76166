#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `penstock rules test` says of sample events what a daemon would make of them, by rules and tables that no daemon has, and
# compares it with what is expected; bad samples and configurations are refused with their place.
. "$(dirname "$0")/_init.sh"

bootstrap=127.0.0.1:1
geo=$work/geo.mmdb
printf '%s\n' "200.0.0.0/8 BR - Recife" "2001:db8::/32 DE - -" | "$build/tests/unit/tables/geo-make" "$geo" 6 28 aliases ||
	die "no geo database"
printf '7\tshoes\nabc\that "x"\n' >"$work/categories.tsv"
types_section() {
	cat <<'YAML'
  click:
    id: 1
    rules:
      - {name: bots, if: 'agent contains "bot" or @client in 10.0.0.0/8 or @source in 192.0.2.0/24', then: drop}
      - {name: cheap, if: 'price < 10', then: sample, share: 30%, by: user.id}
      - {name: odd, if: 'price == 77', then: quarantine}
      - {name: old, if: '@age > 2h', then: drop}
      - {name: vip, if: 'user.tier == "gold"', then: keep, topic: vip, copy: everything}
  view: {id: 2, geo: false, key: user.id, require: {user.id: string}}
  line: {id: 3, record: raw}
  many: {id: 4, pack: 10, copy: everything}
YAML
}
inputs="  - {port: 9001, format: frame}
  - {port: 9000, format: json, client: ip, item: item}
  - {port: 9003, format: json, type: kind, client: addr}"
config_more="geo: {files: [$geo], fields: [country, city]}
category: {file: $work/categories.tsv}"
write_config socket 1
sed -i "s/^topics: {/&quarantine: \"aside.{type}\", /; s/template: \"[^\"]*\"/template: \"ev.{type}\"/" "$config"

test_rules() { # EXIT-CODE FILE [OPTION]...: what it says is in $work/said.log
	local code=0
	"$penstock" rules test -c "$config" "${@:2}" >"$work/said.log" 2>&1 || code=$?
	expect "rules test ${*:2}: exit code" $code = "$1"
}
said() { # DESCRIPTION, and what is expected on standard input
	if diff -u - "$work/said.log"; then echo "ok   $1"; else fail "$1"; fi
}

# --- what becomes of events ---

cd "$work"
cat >samples.ndjson <<'JSON'
{"type":"click","ip":"200.1.2.3","item":"abc"}
{"type":"click","agent":"a robot"}
{"type":"click","price":1,"user":{"id":"u1"}}
{"type":"click","price":77}

{"type":"view","user":{"id":"k\u0065y"},"geo":5,"item":"x"}
{"type":"view"}
{"type":"line","x":1}
{"ty\u0070e":"click","user":{"tier":"gold"},"item":7,"ip":"2001:db8::1"}
{"type":"nope"}
{"type":
{"event":1,"type":"click"}
{"type":"many"}
JSON
test_rules 0 samples.ndjson
said "each event's line" <<'TEXT'
samples.ndjson:1: click kept: topic ev.click, geo {"country":"BR","city":"Recife"}, category "hat \"x\""
samples.ndjson:2: click filtered by rule bots
samples.ndjson:3: click sampled out by rule cheap
samples.ndjson:4: click quarantined by rule odd: topic aside.click
samples.ndjson:6: view kept: topic ev.view, key "key", category null
samples.ndjson:7: view quarantined since member user.id is missing, or not: string: topic aside.view
samples.ndjson:8: line kept: topic ev.line
samples.ndjson:9: click kept by rule vip: topic vip, copy everything, geo {"country":"DE"}, category "shoes"
samples.ndjson:10: dropped as type_unknown: a type that the configuration does not name
    cure: add the type, or name a topic for unknown ones
samples.ndjson:11: dropped as json_truncated: the datagram ends inside a JSON object
    cure: a sender that cuts its datagrams
samples.ndjson:12: click kept: topic ev.click, geo {"country":"ZZ"}, category null
samples.ndjson:13: many kept: topic ev.many, copy everything, geo {"country":"ZZ"}, category null
12 events, 0 with expectations, 0 not as expected
TEXT
test_rules 0 samples.ndjson -j
expect "objects with -j" "$(wc -l <said.log)" = 12
expect "an object of -j" "$(sed -n 8p said.log)" = '{"outcome":"kept","type":"click","rule":"vip","topic":"vip","copy":"everything","key":null,"geo":{"country":"DE"},"category":"shoes","reason":null,"line":9,"differences":[]}'

# --- what is expected of them ---

cat >expected.ndjson <<'JSON'
{"event":{"type":"click","user":{"tier":"gold"}},"expect":{"outcome":"kept","type":"click","rule":"vip","topic":"vip","copy":"everything","key":null,"geo":{"country":"ZZ"},"category":null,"reason":null}}
{"event":{"type":"click","ts":1700000000},"receive":"2023-11-15T00:13:19Z","expect":{"outcome":"kept"}}
{"event":{"type":"click","ts":1700000000},"receive":1700007200000001,"expect":{"rule":"old"}}
{"event":{"type":"click"},"source":"192.0.2.9","expect":{"outcome":"filtered","rule":"bots"}}
{"event":{"type":"view","user":{"id":5}},"expect":{"outcome":"quarantined","reason":"member user.id is missing, or not: string","topic":"aside.view"}}
{"event":"{\"type\":\"click\"","expect":{"outcome":"dropped","reason":"json_truncated","type":null}}
JSON
test_rules 0 expected.ndjson
expect "the sum" "$(tail -1 said.log)" = "6 events, 6 with expectations, 0 not as expected"
echo '{"event":{"type":"click"},"expect":{"topic":"vip","geo":null,"outcome":"kept"}}' >wrong.ndjson
test_rules 1 wrong.ndjson
said "what is not as expected" <<'TEXT'
wrong.ndjson:1: click kept: topic ev.click, geo {"country":"ZZ"}, category null
    NOT AS EXPECTED: topic is "ev.click", expected "vip"
    NOT AS EXPECTED: geo is {"country":"ZZ"}, expected null
1 events, 1 with expectations, 1 not as expected
TEXT
test_rules 0 - -p 9003 < <(echo '{"event":{"kind":"click","addr":"200.1.1.1"},"expect":{"geo":{"country":"BR","city":"Recife"}}}')

cp "$config" quarantine.yaml
sed -i 's/quarantine: "aside.{type}", //; /name: odd/d' "$config"
echo '{"type":"view","user":{"name":"id"}}' >lacking.ndjson
test_rules 0 lacking.ndjson
said "a drop that says which member" <<'TEXT'
lacking.ndjson:1: view dropped as shape: member user.id is missing, or not: string
    cure: mend the sender, or name topics.quarantine
1 events, 0 with expectations, 0 not as expected
TEXT
mv quarantine.yaml "$config"

# --- what is refused ---

refused() { # EXIT-CODE SENTENCE LINE
	echo "$3" >bad.ndjson
	test_rules "$1" bad.ndjson
	said "refused: $2" <<<"penstock: bad.ndjson:1: $2"
}
refused 65 'expect: there is no "ruel"; expected outcome, type, rule, topic, copy, key, geo, category or reason' '{"event":{},"expect":{"ruel":1}}'
refused 65 "expect: outcome is kept, filtered, sampled_out, quarantined or dropped" '{"event":{},"expect":{"outcome":"drop"}}'
refused 65 "expect is no object" '{"event":{},"expect":[]}'
for more in '"expect":{}' '"recieve":1'; do
	refused 65 "an object with event and expect holds others, or one of them twice; expected event, expect, receive and source alone" \
		"{\"event\":{},\"expect\":{},$more}"
done
for more in '"expected":{"outcome":"kept"}' '"recieve":1' '"event":{"type":"view"}'; do
	refused 65 "event has no type beside it, and the object has another member, or one of them twice; expected event, expect, receive and source alone: correct it, or wrap the event as {\"event\": EVENT}" \
		"{\"event\":{\"type\":\"click\"},$more}"
done
refused 65 "event is neither an object nor a string" '{"event":3,"expect":{}}'
refused 65 'receive is no time before 2200: expected one such as "2026-01-31T12:00:00Z", or a number of microseconds since 1970' '{"event":{},"receive":"noon"}'
refused 65 'source is no address: expected one such as "10.0.0.1" or "2001:db8::1"' '{"event":{},"source":"10.0.0.256"}'
for more in '{"event":{},"expect":{"outcome":"dropped"}}' ' x'; do
	refused 65 "more than one object in the line, or something behind it; expected one a line" "{\"event\":{},\"expect\":{}}$more"
done
refused 65 "2 events; expected one" '{"type":"click"}{"type":"click"}'
refused 65 "an event of 70001 bytes; a datagram has room for 65507" "$(printf '%070001d' 0)"
test_rules 65 nothing.ndjson
said "a file that is not there" <<<"penstock: nothing.ndjson: No such file or directory; expected a file of events, one a line"
test_rules 78 samples.ndjson -p 9001
said "a port that is none for JSON" <<<"penstock: $config: no input for JSON has port 9001; expected the port of one of format: json"
sed -i 's/price == 77/price = 77/' "$config"
test_rules 78 samples.ndjson
expect "a wrong rule: names the place" "$(grep -c "^penstock: $config:[0-9]*:[0-9]*: types.click.rules\[2\].if: " said.log)" = 1
sed -i 's/price = 77/price == 77/; s/categories.tsv/nothing.tsv/' "$config"
test_rules 78 samples.ndjson
expect "a table that is not there: named" "$(grep -c "nothing.tsv: cannot open it" said.log)" = 1
config=$work/none.yaml
test_rules 78 samples.ndjson
code=0
"$penstock" rules test samples.ndjson >/dev/null 2>&1 || code=$?
expect "without -c: exit code" $code = 64
cp "$penstock" "$work/penstock"
code=0
"$work/penstock" rules test -c "$config" samples.ndjson >said.log 2>&1 || code=$?
expect "without the program beside it: exit code" $code = 70
finish
