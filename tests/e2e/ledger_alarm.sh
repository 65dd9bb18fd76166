#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The ledger can fail: with one record lost in silence at each hand-over in turn, the daemon alarms within 5 s.
. "$(dirname "$0")/../smoke/_init.sh"

faulty=${PENSTOCK_FAULTS_BUILD:-$root/build-faults}
[ -x "$faulty/control/daemon/penstockd" ] || skip "no build with fault points (meson setup build-faults -Dfaults=true)"
penstockd=$faulty/control/daemon/penstockd

# Every fault point in the sources that loses something; the rest injects errors that must not lose.
points=$(grep -rhoE 'FAULT\("[a-z_]+"\)' "$root/dataplane" "$root/nic" "$root/control" | sed 's/.*"\(.*\)".*/\1/' | sort -u |
	grep -v '^kafka_')
expect "fault points known" "$(wc -w <<<"$points")" -ge 6

broker_up
bed_up
write_config dpdk 1
first=0
for point in none $points; do
	echo "-- $point"
	start_daemon PENSTOCK_FAULT="$point:20"
	[ $first != 0 ] || create_topics
	generate --to 10.9.0.2 --format json=1,frame=1 --first $first --count 2000 --rate 4000
	first=$((first + 2000))
	if [ "$point" = none ]; then
		wait_idle 30
		expect "alarms without a fault" "$(cli -j status | json 'len(d["alarms"])')" = 0
	else
		began=$(date +%s%N)
		cli wait alarm -t 5 >/dev/null || fail "$point: no alarm within 5 s"
		echo "     alarm $((($(date +%s%N) - began) / 1000000)) ms after the last datagram"
		code=0
		cli status >"$work/status.log" || code=$?
		expect "$point: exit code of status" $code -ge 1
		code=0
		cli ledger >/dev/null || code=$?
		expect "$point: exit code of ledger" $code -ge 1
		echo "     $(cli -j status | json 'd["alarms"][0]["text"]')"
	fi
	stop_daemon 40
	if [ "$point" = none ]; then
		expect "exit code" "$daemon_code" = 0
	else
		expect "$point: exit code at stop" "$daemon_code" -ge 1
	fi
done
finish
