#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The socket source, with two workers, over loopback, as an ordinary user would run it.
. "$(dirname "$0")/_init.sh"

broker_up
write_config socket 2
start_daemon
create_topics
generated=$((generated + 1))
"$pktgen" --to 127.0.0.1 --to ::1 --format mix --count 20000 --rate 20000 --sockets 8 --raw-type rawline \
	--truth "$work/truth-1.json" --truth-events "$work/events-1.txt" >"$work/pktgen.log" 2>&1 || die "the generator failed"
wait_idle 60
expect "events acked" "$(ledger records acked)" = 20000
expect_ledger_closed
expect "workers that had a part" "$(cli -j show workers | json 'sum(w["events"] > 0 for w in d["workers"])')" = 2
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back
finish
