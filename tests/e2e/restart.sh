#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Killed with -9 again and again under traffic: epochs rise, also when the clock was set back a day; identities are unique
# and missing only at the tails, within the bound that the daemon printed; no file is left behind anywhere; a second daemon is
# refused the state directory and the control socket.
. "$(dirname "$0")/../smoke/_init.sh"

kills=10
[ -z "${PENSTOCK_FULL:-}" ] || kills=50
types=8
memory_more='pool: 1MiB, batch: 16KiB'
port_more='    max_datagram: 8000'
epochs=() numbered=()

# Files of rings, pools and DPDK, and the daemon's own; test brokers have theirs in /dev/shm too.
files() {
	find /run/dpdk/penstock /dev/hugepages -mindepth 1 2>/dev/null || true
	find /dev/shm -maxdepth 1 \( -name '*rte*' -o -name '*penstock*' \) ! -name 'penstock-kafka*'
	find "$state" -type f ! -name 'reached.*' -printf '%f\n' | sort # those wait for Kafka
}

lives() { # starts the daemon under traffic and notes its epoch
	local epoch
	start_daemon "$@"
	epoch=$(cli -j status | json 'd["epoch"]')
	[ ${#epochs[@]} = 0 ] || [ "$epoch" -gt "${epochs[-1]}" ] || fail "epoch $epoch after ${epochs[-1]}"
	epochs+=("$epoch")
}

# kill -9, just after asking how much was numbered.
end_life() {
	numbered+=("$(ledger records)")
	kill_daemon
}

hour() { cli -j status | json "d['hours']['$1']"; } # NAME: current, oldest_open or complete_before

hour_is_complete() { [ "$(hour complete_before)" = "$(hour current)" ]; }

moved() { [ "$(ledger records acked)" -gt 3000 ]; }

broker_up
bed_up
take_hugepages 128
write_config dpdk 1
start_daemon
[ $huge = false ] || expect "hugepages in use" "$(free_hugepages)" -lt 128
create_topics
stop_daemon
kept=$(files | tr '\n' ' ')
pages=$(free_hugepages)

in_background pktgen in_sender "$pktgen" --to 10.9.0.2 --to fd09::2 --types $types --rate 6000 --duration 600
generator=${background[-1]}
for ((i = 0; i < kills; i++)); do
	lives
	wait_for 20 "records are acked" moved
	last_hour=$(hour current)
	end_life
done
expect "lives, each with a higher epoch" ${#epochs[@]} = "$kills"
bound=$(($(sed -n 's/.*kill -9 loses at most .*: \([0-9]*\) MiB.*/\1/p' "$work/penstockd.log" | tail -1) << 20))
expect "the bound that was printed" $bound = $((1 << 20))
expect "files that lives left" "$(files | tr '\n' ' ')" = "$kept"
expect "free hugepages after them" "$(free_hugepages)" = "$pages"

# --- the clock a day back, and right again ---

cc -shared -fPIC -O -o "$work/clock_back.so" "$root/tests/e2e/clock_back.c" || die "the clock's stand-in does not compile"
for back in 86400 86400 0; do
	lives LD_PRELOAD="$work/clock_back.so" CLOCK_BACK_SECONDS=$back
	expect "the current landing hour with the clock $back s behind" "$(hour current)" -ge "$last_hour"
	wait_for 20 "records are acked" moved
	end_life
done
expect "warnings of landing hours that are ahead" "$(grep -c 'behind the landing hour' "$work/penstockd.log")" = 2
expect "warnings of a clock that is behind" "$(grep -c 'behind the last start' "$work/penstockd.log")" = 2
expect "the epoch after one that was a day ahead" "${epochs[-2]}" = $((epochs[-3] + 1))

# --- one more, which ends well, at the next 9:40 past an hour; a second daemon beside it ---

# Less than an hour ahead: Kafka refuses records whose time is further ahead of its own (message.timestamp.after.max.ms).
lives LD_PRELOAD="$work/clock_back.so" CLOCK_BACK_SECONDS=$((-((580 - $(date +%s) % 3600 + 3600) % 3600)))
expect "the oldest open hour before ten past" "$(hour oldest_open)" = $(($(hour current) - 1))
wait_for 20 "records are acked" moved
wait_for 60 "the hour that was closed is complete" hour_is_complete
expect "the oldest open hour at ten past" "$(hour oldest_open)" = "$(hour current)"
code=0
timeout 20 "$penstockd" -c "$config" >"$work/second.log" 2>&1 || code=$?
expect "exit code of a second daemon with the same socket" $code != 0
sed "s|$socket|$socket.2|" "$config" >"$work/second.yaml"
code=0
timeout 20 "$penstockd" -c "$work/second.yaml" >"$work/second.log" 2>&1 || code=$?
expect "exit code of a second daemon with the same state" $code = 70
expect "its words" "$(grep -c 'belongs to another penstockd that runs' "$work/second.log")" = 1
receiving || fail "the first daemon does not receive any more"
kill "$generator"
wait "$generator" 2>/dev/null || true
wait_idle
numbered+=("$(ledger records)")
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
expect "files that a clean stop left" "$(files | tr '\n' ' ')" = "$kept"

options=()
for ((i = 0; i < ${#epochs[@]}; i++)); do options+=(--epoch "${epochs[i]}:${numbered[i]}"); done
if "$root/tests/e2e/identities.py" --bootstrap "$bootstrap" --prefix "$test_name." --bound $bound "${options[@]}"; then
	echo "ok   identities"
else
	fail "identities repeat, or are missing beyond the bound"
fi
finish
