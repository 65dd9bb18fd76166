#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The appliance as a host: an ordinary Linux stack finds it by ARP and neighbour discovery, pings it over both versions and
# with large packets, and hears it announce itself; nothing says port unreachable, nor does the kernel where it is the host. What is
# shown of the link is what the kernel says.
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

# The kernel is the host: the addresses are its own, and no socket of its would have the datagrams.
kernel_answers() { # NAME: starts the daemon, and judges what it and its kernel do with datagrams
	in_background "tcpdump-$1" ip netns exec sender tcpdump -U -n -i gen0 -w "$work/$1.pcap"
	capture=${background[-1]}
	wait_for 5 "tcpdump listens" grep -q listening "$work/tcpdump-$1.log"
	start_daemon
	in_sender /usr/bin/python3 -c 'import socket
for family, to in ((socket.AF_INET, "10.9.0.2"), (socket.AF_INET6, "fd09::2")):
    for port in (9000, 9001):
        socket.socket(family, socket.SOCK_DGRAM).sendto(b"{}", (to, port))'
	wait_for 10 "four datagrams are taken" taken
	wait_idle 30
	in_sender ping -c 1 -W 2 10.9.0.2 >>"$work/ping4.log" || fail "no answer of the kernel to ping over IPv4"
	in_sender ping -c 1 -W 2 fd09::2 >>"$work/ping6.log" || fail "no answer of the kernel to ping over IPv6"
	expect "bytes that the kernel keeps for nobody" "$(ss -Huan 'sport = :9000' | awk '{ sum += $2 } END { print sum + 0 }')" = 0
	expect_ledger_closed
	kill -INT "$capture" && wait "$capture" 2>/dev/null || true
	expect "datagrams on the wire" "$(captured "$1" 'udp and (dst port 9000 or 9001)')" = 4
	expect "port unreachable from the kernel, $1" "$(captured "$1" '(icmp[0] = 3) or (icmp6 and ip6[40] = 1)')" = 0
}
taken() { [ "$(ledger datagrams)" = 4 ]; }
captured() { tcpdump -n -r "$work/$1.pcap" "${@:2}" 2>/dev/null | wc -l; }
port() { cli -j show ports | json "d['ports'][0]['$1']"; }

echo 0 >/proc/sys/net/ipv6/conf/bed0/disable_ipv6
ip addr add 10.9.0.2/24 dev bed0
ip addr add fd09::2/64 dev bed0 nodad
in_background listener /usr/bin/python3 -c 'import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.0.2", 9001))
signal.pause()'
listener=${background[-1]}
wait_for 5 "somebody listens on 9001" eval '[ -n "$(ss -Hulpn "sport = :9001")" ]'
write_config dpdk 1
sed -i '/^    addresses:/d' "$config"
kernel_answers any-address
expect "what is said of the one who listens" "$(port notes | grep -c 'UDP port 9001')" = 1
stop_daemon

port_more='    responder: kernel'
write_config dpdk 1
code=0
timeout 20 "$penstockd" -c "$config" >"$work/in_use.log" 2>&1 </dev/null || code=$?
expect "exit code with a UDP port in use" "$code" = 70
expect "what is said of it" "$(grep -c 'cannot listen on 10.9.0.2, UDP port 9001 of bed0: .*listens there' "$work/in_use.log")" = 1
kill "$listener" && wait "$listener" 2>/dev/null || true
kernel_answers its-own

# The interface's own state is shown, and that it has gone.
shows() { [ "$(port "$1")" = "$2" ]; }
expect "link" "$(port link_up)" = true
expect "MTU" "$(port mtu)" = 1500
ip link set bed0 mtu 1400
wait_for 5 "the interface's MTU is shown" shows mtu 1400
ip link set bed0 down
wait_for 5 "the link is shown down" shows link_up false
expect "status warns of it" "$(cli -j status | json 'd["warnings"][0]')" = "port lan0: the link is down: nothing is received here until it is up"
wait_for 5 "the log says that the link is down" grep -q 'lan0: the link is down' "$work/penstockd.log"
ip link set bed0 up
wait_for 5 "the link is shown up" shows link_up true
in_sender ip link set gen0 down
wait_for 5 "a link without its other end is shown down" shows link_up false
ip link del bed0
ip link add bed0 type veth peer name gen0 netns sender # another one of that name is not the port's
in_sender ip link set gen0 up
ip link set bed0 up
wait_for 5 "the log says that the device has gone" grep -q 'lan0: the device has been removed' "$work/penstockd.log"
expect "removed" "$(port removed)" = true
expect "link of the removed" "$(port link_up)" = false
expect "MTU of the removed" "$(port mtu)" = 0
stop_daemon
expect "exit code" "$daemon_code" = 0
finish
