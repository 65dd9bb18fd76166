#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 under traffic, again and again, and a clock that has gone back: identities stay unique, what is missing stays
# within what the daemon said a kill can lose, and nothing is left behind on the machine.
. "$(dirname "$0")/../smoke/_init.sh"

kills=5
[ -z "${PENSTOCK_FULL:-}" ] || kills=50

left_behind() { # files, rings and mappings that a dead daemon may leave
	find /run/dpdk /dev/hugepages -mindepth 1 2>/dev/null | wc -l
}

# Writes the stored epoch: what a later clock would have left.
store_epoch() {
	/usr/bin/python3 - "$state/epoch" "$1" <<'EOF'
import sys
path, epoch = sys.argv[1:]
lines = open(path).read().splitlines(True)
assert lines[-1].startswith("check "), lines
text = "".join(lines[:-2]) + epoch + "\n"
total = 2166136261
for byte in text.encode():
    total = (total ^ byte) * 16777619 & 0xffffffff
open(path, "w").write(text + f"check {total:08x}\n")
EOF
}

broker_up
bed_up
write_config dpdk 1
start_daemon
create_topics 2000
stop_daemon
after_first=$(left_behind)

generate --to 10.9.0.2 --format json --first 2000 --duration $((kills * 4)) --rate 3000 &
sender=$!
epochs=() bound=0
for ((i = 0; i < kills; i++)); do
	start_daemon
	epochs+=("$(cli -j status | json 'd["epoch"]')")
	moving() { [ "$(ledger records acked)" -ge 500 ]; }
	wait_for 30 "events are acknowledged" moving
	# What is on its way at the kill: asked just before, and a second's traffic for the time between.
	bound=$((bound + $(cli -j status | json 'd["bounds"]["loss_events_at_kill"]') + 3000))
	kill_daemon
done
kill -INT $sender 2>/dev/null || true
wait $sender || true
generated=$((generated + 1))
[ -s "$work/events-$generated.txt" ] || die "the generator wrote no list of events"
expect "epochs rise" "$(printf '%s\n' "${epochs[@]}" | sort -nu | tr '\n' ' ')" = "$(printf '%s ' "${epochs[@]}")"

echo "-- the clock has gone back a day"
later=$(($(date +%s) + 86400))
store_epoch $later
start_daemon
expect "epoch" "$(cli -j status | json 'd["epoch"]')" = $((later + 1))
generate --to 10.9.0.2 --format json --first 5000000 --count 2000 --rate 2000
wait_idle 30
stop_daemon
start_daemon
expect "epoch again" "$(cli -j status | json 'd["epoch"]')" = $((later + 2))
stop_daemon
expect "exit code" "$daemon_code" = 0
expect "files left behind" "$(left_behind)" = "$after_first"

# What was sent while nobody listened is missing, and not the daemon's to know; the last run's numbers are its own.
mv "$work/events-3.txt" "$work/last.txt"
read_back --allow missing --allow unknown=2000 --allow "identity_gaps=$bound"
echo "     a kill could lose $bound events in all; gaps in identities: $(json 'd["identity_gaps"]' <"$work/read_back.json")"
finish
