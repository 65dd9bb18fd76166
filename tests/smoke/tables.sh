#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tables: made from text by `penstock tables build`, looked into as files and in a running daemon, which also says what it holds.
# Kafka is away all the time.
. "$(dirname "$0")/_init.sh"

bootstrap=127.0.0.1:1
types=1
geo=$work/geo.mmdb
printf '%s\n' "200.0.0.0/8 BR - Recife" "2001:db8::/32 DE 64500 -" | "$build/tests/unit/tables/geo-make" "$geo" 6 28 aliases ||
	die "no geo database"
cd "$work"
{ printf '7\tshoes\nabc\thats\n' && seq 1000 5000 | awk '{ print $1 "\tgroup-" $1 % 10 }'; } >items.tsv
cp items.tsv items.kept

answer() { # EXIT-CODE WORD...: what it says is in said.log
	local code=0
	PENSTOCK_SOCKET=$socket "$penstock" "${@:2}" >said.log 2>&1 || code=$?
	expect "$(cut -c 1-100 <<<"${*:2}"): exit code" $code = "$1"
}
said() { # DESCRIPTION, and what is expected on standard input
	if diff -u - said.log; then echo "ok   $1"; else fail "$1"; fi
}

# --- building ---

answer 0 tables build items.tsv items.bin -j
expect "keys and categories" "$(json '[d["keys"], d["categories"], d["file_bytes"] > 40000]' <said.log)" = "[4003, 12, true]"
expect "its schema" "$(json 'd["schema_version"]' <said.log)" = 1
answer 0 tables build items.tsv $'caf\xe9.bin' -j
expect "the name of a file may be any bytes" "$(json 'd["file"] == "caf\ufffd.bin"' <said.log)" = true
answer 0 tables build items.tsv items.bin
expect "its title" "$(head -1 said.log | tr -s ' ')" = "FILE KEYS CATEGORIES SIZE IN MEMORY BUILT IN MS"
printf '1\ta\n1\tb\n' >twice.tsv
answer 65 tables build twice.tsv none.bin
expect "a key twice: both lines are named" "$(grep -c '^penstock: twice.tsv:2: .*line 1' said.log)" = 1
answer 65 tables build nothing.tsv none.bin
answer 73 tables build items.tsv nowhere/none.bin
cp items.tsv items.new
for out in items.tsv ./items.tsv; do
	answer 73 tables build items.tsv $out
	expect "$out is what is read: told" "$(grep -c "^penstock: $out: " said.log)" = 1
done
answer 73 tables build items.new items
expect "what is read stays as it is" "$(cat items.tsv items.new | sha256sum)" = "$(cat items.kept items.kept | sha256sum)"
expect "what could not be made is not there" "$(find . -name 'none.bin*' | wc -l)" = 0

# --- files ---

addresses() { # OPTION...
	answer 1 tables lookup ip "$@" 200.1.2.3 2001:db8::7 ::ffff:200.1.2.3 192.0.2.1 200.1.2
	said "addresses $*"
}
long=$(printf '%0256d' 0)
items() { # OPTION...
	answer 1 tables lookup item "$@" abc 7 07 5000 5001 "$long"
	said "items $*"
}
addresses --file "$geo" <<'TEXT'
200.1.2.3                 country BR, city Recife
2001:db8::7               country DE, asn 64500
::ffff:200.1.2.3          country BR, city Recife
192.0.2.1                 unknown
200.1.2                   is no address; expected one such as 203.0.113.7 or 2001:db8::7
TEXT
for file in items.tsv items.bin; do
	items -f $file <<'TEXT'
abc                       hats
7                         shoes
07                        unknown
5000                      group-0
5001                      unknown
0000000000000000000000000000000000000000  is no key: it is longer than 255 bytes
TEXT
done
answer 1 tables lookup ip -f "$geo" -j 200.1.2.3 nowhere
said "addresses as JSON" <<'TEXT'
{"key":"200.1.2.3","found":true,"geo":{"country":"BR","city":"Recife"}}
{"key":"nowhere","found":false,"error":"is no address; expected one such as 203.0.113.7 or 2001:db8::7"}
TEXT
answer 65 tables lookup ip -f items.tsv 10.0.0.1
answer 65 tables lookup item -f nothing.tsv 1
answer 64 tables lookup place 1
answer 64 tables lookup item

# --- the daemon's ---

answer 69 tables lookup item 7
config=$work/$'caf\xe9.yaml' # a file's name may be any bytes
config_more="geo: {files: [$geo], fields: [country, city, asn]}
category: {file: $work/items.bin, changes: $work/changes}"
write_config socket 1
start_daemon
addresses <<'TEXT'
200.1.2.3                 country BR, city Recife
2001:db8::7               country DE, asn 64500
::ffff:200.1.2.3          country BR, city Recife
192.0.2.1                 unknown
200.1.2                   is no address; expected one such as 203.0.113.7 or 2001:db8::7
TEXT
items <<'TEXT'
abc                       hats
7                         shoes
07                        unknown
5000                      group-0
5001                      unknown
0000000000000000000000000000000000000000  is no key: it is longer than 255 bytes
TEXT
seq 1000 5000 | cli tables lookup item -j - >all.ndjson || fail "not all of many keys are known"
cli tables lookup item -j -f items.tsv - < <(seq 1000 5000) | cmp - all.ndjson || fail "file and daemon differ"
expect "keys answered" "$(wc -l <all.ndjson)" = 4001
seq 1000 3000 | sed 's/.*/\t\x01"é&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&/' | cli tables lookup item -j - >odd.ndjson || true
expect "odd keys answered" "$(wc -l <odd.ndjson)" = 2001
expect "a key is answered as it was given" "$(printf 'x\xff\n' | cli tables lookup item - | tr -s ' ' || true)" = "x? is no key: it is no text in UTF-8"

# --- what it holds ---

answer 0 -j show tables
expect "tables" "$(json '[[t["table"], t["entries"] > 2, t["bytes"] > 1000, t["load_ms"] < 60000, t["age_s"] >= 0,
	t["changes"]] for t in d["tables"]]' <said.log)" = '[["geo", true, true, true, true, 0], ["category", true, true, true, true, 0]]'
expect "generation and revision" "$(json '[d["generation"], d["revision"]]' <said.log)" = "[1, 0]"
expect "what is loaded" "$(json '[d["tables"][1][k] for k in ("entries", "values", "files")]' <said.log)" = \
	"[4003, 12, [\"$work/items.bin\", \"$work/changes\"]]"
loaded=$(json 'd["tables"][0]["loaded_us"]' <said.log)
printf 'set\t5001\tlate\nnonsense\ndelete\t7\n' >changes
changed() { [ "$(cli -j show tables | json '[d["generation"], d["revision"], d["tables"][1]["changes"], d["tables"][1]["bad_lines"]]')" = "[1, 1, 2, 1]" ]; }
wait_for 10 "the changes count" changed
answer 1 tables lookup item 5001 7
said "what has changed" <<'TEXT'
5001                      late
7                         unknown
TEXT
rm changes
printf '8\tsocks\n' >more.tsv
answer 0 tables build more.tsv items.bin
answer 0 reload
answer 0 tables lookup item 8
answer 1 tables lookup item 7
answer 0 -j show tables
expect "after a reload: entries" "$(json 'd["tables"][1]["entries"]' <said.log)" = 1
expect "a table that did not change was not loaded again" "$(json 'd["tables"][0]["loaded_us"]' <said.log)" = "$loaded"
warned() { [ "$(cli -j status | json '[w for w in d["warnings"] if "/changes: Is a directory" in w] != []')" = "$1" ]; }
mkdir changes
wait_for 10 "changes that cannot be read are warned of" warned true
rmdir changes
wait_for 10 "once they can, no more" warned false
answer 0 -j show config
expect "the configuration's path" "$(json 'd["path"].endswith("/caf\ufffd.yaml")' <said.log)" = true
cp "$config" right.yaml
echo "nonsense: 1" >>"$config"
answer 1 reload
expect "why a reload failed" "$(grep -c $'caf\xef\xbf\xbd.yaml:.*unknown key "nonsense"' said.log)" = 1
cp right.yaml "$config"
sed -i '/^geo:/d; /^category:/d' "$config"
answer 0 reload
answer 0 show tables
expect "no tables" "$(tail -1 said.log)" = "there are none: name their files under geo and category in the configuration"
answer 1 tables lookup ip 10.0.0.1
said "no table to look into" <<<"penstock: no geo table is loaded; name its file in the configuration"
stop_daemon
expect "exit code" "$daemon_code" = 0
finish
