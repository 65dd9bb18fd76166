#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every format over every kind of source and both IP versions, in small numbers: read back exactly once, byte-exact. The
# sources: net_af_packet and net_af_xdp over a veth pair, kernel sockets, net_pcap, net_tap.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
count=200
first=0
part=0

# Each format to each address (IPv4, IPv6); net_pcap reads what went into files.
send_all() { # IPV4 IPV6 OPTION...
	local format address addresses=("$1" "$2")
	shift 2
	for format in json frame raw; do
		for address in "${addresses[@]}"; do
			part=$((part + 1))
			generate --format "$format" --to "$address" --first $first --count $count --epoch $((1000 + part)) --rate 20000 \
				"${@//%/$part}"
			first=$((first + count))
		done
	done
}

judge() { # SOURCE
	wait_idle
	expect "$1: events acked" "$(ledger records acked)" = $((6 * count))
	expect "$1: datagrams refused" "$(ledger datagrams dropped.)" = 0
	expect "$1: numbered datagrams lost" "$(cli -j show sources | json 'd["totals"]["lost"]')" = 0
	expect_ledger_closed
	stop_daemon
	expect "$1: exit code" "$daemon_code" = 0
}

veth() {
	bed_up
	write_config dpdk 1
	start_daemon
	create_topics
	send_all 10.9.0.2 fd09::2
	judge veth
	bed_down
}

sockets() {
	place=env
	write_config socket 2
	start_daemon
	send_all 127.0.0.1 ::1 --sockets 4
	judge sockets
}

# Six captures in one file: all have the same header.
pcap() {
	local file all=$work/all.pcap
	place=env
	send_all 10.9.0.2 fd09::2 --pcap "$work/part-%.pcap"
	: >"$all"
	for file in "$work"/part-*.pcap; do
		if [ -s "$all" ]; then tail -c +25 "$file"; else cat "$file"; fi >>"$all"
	done
	device=net_pcap0,rx_pcap=$all,tx_pcap=$work/answers.pcap
	write_config dpdk 1
	start_daemon
	judge net_pcap
}

# The kernel's end of the tap is the sender's interface.
tap() {
	if ! (exec 3<>/dev/net/tun) 2>/dev/null; then
		echo "skip net_tap: /dev/net/tun cannot be opened"
		return
	fi
	place=env
	device=net_tap0,iface=tap0
	write_config dpdk 1
	start_daemon
	ethtool -K tap0 tx off >/dev/null
	echo 0 >/proc/sys/net/ipv6/conf/tap0/accept_dad
	ip link set tap0 up
	ip addr add 10.9.0.1/24 dev tap0
	ip addr add fd09::1/64 dev tap0 nodad
	meet
	send_all 10.9.0.2 fd09::2
	judge net_tap
}

# The kernel's XDP sockets, copying: a veth has no zero-copy. The kernel's stack sees nothing of it.
xdp() {
	if ! /usr/bin/python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW)' 2>/dev/null; then # AF_XDP
		echo "skip net_af_xdp: the kernel has no XDP sockets"
		return
	fi
	place=in_sender
	bed_up
	device=net_af_xdp0,iface=bed0
	write_config dpdk 1
	start_daemon
	send_all 10.9.0.2 fd09::2
	judge net_af_xdp
	bed_down
}

broker_up
veth
sockets
pcap
tap
xdp
read_back
finish
