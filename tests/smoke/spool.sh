#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A spool's directory, looked at while the daemon works on it, after it was killed, when it is damaged, and when a file was taken
# out of it. Kafka is away all the time, so that all that was accepted stays unsettled.
. "$(dirname "$0")/_init.sh"

bootstrap=127.0.0.1:1
types=4
count=3000
place=env
directory=$state/spool
spool='mode: wal, segment: 64KiB'
config_more='stop: {drain: 1s}'

answer() { # EXIT-CODE WORD...: what it says is in said, and on standard error in errors
	local code=0
	"$penstock" "${@:2}" >"$work/said" 2>"$work/errors" || code=$?
	expect "$(cut -c 1-100 <<<"${*:2}"): exit code" $code = "$1"
}
said() { # EXPRESSION
	json "$1" <"$work/said"
}
accepted() { [ "$(cli -j show spool | json 'd["accepted"]')" = "$1" ]; }
refused() { grep -c "$1" "$work/errors" || true; }
sum() { (cd "$directory" && find . -type f ! -name lock | sort | xargs sha256sum | sha256sum); }

write_config socket 2
start_daemon
generate --to 127.0.0.1 --format json --count $count --rate 3000 --sockets 8
wait_for 20 "all is accepted" accepted $count

# --- while the daemon is at work ---

answer 0 -s "$socket" spool status
expect "the daemon's spool: mode" "$(head -1 "$work/said")" = "mode wal, in $directory"
synced() { "$penstock" -j spool status "$directory" >"$work/said" 2>/dev/null && [ "$(said 'd["events"]')" = $count ]; }
wait_for 10 "the directory holds all events" synced
expect "the directory is in use" "$(said 'd["in_use"]')" = true
expect "logs" "$(said '[l["log"] for l in d["logs"]]')" = '["lane.0", "lane.1"]'
answer 0 spool check "$directory"
expect "the check's end" "$(tail -1 "$work/said")" = "all is well"
answer 0 spool export "$directory"
expect "records exported" "$(wc -l <"$work/said")" = $count
expect "it is told that a daemon is at work" "$(refused 'a daemon is at work on it')" = 1
first=lane.0/$(ls "$directory/lane.0" | grep -m 1 'log$')
answer 2 spool quarantine "$directory" "$first" --yes
expect "quarantine is refused" "$(refused 'a daemon is at work on it; stop it first')" = 1
sed "s|^state: .*|state: $work/other|; s|^control: .*|control: {socket: $work/other.sock}|; s|port: 9|port: 8|
	s|^spool: {|spool: {directory: $directory, |" "$config" >"$work/other.yaml"
mkdir "$work/other"
code=0
timeout 20 "$penstockd" -c "$work/other.yaml" >"$work/other.log" 2>&1 </dev/null || code=$?
expect "a second daemon ends: exit code" $code -lt 124
expect "it does not go well" $code -gt 0
expect "and says why" "$(grep -c "spool directory $directory is in use by another process ($daemon_pid by its file lock)" "$work/other.log")" = 1

# --- after kill -9 ---

kill_daemon
before=$(sum)
answer 69 -s "$socket" spool status
answer 0 -j spool status "$directory"
expect "unsettled events" "$(said 'd["events"]')" = $count
expect "nobody has it" "$(said 'd["in_use"]')" = false
answer 0 -j spool check "$directory"
expect "checked" "$(said '[d["ok"], d["events"], d["lost"], d["damage"]]')" = "[true, $count, 0, []]"
answer 0 spool export "$directory"
unique() {
	/usr/bin/python3 -c 'import json, sys
print(len({json.loads(line)["value"]["ingest"][0] for line in sys.stdin}))' <"$work/said"
}
expect "identities exported" "$(unique)" = $count
topic=$(head -1 "$work/said" | json 'd["topic"]')
of_topic=$(grep -c "\"topic\":\"$topic\"" "$work/said")
answer 0 spool export "$directory" --topic "$topic"
expect "records of one topic" "$(wc -l <"$work/said")" = "$of_topic"
expect "nothing has changed" "$(sum)" = "$before"

# --- damaged ---

file=$(ls "$directory/lane.0" | grep 'log$' | sed -n 2p)
expect "a second file" "$file" != ""
printf '\xff\xff\xff' | dd of="$directory/lane.0/$file" bs=1 seek=300 conv=notrunc status=none
before=$(sum)
answer 1 -j spool check "$directory"
lost=$(said 'd["lost"]')
expect "events lost" "$lost" -gt 0
expect "the place" "$(said '[[p["log"], p["file"], p["events"]] for p in d["damage"]]')" = "[[\"lane.0\", \"$file\", $lost]]"
answer 1 spool check "$directory"
expect "the place for a person" "$(grep -c "^lane.0/$file: at .* $lost unsettled events lost" "$work/said")" = 1
answer 1 spool export "$directory"
expect "the rest is exported" "$(wc -l <"$work/said")" = $((count - lost))
expect "what is skipped is counted" "$(refused "lane.0: 1 damaged places were skipped, with $lost unsettled events")" = 1
expect "nothing has changed" "$(sum)" = "$before"

# --- a file put aside ---

answer 1 -j spool quarantine "$directory" "lane.0/$file"
gone=$(said 'd["events"]')
expect "events that would go" "$gone" -ge "$lost"
expect "nothing has changed" "$(sum)" = "$before"
chmod 755 "$work" "$state"
rm "$directory/lock" "$directory"/lane.*/state 2>/dev/null || true # so that root would make them
chown -R 65534:65534 "$directory"
answer 0 spool quarantine "$directory" "lane.0/$file" --yes
expect "what it made is the owner's" "$(find "$directory" ! -user 65534 | wc -l)" = 0
expect "there is a state" "$(ls "$directory/lane.0/state")" = "$directory/lane.0/state"
chown -R 0:0 "$directory"
expect "moved" "$(grep -c "^lane.0/$file: $gone unsettled events; moved to $file.bad" "$work/said")" = 1
[ -e "$directory/lane.0/$file.bad" ] || fail "there is no $file.bad"
answer 1 -j spool check "$directory"
expect "lost with it" "$(said 'd["lost"]')" = "$gone"
answer 2 spool quarantine "$directory" "lane.0/$file" --yes
start_daemon
expect "a daemon starts on it, with events recovered" "$(ledger spool)" = $count
stop_daemon
expect "exit code" "$daemon_code" = 0

# --- left behind by another configuration ---

warned() { # TEXT
	cli -j status | json '"\n".join(d["warnings"])' | grep -c "$1" || true
}

spool="mode: wal, segment: 64KiB, directory: $work/first"
write_config socket 2
start_daemon
generate --to 127.0.0.1 --format json --first $count --count 200 --rate 3000 --sockets 8
wait_for 20 "all is accepted" accepted 200
epoch=$(cli -j status | json 'd["epoch"]')
kill_daemon
for spool in "mode: off" "mode: off, directory: $work/first" "mode: direct, directory: $work/second"; do
	write_config socket 2
	start_daemon
	expect "$spool: status warns of the events" "$(warned "spool $work/first is not opened .* holds 200 events")" = 1
	expect "$spool: how far the epoch came is not given up" "$(grep -c '^state running' "$state/reached.$epoch")" = 1
	stop_daemon
	expect "exit code" "$daemon_code" = 0
done
spool="mode: wal, segment: 64KiB, directory: $work/first"
write_config socket 2
start_daemon
expect "with its directory again, events recovered" "$(ledger spool)" = 200
expect "status does not warn of it" "$(warned "spool $work/first")" = 0
expect "but of the first one" "$(warned "spool $state/spool is not opened .* holds .* events")" = 1
expect "how far the epoch came is known exactly" "$(grep -c '^exact 1' "$state/reached.$epoch")" = 1
stop_daemon
expect "exit code" "$daemon_code" = 0

# --- a file system that has too little free ---

mkdir "$work/small"
mount -t tmpfs -o size=32m penstock-small "$work/small"
head -c 20M /dev/zero >"$work/small/of others"
spool="mode: direct, size: 8MiB, segment: 64KiB, keep_free: 50%, directory: $work/small/spool"
write_config socket 1
start_daemon
crowded() { cli -j status | json '"; ".join(d["warnings"])' | grep -q "the file system of $work/small/spool has less than 50% free"; }
wait_for 10 "status warns of it" crowded
stop_daemon
expect "exit code" "$daemon_code" = 0
umount "$work/small"

# --- what is no spool ---

answer 2 spool status "$work"
expect "the cure" "$(refused 'is no spool: .*; expected spool.directory of a configuration')" = 1
answer 2 spool check "$work/nowhere"
answer 2 spool export "$directory/lane.0"
answer 64 spool check
answer 64 spool quarantine "$directory"
answer 64 spool export "$directory" --topic
answer 64 spool status "$directory" -w 1
finish
