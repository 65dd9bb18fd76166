#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How far an epoch came is published at the next start, a record a lane: killed with -9 in mode wal, exactly what Kafka holds in
# the end, also when the next start finds Kafka hanging and is killed too; in mode direct at least so far, within the bound; after
# an orderly stop exactly, whatever the mode.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
spool='mode: wal, segment: 256KiB, replay: 4MiB'
memory_more='pool: 2MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
config_more='stop: {drain: 5s}'
generator=

epoch() { cli -j status | json 'd["epoch"]'; }

before() { cli -j status | json "d['last_epoch']['$1']"; } # MEMBER

moved() { [ "$(ledger records)" -gt 3000 ]; }

all_published() { [ "$(before waiting)" = 0 ]; }

begin_traffic() {
	in_background pktgen "$pktgen" --to 127.0.0.1 --types $types --rate 4000 --duration 900 --sockets 16
	generator=${background[-1]}
}

end_traffic() {
	kill "$generator" && wait "$generator" 2>/dev/null || true
}

broker_up --heap 256
write_config socket 2
start_daemon
create_topics
instance=$(cli -j status | json 'd["uuid"]')
stop_daemon

# --- wal, killed; killed again while Kafka hangs; and stopped in good order ---

exact=() least=()
begin_traffic
for hangs in '' yes; do
	[ -z "$hangs" ] || "$kafka" pause "$cluster"
	start_daemon
	wait_for 20 "events are numbered" moved
	exact+=("$(epoch)")
	kill_daemon
done
expect "epochs that wait for Kafka" "$(find "$state" -maxdepth 1 -name 'reached.[0-9]*' | wc -l)" = 2
start_daemon
expect "epochs that wait for Kafka, at the start that finds it hanging" "$(before waiting)" = 2
expect "the epoch before" "$(before number) $(before exact) $(before published)" = "${exact[1]} true false"
expect "records of it" "$(before records)" -gt 1000
"$kafka" resume "$cluster"
wait_for 60 "both are published" all_published
expect "the epoch before is published" "$(before published)" = true
wait_for 20 "events are numbered" moved
end_traffic
wait_idle
cli status >"$work/status.log"
expect "what status says" "$(grep -c '^last epoch .* reached [0-9,]* records, published' "$work/status.log")" = 1
expect_ledger_closed
exact+=("$(epoch)")
stop_daemon
expect "exit code" "$daemon_code" = 0

# --- direct, killed and stopped ---

spool='mode: direct'
write_config socket 2
start_daemon
begin_traffic
wait_for 20 "events are numbered" moved
kept() { grep -q '^state running' "$state/reached.$(epoch)" && [ "$(wc -l <"$state/reached.$(epoch)")" -gt 12 ]; }
wait_for 20 "what is reached is kept" kept
least+=("$(epoch)")
kill_daemon
start_daemon
expect "the epoch before" "$(before number) $(before exact)" = "${least[0]} false"
wait_for 20 "events are numbered" moved
end_traffic
wait_idle
expect_ledger_closed
wait_for 60 "both are published" all_published
exact+=("$(epoch)")
stop_daemon
start_daemon
expect "the epoch before" "$(before number) $(before exact)" = "${exact[-1]} true"
wait_for 60 "it is published" all_published
stop_daemon
expect "what is left to publish" "$(find "$state" -maxdepth 1 -name 'reached.[0-9]*' | wc -l)" = 0
"$root/tests/e2e/reached.py" --bootstrap "$bootstrap" --topics "$test_name." --instance "$instance" \
	"${exact[@]/#/--exact=}" "${least[@]/#/--least=}" || fail "what was published is not what the epochs had reached"

# The manual's example, on one of the topics: no tail is missing but perhaps that of the epoch that was killed in mode direct.
sed -n '/^import json/,/^```/p' "$root/docs/reached-format.md" |
	sed -e '/^```/d' -e "s/ev\.view/$test_name.click/; s/localhost:9092/$bootstrap/" >"$work/example.py"
/usr/bin/python3 "$work/example.py" >"$work/example.log" || fail "the manual's example does not run"
expect "tails that it finds missing" "$(grep -vc 'at least$' "$work/example.log" || true)" = 0
finish
