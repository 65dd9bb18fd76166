#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Questions that Kafka is to answer while it is away hold nobody else up: neither who asks the daemon, nor its stop.
. "$(dirname "$0")/_init.sh"

bootstrap=127.0.0.1:1
types=4
drain=1
config_more="stop: {drain: ${drain}s}"

status_in_time() {
	local code=0
	timeout 2 "$penstock" -s "$socket" status >"$work/status.log" 2>&1 || code=$?
	echo $code
}

write_config socket 1
start_daemon
asking=()
for i in 1 2 3 4; do
	in_background "plan-$i" "$penstock" -s "$socket" topics plan
	asking+=($!)
done
for i in 1 2 3; do
	expect "status within 2 s: exit code, look $i" "$(status_in_time)" = 0
	expect "show types within 2 s, look $i" "$(timeout 2 "$penstock" -s "$socket" show types | wc -l)" -ge 4
done
began=$SECONDS
stop_daemon
expect "exit code" "$daemon_code" = 0
expect "seconds from the signal to the end" $((SECONDS - began)) -le $((drain + 4))
for i in 1 2 3 4; do
	code=0
	wait "${asking[$((i - 1))]}" || code=$?
	expect "plan $i: exit code" $code = 1
done
expect "plans that came while another was made" "$(cat "$work"/plan-*.log | grep -c 'is asked for already: try again')" = 3
expect "plans that Kafka did not answer" "$(cat "$work"/plan-*.log | grep -c 'asking Kafka about topics')" = 1
finish
