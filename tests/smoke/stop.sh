#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How it stops while Kafka is away, so that the drain lasts: whoever asks is answered meanwhile, orders are refused, a reload that
# is under way is left, and a second stop changes nothing.
. "$(dirname "$0")/_init.sh"

bootstrap=127.0.0.1:1
types=4
place=env
drain=8

answer() { # EXIT-CODE WORD...: what it says is in said, and on standard error in errors
	local code=0
	timeout 20 "$penstock" -s "$socket" "${@:2}" >"$work/said" 2>"$work/errors" || code=$?
	expect "${*:2}: exit code" $code = "$1"
}
draining() { [ "$(cli -j status | json 'd["state"]')" = draining ]; }
numbered() { [ "$(ledger records)" -gt 0 ]; }
loading() { [ "$(cli -j show generation | json 'd["loading"]')" = true ]; }

# --- what is asked during the drain ---

config_more="stop: {drain: ${drain}s}
category: {file: $work/items.tsv}"
write_config socket 1
printf '1\tbooks\n' >"$work/items.tsv"
awk 'BEGIN { for (i = 0; i < 6000000; i++) printf "%d\tc%d\n", i, i % 50 }' >"$work/many.tsv"
start_daemon
generate --to 127.0.0.1 --format json --count 200 --rate 2000
wait_for 10 "events are numbered" numbered
mv "$work/many.tsv" "$work/items.tsv"
in_background reload "$penstock" -s "$socket" reload -t 30
reload=$!
wait_for 5 "the large table is being loaded" loading
kill -TERM "$daemon_pid"
began=$SECONDS
wait_for 3 "it says that it drains" draining
answer 0 -j status
expect "state" "$(json 'd["state"]' <"$work/said")" = draining
for words in ledger "show drops" "show kafka" "show ports" "show workers" "show types" "show spool" "show sources"; do
	# shellcheck disable=SC2086
	answer 0 $words
done
for words in reload "spool replay" "topics plan" "topics create"; do
	# shellcheck disable=SC2086
	answer 1 $words
	expect "$words: why" "$(grep -c 'the daemon is draining' "$work/errors")" = 1
done
code=0
wait "$reload" || code=$?
expect "exit code of the reload that was under way" $code = 1
expect "why it failed" "$(grep -c 'the daemon stops; generation 1 stays in force' "$work/reload.log")" = 1
answer 0 stop
daemon_code=0
wait "$daemon_pid" || daemon_code=$?
daemon_pid=
expect "exit code" "$daemon_code" = 0
expect "seconds from the signal to the end" $((SECONDS - began)) -le $((drain + 4))
expect "the socket is gone" "$([ -e "$socket" ] && echo there || echo gone)" = gone

# --- what the kernel holds for it is taken, or missed by name ---

config_more="stop: {drain: 1s}"
write_config socket 1
start_daemon
kill -STOP "$daemon_pid"
generate --to 127.0.0.1 --format json --count 20000 --rate 100000 --max-body 300
sent=$(truth 'd["sent"]["datagrams"]')
kill -TERM "$daemon_pid"
kill -CONT "$daemon_pid"
daemon_code=0
wait "$daemon_pid" || daemon_code=$?
daemon_pid=
expect "exit code" "$daemon_code" = 0
expect "datagrams of $sent that were taken" "$(sed -n 's/.*stopped: \([0-9]*\) frames.*/\1/p' "$work/penstockd.log" | tail -1)" = "$sent"
finish
