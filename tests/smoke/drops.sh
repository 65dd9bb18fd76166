#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong with a datagram is dropped under its own name, and what is right beside it is not.
. "$(dirname "$0")/_init.sh"

broker_up
bed_up
write_config dpdk 1
start_daemon
create_topics
in_sender /usr/bin/python3 - <<'EOF'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
good = b'{"type":"click","eid":1}'
for payload, port in (
    (b'', 9000), (b' \n\t', 9000), (good, 9000), (good + b'\n' + good, 9000),
    (good + b' {"type":"click" "x":1} ', 9000), (b'{"type":"\xc3\x28"}', 9000), (b'{"type":"click"', 9000),
    (b'[1,2]', 9000), (b'{"ts":1}', 9000), (b'{"type":"no_such_type"}', 9000), (b'{"type":"click","a":' + b'[' * 500 + b']' * 500 + b'}', 9000),
    (b'{"type":"click","ts":1000000000,"ingest":7}', 9000), (b'not a frame', 9001), (b'any bytes \x00\xff', 9002),
):
    s.sendto(payload, ("10.9.0.2", port))
EOF
count_is() { [ "$(ledger datagrams)" = 14 ]; }
wait_for 10 "all 14 datagrams have come" count_is
wait_idle 30
for name in empty no_event json_utf8 json_truncated json_not_object type_missing type_unknown json_depth; do
	expect "dropped for $name" "$(drops $name)" = 1
done
expect "dropped for json_syntax" "$(drops json_syntax)" = 1
expect "frames refused" "$(($(ledger datagrams dropped.) - 2))" = 1
expect "acked" "$(ledger records acked)" = 6
odd() { cli -j show types | json "[t for t in d['types'] if t['name'] == 'click'][0]['$1']"; }
expect "clicks without a time" "$(odd time_missing)" = 4
expect "late clicks" "$(odd late)" = 1
expect "clicks with a member of our name" "$(odd reserved)" = 1
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
kcat -q -b "$bootstrap" -C -t "$test_name.rawline" -e -o beginning -f '%s' >"$work/raw" || true
expect "the raw record is the datagram" "$(od -An -tx1 "$work/raw" | tr -d ' \n')" = "$(printf 'any bytes \0\377' | od -An -tx1 | tr -d ' \n')"
finish
