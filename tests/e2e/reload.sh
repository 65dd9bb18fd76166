#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Types at run time: a 65th type is added under load, by command and by signal, a type is taken away and comes back, a broken
# configuration is refused with its place, and what takes a restart is named. Nothing is lost and no other type is disturbed; each
# record tells a generation that was in force, rising along its lane.
. "$(dirname "$0")/../smoke/_init.sh"

types=65
swaps=${PENSTOCK_SWAPS:-30}

# The configuration without some types.
without() { # NAME...
	local name keep=$work/all.yaml
	cp "$keep" "$config.new"
	for name; do sed -i "/^  $name: {id:/d" "$config.new"; done
	mv "$config.new" "$config"
}

warned() { cli -j status | json 'sum("the last reload failed" in text for text in d["warnings"])'; }
generation() { cli -j show generation | json 'd["generation"]'; }
type_counter() { cli -j show types | json "[t['$2'] for t in d['types'] if t['name'] == '$1'][0]"; } # TYPE COUNTER
arrives() { [ "$(type_counter "$last" events)" -gt "$1" ]; }
is_generation() { [ "$(generation)" = "$1" ]; }
running() { [ "$(ledger records acked)" -gt 1000 ]; }

broker_up
bed_up
write_config dpdk 1
cp "$config" "$work/all.yaml"
last=$("$pktgen" --list-types --types 65 | tail -1 | awk '{ print $2 }')
first=$("$pktgen" --list-types --types 65 | head -1 | awk '{ print $2 }')

start_daemon
create_topics
stop_daemon
without "$last"
start_daemon
in_background pktgen in_sender "$pktgen" --types 65 --to 10.9.0.2 --to fd09::2 --format json --rate 5000 --duration 600
generator=${background[-1]}
wait_for 20 "records are acked" running
expect "generation at the start" "$(generation)" = 1
expect "drops of the type that is not there, while it is sent" "$(drops type_unknown)" -gt 0

# --- the 65th ---

without
expect "what reload says" "$(cli reload | awk '/^types/ { print $2 }')" = 66
expect "generation after it" "$(generation)" = 2
wait_for 20 "events of the 65th type" arrives 0
unknown=$(drops type_unknown)

# --- refused: nothing changes ---

sed "s/^  $first: {id:/  $first: {idd:/" "$work/all.yaml" >"$config"
code=0
cli reload 2>"$work/reload.log" || code=$?
expect "exit code for a broken configuration" $code = 1
expect "its place" "$(grep -c "penstockd.yaml:[0-9]*:[0-9]*: .*idd.*types.$first" "$work/reload.log")" = 1
expect "generation after it" "$(generation)" = 2
expect "warnings of it in status" "$(warned)" = 1
expect "the daemon's log" "$(grep -c "reload: .*idd.*generation 2 stays in force" "$work/penstockd.log")" = 1

sed 's/^    bootstrap.servers: .*/&\n    acks: 1/' "$work/all.yaml" >"$config"
code=0
cli reload 2>"$work/reload.log" || code=$?
expect "exit code for a property that no start would take" $code = 1
expect "what is said of it" "$(grep -c 'acks' "$work/reload.log")" = 1
expect "generation after it" "$(generation)" = 2

# --- by signal; and what takes a restart ---

sed "s/idle: sleep/idle: pause/" "$work/all.yaml" >"$config"
kill -HUP "$daemon_pid"
wait_for 20 "the signal's generation" is_generation 3
expect "warnings in status after it" "$(warned)" = 0
expect "what takes a restart" "$(cli show generation | grep -c 'a restart is needed for: ports$')" = 1
expect "that it does not run" "$(cli show config | sed -n 2p)" = "# a restart is needed for: ports"

# --- swaps under load ---

for ((i = 0; i < swaps; i++)); do
	sed "s/template: .*, partitions/template: \"$topics\", partitions/; s/^# .*//" "$work/all.yaml" >"$config"
	echo "# $i" >>"$config"
	cli reload >/dev/null || fail "reload $i failed"
done
expect "generation after $swaps more" "$(generation)" = $((3 + swaps))
expect "drops of unknown types meanwhile" "$(drops type_unknown)" = "$unknown"

# --- a type goes and comes back: its counters go on ---

without "$last"
cli reload >/dev/null
gone=$(type_counter "$last" events)
expect "is it said to be gone" "$(type_counter "$last" removed)" = true
wait_for 20 "drops of the type that went" eval '[ "$(drops type_unknown)" -gt "$unknown" ]'
expect "its events since" "$(type_counter "$last" events)" = "$gone"
without
cli reload >/dev/null
wait_for 20 "its events go on" arrives "$gone"

kill -INT "$generator"
wait "$generator" 2>/dev/null || true
wait_idle
expect "events given up" "$(ledger records given_up)" = 0
expect_ledger_closed
events=$(ledger events) numbered=$(ledger records) unknown=$(drops type_unknown)
expect "numbered and unknown" $((numbered + unknown)) = "$events"
stop_daemon
expect "exit code" "$daemon_code" = 0
if "$root/tests/e2e/generations.py" --bootstrap "$bootstrap" --prefix "$test_name." --count "$numbered" --last $((5 + swaps)); then
	echo "ok   generations"
else
	fail "records tell generations that were not in force"
fi
finish
