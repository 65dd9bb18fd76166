#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Formats, kinds of source, IP versions and numbers of workers, pairwise: each combination is read back exactly once.
. "$(dirname "$0")/../smoke/_init.sh"

count=${PENSTOCK_EVENTS:-20000}
raw_share=json=1,frame=1,raw=1

broker_up
bed_up

# The kernel answers for the daemon's addresses where the daemon reads the kernel's sockets.
addresses() { # add|del
	ip addr "$1" 10.9.0.2/24 dev bed0
	if [ "$1" = add ]; then
		echo 0 >/proc/sys/net/ipv6/conf/bed0/disable_ipv6
		echo 0 >/proc/sys/net/ipv6/conf/bed0/accept_dad
		ip addr add fd09::2/64 dev bed0 nodad
	else
		echo 1 >/proc/sys/net/ipv6/conf/bed0/disable_ipv6
	fi
	in_sender ip neigh flush dev gen0
}

first=0
combination() { # KIND WORKERS FORMAT ADDRESS...
	local kind=$1 workers=$2 format=$3 to=() address
	shift 3
	for address in "$@"; do to+=(--to "$address"); done
	echo "-- $kind, $workers workers, $format, $*"
	[ "$kind" = dpdk ] || addresses add
	write_config "$kind" "$workers"
	start_daemon
	[ $first != 0 ] || create_topics
	generate "${to[@]}" --format "$format" --first $first --count "$count" --rate 10000 --sockets 8
	first=$((first + count))
	wait_idle 60
	expect "acked" "$(ledger records acked)" = "$count"
	expect_ledger_closed
	stop_daemon
	expect "exit code" "$daemon_code" = 0
	[ "$kind" = dpdk ] || addresses del
}

combination dpdk 1 json 10.9.0.2
combination dpdk 2 frame fd09::2
combination dpdk 1 raw 10.9.0.2 fd09::2
combination dpdk 2 $raw_share 10.9.0.2 fd09::2
combination socket 2 json fd09::2
combination socket 1 frame 10.9.0.2 fd09::2
combination socket 2 raw 10.9.0.2
combination socket 1 $raw_share 10.9.0.2
read_back
finish
