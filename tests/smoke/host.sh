#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The appliance as a host: an ordinary Linux stack finds it by ARP and neighbour discovery, pings it over both versions and
# with large packets, and hears it announce itself; nothing says port unreachable.
. "$(dirname "$0")/_init.sh"

broker_up
bed_up
in_background tcpdump ip netns exec sender tcpdump -U -n -i gen0 -w "$work/wire.pcap"
wait_for 5 "tcpdump listens" grep -q listening "$work/tcpdump.log"
write_config dpdk 1
start_daemon

in_sender ping -c 3 -i 0.2 -W 2 10.9.0.2 >"$work/ping4.log" || fail "no answer to ping over IPv4"
in_sender ping -c 3 -i 0.2 -W 2 fd09::2 >"$work/ping6.log" || fail "no answer to ping over IPv6"
in_sender ping -c 1 -W 2 -s 1400 10.9.0.2 >>"$work/ping4.log" || fail "no answer to a large ping"
expect "ARP entry" "$(in_sender ip -4 neigh show 10.9.0.2 | grep -c lladdr)" = 1
expect "neighbour entry" "$(in_sender ip -6 neigh show fd09::2 | grep -c lladdr)" = 1
if in_sender ping -c 1 -W 1 10.9.0.77 >/dev/null 2>&1; then fail "an address that is nobody's answers"; fi
in_sender /usr/bin/python3 -c 'import socket
for family, to in ((socket.AF_INET, "10.9.0.2"), (socket.AF_INET6, "fd09::2")):
    socket.socket(family, socket.SOCK_DGRAM).sendto(b"nobody listens here", (to, 4242))'
not_ours() { [ "$(drops not_for_us)" -ge 2 ]; }
wait_for 5 "datagrams to other ports are counted" not_ours
expect "echo requests answered" "$(ledger frames host.echo)" -ge 9
stop_daemon
kill -INT "${background[0]}" && wait "${background[0]}" 2>/dev/null || true

tcpdump -n -e -r "$work/wire.pcap" 2>/dev/null >"$work/wire.log" || true
seen() { tcpdump -n -r "$work/wire.pcap" "$@" 2>/dev/null | wc -l; }
expect "ARP announcements" "$(seen 'arp[6:2] = 1 and arp[14:4] = 0x0a090002 and arp[24:4] = 0x0a090002')" -ge 1
expect "unsolicited neighbour advertisements" "$(seen 'icmp6 and ip6[40] = 136 and dst host ff02::1')" -ge 1
expect "port unreachable on the wire" "$(seen '(icmp[0] = 3) or (icmp6 and ip6[40] = 1)')" = 0
finish
