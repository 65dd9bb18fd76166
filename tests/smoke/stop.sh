#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How it stops while Kafka is away, so that the drain lasts: whoever asks is answered meanwhile, orders are refused, a reload that
# is under way is left, and a second stop changes nothing. The producers of two NUMA nodes drain at once.
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
begin_reload() { # of a table that takes long
	in_background reload "$penstock" -s "$socket" reload -t 30
	reload=$!
	wait_for 5 "the large table is being loaded" loading
}
expect_reload_left() {
	local code=0
	wait "$reload" || code=$?
	expect "exit code of the reload that was under way" $code = 1
	expect "why it failed" "$(grep -c 'the daemon stops; generation 1 stays in force' "$work/reload.log")" = 1
}

# --- what is asked during the drain ---

config_more="stop: {drain: ${drain}s}
category: {file: $work/items.tsv}"
write_config socket 1
printf '1\tbooks\n' >"$work/items.tsv"
awk 'BEGIN { for (i = 0; i < 12000000; i++) printf "%d\tc%d\n", i, i % 50 }' >"$work/many.tsv"
start_daemon
generate --to 127.0.0.1 --format json --count 200 --rate 2000
wait_for 10 "events are numbered" numbered
mv "$work/many.tsv" "$work/items.tsv"
begin_reload
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
expect_reload_left
answer 0 stop
daemon_ends
expect "exit code" "$daemon_code" = 0
expect "seconds from the signal to the end" $((SECONDS - began)) -le $((drain + 4))
expect "the socket is gone" "$([ -e "$socket" ] && echo there || echo gone)" = gone

# --- who waits for a reload is told, too, when there is nothing to drain ---

mv "$work/items.tsv" "$work/many.tsv"
printf '1\tbooks\n' >"$work/items.tsv"
start_daemon
mv "$work/many.tsv" "$work/items.tsv"
begin_reload
stop_daemon
expect "exit code" "$daemon_code" = 0
expect_reload_left

# --- what the kernel holds for it is taken, or missed by name ---

config_more="stop: {drain: 1s}"
write_config socket 1
start_daemon
kill -STOP "$daemon_pid"
generate --to 127.0.0.1 --format json --count 20000 --rate 100000 --max-body 300
sent=$(truth 'd["sent"]["datagrams"]')
kill -TERM "$daemon_pid"
kill -CONT "$daemon_pid"
daemon_ends
expect "exit code" "$daemon_code" = 0
expect "datagrams of $sent that were taken" "$(sed -n 's/.*stopped: \([0-9]*\) frames.*/\1/p' "$work/penstockd.log" | tail -1)" = "$sent"

# --- two NUMA nodes, or what looks like two: each has a worker and a producer ---

cpus=$(/usr/bin/python3 -c 'import os
a = sorted(os.sched_getaffinity(0))
print(a[0], ",".join(map(str, a[1:])))')
one=${cpus% *} others=${cpus#* }
nodes=/sys/devices/system/node
if [ -z "$others" ] || [ ! -d "$nodes" ]; then
	echo "two nodes: left out, there is one CPU, or a kernel without nodes"
	finish
fi
mount -t tmpfs penstock-nodes "$nodes"
mkdir "$nodes/node0" "$nodes/node1"
echo "$one" >"$nodes/node0/cpulist"
echo "$others" >"$nodes/node1/cpulist"
echo 0-1 | tee "$nodes/online" >"$nodes/possible"

drain=6
config_more="stop: {drain: ${drain}s}"
spread() { # from many ports, so that the kernel gives each worker a part
	/usr/bin/python3 -c 'import socket
for i in range(200):
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.sendto(b"{\"type\":\"%s\",\"ts\":1}" % b"'"$("$pktgen" --list-types --types 1 | awk '{ print $2 }')"'", ("127.0.0.1", 9000))
	s.close()'
}
both_have_some() { [ "$(cli -j show workers | json 'sum(w["numbered"] > 0 for w in d["workers"])')" = 2 ]; }
write_config socket "[$one, ${others%%,*}]"
manager manager
start_daemon NOTIFY_SOCKET="$work/manager"
spread
wait_for 10 "both workers have events" both_have_some
expect "producers" "$(grep -c '2 worker(s), 2 producer(s)' "$work/penstockd.log")" = 1
kill -TERM "$daemon_pid"
began=$SECONDS
daemon_ends
expect "exit code" "$daemon_code" = 0
expect "seconds from the signal to the end: of one drain at least" $((SECONDS - began)) -ge $((drain - 1))
expect "and less than of two" $((SECONDS - began)) -lt $((2 * drain))
expect "the service manager is told how long" "$(grep -c "^STOPPING=1 EXTEND_TIMEOUT_USEC=$((drain + 5))000000" "$work/manager.log")" = 1
expect "and again and again, while they drain" "$(grep -c '^STOPPING=1 EXTEND_TIMEOUT_USEC=10000000' "$work/manager.log")" -ge 3
finish
