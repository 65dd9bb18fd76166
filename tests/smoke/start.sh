#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A start that fails ends with exit code 70, and the last line of the log says why; one that takes long tells the service manager,
# and may be stopped. Kafka is away, which the client says meanwhile.
. "$(dirname "$0")/_init.sh"

bootstrap=127.0.0.1:1
types=4
taken() { grep -q taken "$work/holder.log"; }

write_config socket 1
in_background holder /usr/bin/python3 -uc 'import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 9000))
print("taken")
signal.pause()'
wait_for 10 "another process holds the port" taken
code=0
timeout 20 "$penstockd" -c "$config" >"$work/penstockd.log" 2>&1 </dev/null || code=$?
expect "exit code while the port is taken" $code = 70
expect "the last line of the log names the place and the cause" \
	"$(tail -1 "$work/penstockd.log" | grep -c 'error: port lan0: .*9000: Address already in use')" = 1
expect "and so does the line before it ends its clients" "$(grep -c 'cannot start: .*Address already in use' "$work/penstockd.log")" = 1
expect "accounts of what was never received" "$(grep -c 'stopped: ' "$work/penstockd.log" || true)" = 0
kill "${background[0]}"
wait "${background[0]}" || true
cpu=$(/usr/bin/python3 -c 'import os; print(max(os.sched_getaffinity(0)))')
[ "$(nproc)" -lt 2 ] || write_config socket "[$cpu]"
start_daemon
[ "$(nproc)" -lt 2 ] || expect "threads that may run on the worker's CPU" "$(/usr/bin/python3 -c 'import os, sys
for task in os.listdir(sys.argv[1]):
    try:
        if int(sys.argv[2]) in os.sched_getaffinity(int(task)):
            print(open(f"{sys.argv[1]}/{task}/comm").read().strip())
    except OSError:
        pass  # it has just ended' "/proc/$daemon_pid/task" "$cpu")" = worker-0
write_config socket 1
stop_daemon
expect "exit code when the port is free" "$daemon_code" = 0
expect "accounts" "$(grep -c 'stopped: 0 frames' "$work/penstockd.log")" = 1

# --- one that takes long ---

told() { [ "$(grep -c "$2" "$work/$1.log")" -ge "$3" ]; }

manager short
manager long
printf '1\tbooks\n' >"$work/items.tsv"
config_more="category: {file: $work/items.tsv}"
write_config socket 1
start_daemon NOTIFY_SOCKET="$work/short"
stop_daemon
expect "exit code" "$daemon_code" = 0
expect "what the service manager is told first" "$(head -1 "$work/short.log")" = EXTEND_TIMEOUT_USEC=10000000
expect "that it is ready, once and after that" "$(grep -A 99 '^EXTEND' "$work/short.log" | grep -c READY=1)" = 1
expect "that it starts, afterwards" "$(sed '1,/READY/d' "$work/short.log" | grep -c '^EXTEND' || true)" = 0

awk 'BEGIN { for (i = 0; i < 12000000; i++) printf "%d\tc%d\n", i, i % 50 }' >"$work/items.tsv"
NOTIFY_SOCKET=$work/long "$penstockd" -c "$config" >"$work/penstockd.log" 2>&1 </dev/null &
daemon_pid=$!
wait_for 10 "the service manager is told that it starts" told long '^EXTEND' 1
kill -STOP "$daemon_pid"
let_pass 1.5 "a load that takes long"
for _ in {1..20}; do # it runs just long enough to say so again: a quick machine would be done with the table
	kill -CONT "$daemon_pid"
	sleep 0.02
	kill -STOP "$daemon_pid"
	! told long '^EXTEND' 2 || break
done
expect "how often the service manager is told that it starts" "$(grep -c '^EXTEND' "$work/long.log")" -ge 2
kill -TERM "$daemon_pid"
kill -CONT "$daemon_pid"
daemon_ends
expect "exit code of a start that was stopped" "$daemon_code" = 0
expect "what it says of that" "$(tail -1 "$work/penstockd.log" | grep -c 'notice: stopped as told, while it was starting')" = 1
expect "that it was ready" "$(grep -c READY "$work/long.log" || true)" = 0
finish
