#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Foreign senders, from an ordinary Linux stack that knows nothing but the appliance's addresses: rsyslog forwarding JSON
# lines, and plain Python sockets with datagrams of 200 B to 60 kB, over both IP versions; the large ones also as fragments
# from a capture file. On the wire: periodic announcements, no port unreachable, no promiscuous mode. kcat reads.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
device=net_af_packet0,iface=bed0 # slots as the product chooses them: a frame may be as long as a datagram
first=0

make_lines() { # NAME COUNT SIZE...: a file of events that nothing of ours has made
	local name=$1 count=$2 sizes=()
	shift 2
	while [ $# -gt 0 ]; do sizes+=(--size "$1") && shift; done
	"$root/tests/e2e/lines.py" --first $first --count "$count" "${sizes[@]}" --lines "$work/$name.lines" \
		--truth-events "$work/events-$((++generated)).txt"
	first=$((first + count))
}

forward_by_rsyslog() {
	local i
	make_lines syslog4 300 200 700 4000
	make_lines syslog6 300 200 700 4000
	cat >"$work/rsyslog.conf" <<-EOF
		global(workDirectory="$work/rsyslog" maxMessageSize="64k")
		module(load="imfile" mode="inotify")
		template(name="line" type="string" string="%msg%\n")
		ruleset(name="to4") { action(type="omfwd" target="10.9.0.2" port="9000" protocol="udp" template="line") }
		ruleset(name="to6") { action(type="omfwd" target="fd09::2" port="9000" protocol="udp" template="line") }
		input(type="imfile" file="$work/rsyslog/4" tag="events" ruleset="to4")
		input(type="imfile" file="$work/rsyslog/6" tag="events" ruleset="to6")
	EOF
	mkdir "$work/rsyslog"
	head -1 "$work/syslog4.lines" >"$work/rsyslog/4"
	head -1 "$work/syslog6.lines" >"$work/rsyslog/6"
	in_background rsyslog in_sender rsyslogd -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid"
	# A stack that does not know its neighbour yet keeps only the newest few datagrams for it.
	wait_for 20 "the first events of rsyslog are acked" acked 2
	for ((i = 2; i <= 300; i += 25)); do
		sed -n "$i,$((i + 24))p" "$work/syslog4.lines" >>"$work/rsyslog/4"
		sed -n "$i,$((i + 24))p" "$work/syslog6.lines" >>"$work/rsyslog/6"
		sleep 0.02
	done
}

send_by_python() { # NAME ADDRESS BYTES: lines gathered to datagrams of up to so many bytes
	in_sender /usr/bin/python3 - "$work/$1.lines" "$2" "$3" <<-'EOF'
		import socket, sys, time
		path, address, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
		family, _, _, _, to = socket.getaddrinfo(address, 9000, type=socket.SOCK_DGRAM)[0]
		sender = socket.socket(family, socket.SOCK_DGRAM)
		sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
		datagram, sizes = b"", []
		for line in open(path, "rb"):
		    if datagram and len(datagram) + len(line) > limit:
		        sender.sendto(datagram, to)
		        sizes.append(len(datagram))
		        datagram = b""
		        time.sleep(0.002)
		    datagram += line
		sender.sendto(datagram, to)
		sizes.append(len(datagram))
		print("datagrams of", min(sizes), "to", max(sizes), "bytes:", len(sizes))
	EOF
}

acked() { [ "$(ledger records acked)" -ge "$1" ]; }

# --- over the wire ---

broker_up
bed_up
in_background tcpdump in_sender tcpdump -U -n -i gen0 -s 128 -w "$work/wire.pcap"
wait_for 5 "tcpdump listens" grep -q listening "$work/tcpdump.log"
write_config dpdk 1
start_daemon
began=$SECONDS
create_topics

forward_by_rsyslog
wait_for 30 "what rsyslog forwarded is acked" acked 600
kill -TERM "${background[-1]}"
wait "${background[-1]}" 2>/dev/null || true

for version in 4 6; do
	[ $version = 4 ] && address=10.9.0.2 || address=fd09::2
	make_lines small$version 200 200 400
	send_by_python small$version $address 1200
	make_lines middle$version 200 300 900 2500
	send_by_python middle$version $address 4000
	make_lines large$version 300 300 900 2500
	send_by_python large$version $address 60000
	make_lines whole$version 20 60000 # one event a datagram
	send_by_python whole$version $address 60001
done
wait_idle
expect "events acked over the wire" "$(ledger records acked)" = $first
expect "datagrams refused" "$(ledger datagrams dropped.)" = 0
expect "datagrams put together of IPv6 fragments" "$(cli -j show ports | json 'd["ports"][0]["counters"]["reassembled"]')" -ge 40
expect "promiscuity of the daemon's interface" "$(ip -d -j link show bed0 | json 'd[0]["promiscuity"]')" = 0
expect "ARP entry" "$(in_sender ip -4 neigh show 10.9.0.2 | grep -c lladdr)" = 1
expect "neighbour entry" "$(in_sender ip -6 neigh show fd09::2 | grep -c lladdr)" = 1

# --- a minute later ---

announced() { tcpdump -n -r "$work/wire.pcap" "$1" 2>/dev/null | wc -l; }
gratuitous_arp='arp[6:2] = 1 and arp[14:4] = 0x0a090002 and arp[24:4] = 0x0a090002'
unsolicited_advertisement='icmp6 and ip6[40] = 136 and dst host ff02::1'
again() { [ "$(announced "$1")" -gt "$2" ]; }
wait_for 10 "the first ARP announcement on the wire" again "$gratuitous_arp" 0
wait_for 10 "the first neighbour advertisement on the wire" again "$unsolicited_advertisement" 0
arps=$(announced "$gratuitous_arp") advertisements=$(announced "$unsolicited_advertisement")
wait_for $((75 - (SECONDS - began))) "another ARP announcement" again "$gratuitous_arp" "$arps"
wait_for 10 "another neighbour advertisement" again "$unsolicited_advertisement" "$advertisements"
expect "port unreachable on the wire" "$(announced '(icmp and icmp[0] = 3) or (icmp6 and ip6[40] = 1)')" = 0
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
kill -INT "${background[0]}"

# --- fragments out of a capture file ---

generate --pcap "$work/parts.pcap" --format json --to 10.9.0.2 --to fd09::2 --first $first --count 2000 --mtu 1500 \
	--events-per-datagram 4000 --max-datagram 60000
large=$(truth 'd["sent"]["bytes"] // d["sent"]["datagrams"]')
generate --pcap "$work/parts-2.pcap" --format frame --to 10.9.0.2 --to fd09::2 --first $((first + 2000)) --count 1000 --mtu 1500 \
	--events-per-datagram 20 --max-datagram 4000
tail -c +25 "$work/parts-2.pcap" >>"$work/parts.pcap"
expect "bytes of a large datagram, on average" "$large" -ge 20000
device=net_pcap0,rx_pcap=$work/parts.pcap,tx_pcap=$work/answers.pcap
write_config dpdk 1
start_daemon
wait_idle
expect "events acked from fragments" "$(ledger records acked)" = 3000
expect "datagrams put together" "$(cli -j show ports | json 'd["ports"][0]["counters"]["reassembled"]')" -ge 100
expect "fragments still held" "$(ledger frames fragments_held)" = 0
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
read_back
finish
