#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A start that fails ends with exit code 70, and the last line of the log says why. Kafka is away, which the client says meanwhile.
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
start_daemon
stop_daemon
expect "exit code when the port is free" "$daemon_code" = 0
expect "accounts" "$(grep -c 'stopped: 0 frames' "$work/penstockd.log")" = 1
finish
