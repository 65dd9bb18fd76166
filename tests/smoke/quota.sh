#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a sender sends beyond its quota is dropped by name and told of it, whichever sockets and workers it goes through; senders
# beside it lose nothing, and a reload puts another quota in force.
. "$(dirname "$0")/_init.sh"

count=1000

send() { # FROM: $count datagrams, from sockets that both workers have some of
	/usr/bin/python3 -c 'import socket, sys
family, to = (socket.AF_INET6, "::1") if ":" in sys.argv[1] else (socket.AF_INET, "127.0.0.1")
sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(16)]
for s in sockets:
    s.bind((sys.argv[1], 0))
for i in range(int(sys.argv[2])):
    sockets[i % 16].sendto(b"{\"type\":\"click\",\"n\":%d}" % i, (to, 9000))' "$1" $count
	sent=$((sent + count))
	wait_for 10 "the daemon has the datagrams of $1" came
}
came() { [ "$(ledger datagrams)" = "$sent" ]; }
dropped_of() { cli -j show quotas -n 100 | json "next((s['dropped'] for s in d['senders'] if s['address'] == '$1'), 0)"; }
warnings() { cli -j status | json 'len([w for w in d["warnings"] if "quota" in w])'; }
quota() { # SECONDS of burst: so many datagrams at once, and then one a second
	config_more="quotas: [{from: [127.0.0.7]}, {datagrams: 1, burst: $1s}]"
	write_config socket 2
}

broker_up
types=8
sent=0
quota 300
start_daemon
create_topics
expect "warnings before" "$(warnings)" = 0

send 127.0.0.3
expect "dropped of a sender that is mad" "$(dropped_of 127.0.0.3)" -le 700
expect "what it may send in half a minute, too" "$(dropped_of 127.0.0.3)" -ge 670
expect "warnings" "$(warnings)" = 1
busy=$(cli -j show workers | json 'sum(w["datagrams"] > 0 for w in d["workers"])')
expect "workers that had some of it" "$busy" = 2
send 127.0.0.7
expect "dropped of a relay" "$(dropped_of 127.0.0.7)" = 0
send ::1
expect "dropped of an IPv6 sender" "$(dropped_of ::1)" -ge 670

before=$(dropped_of 127.0.0.3)
quota 900
cli reload || fail "no reload"
send 127.0.0.3
expect "dropped of the first under another quota" $(($(dropped_of 127.0.0.3) - before)) -le 400
expect "of which 300 are used" $(($(dropped_of 127.0.0.3) - before)) -ge 370
sed -i '/^quotas:/d' "$config"
cli reload || fail "no reload without quotas"
before=$(drops sender_quota)
send 127.0.0.3
expect "dropped without quotas" $(($(drops sender_quota) - before)) = 0

wait_idle
expect "dropped in all" "$(drops sender_quota)" = "$(($(dropped_of 127.0.0.3) + $(dropped_of ::1)))"
expect "acked" "$(ledger records acked)" = $((sent - $(drops sender_quota)))
expect_ledger_closed
cli show quotas | grep -q 'no quotas are configured' || fail "show quotas does not say that there are none"
stop_daemon
expect "exit code" "$daemon_code" = 0
finish
