#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every command of `penstock` answers, as a table and as JSON, and the codes it ends with are those it promises.
. "$(dirname "$0")/_init.sh"

code_of() {
	local code=0
	"$@" >/dev/null 2>&1 || code=$?
	echo $code
}

types_section() {
	"$pktgen" --list-types --types "$types" | awk '{ printf "  %s: {id: %s}\n", $2, $1 }'
	echo "  rawline: {id: 9999, copy: copies}" # its input makes raw records of it
}
outside() { cli -j topics plan | json 'sorted(t["name"] for t in d["topics"] if "outside the audit" in t["text"])'; }

expect "exit code without a daemon" "$(code_of "$penstock" -s "$work/none.sock" status)" -ge 1
broker_up
bed_up
write_config dpdk 1
start_daemon
for words in status ledger "show ports" "show workers" "show sources" "show types" "show kafka" "show drops" "show config" \
	"show tables" "show generation" "topics plan"; do
	# shellcheck disable=SC2086
	expect "$words prints lines" "$(cli $words | wc -l)" -ge 1
	# shellcheck disable=SC2086
	expect "$words -j is of schema" "$(cli -j $words | json 'd["schema_version"]')" = 1
done
expect "exit code of a command that does not exist" "$(code_of "$penstock" -s "$socket" dance)" -ge 1
expect "exit code of plan while topics are missing" "$(code_of cli topics plan)" -ge 1
create_topics
expect "exit code of plan when all are there" "$(code_of cli topics plan)" = 0
expect "topics outside the audit" "$(outside)" = '["cli.rawline", "copies"]'
expect "the port's driver" "$(cli -j show ports | json 'd["ports"][0]["driver"]')" = net_af_packet
cli stop >/dev/null
daemon_ends
expect "exit code after stop" "$daemon_code" = 0
expect "the socket is gone" "$([ -e "$socket" ] && echo there || echo gone)" = gone
finish
