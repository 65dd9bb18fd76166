#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two boxes with one node name: each notices the other, and says so by an alarm; a box alone, or of another name, does not.
. "$(dirname "$0")/../smoke/_init.sh"

second_pid=
start_second() { # NODE: a second daemon with its own state, socket and port
	sed -e "s/^node: .*/node: $1/" -e "s#^state: .*#state: $work/state2#" -e "s#$socket#$work/second.sock#" \
		-e 's/9000/9100/; s/9001/9101/; s/9002/9102/' "$config" >"$work/second.yaml"
	in_background second "$penstockd" -c "$work/second.yaml"
	second_pid=$!
	wait_for 20 "the second daemon receives" "$penstock" -s "$work/second.sock" wait ready -t 1
}

alarms() { # SOCKET: names of the alarms
	"$penstock" -s "$1" -j status | json '" ".join(a["name"] for a in d["alarms"])'
}

# Whoever may write to the topic: notices in this box's name that name no instance.
say_nonsense() {
	local node
	node=$(sed -n 's/^node: *//p' "$config")
	{
		printf '%s\t%036d\n' "$node" 7
		printf '%s\t\0%035d\n' "$node" 7
		printf '%s\t\xff%035d\n' "$node" 7
	} | kcat -P -b "$bootstrap" -t penstock.boxes -K '\t'
}

alarm_is() { # SOCKET NAME
	[ "$(alarms "$1")" = "$2" ]
}

broker_up
write_config socket 1
start_daemon
create_topics
start_second "other_name"
say_nonsense
let_pass 12 "two turns of the watchers"
expect "boxes noticed that are none" "$(grep -c 'another box' "$work/penstockd.log" || true)" = 0
expect "alarms of a box whose name is its own" "'$(alarms "$socket")'" = "''"
kill -TERM "$second_pid" && wait "$second_pid" || true
start_second "$(sed -n 's/^node: *//p' "$config")"
wait_for 30 "the first box notices the second" alarm_is "$socket" node_name
wait_for 30 "the second box notices the first" alarm_is "$work/second.sock" node_name
code=0
cli status >"$work/status.log" || code=$?
expect "exit code of status in alarm" "$code" = 1
stop_daemon
finish
