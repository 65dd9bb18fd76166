#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a capture of penstock-pktgen with scapy and compares it with the truth: capture_test.py PKTGEN.

Checksums, reassembled fragments, the events' own checksums, their lines in --truth-events and what --print says.
Exit code 77 (skipped) without scapy.
"""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.append("/usr/lib/python3/dist-packages")
try:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
    from scapy.utils import PcapReader, checksum
except ImportError:
    print("scapy is not installed (package python3-scapy)")
    sys.exit(77)

EVENTS = 600
COMMON = ["--seed", "9", "--preset", "mix512"]


def datagrams(path):
    """Yields (destination port, payload) of whole datagrams; every checksum is checked."""
    parts = {}
    for frame in PcapReader(path):
        if IP in frame:
            ip = frame[IP]
            assert checksum(bytes(ip)[:20]) == 0, "IPv4 header checksum"
            key = (4, ip.src, ip.dst, ip.id)
            offset, more, data = ip.frag * 8, bool(ip.flags.MF), bytes(ip)[20:ip.len]
        else:
            ip = frame[IPv6]
            fragment = ip[IPv6ExtHdrFragment] if IPv6ExtHdrFragment in ip else None
            key = (6, ip.src, ip.dst, fragment.id if fragment else None)
            offset, more = (fragment.offset * 8, fragment.m) if fragment else (0, 0)
            data = bytes(ip)[48 if fragment else 40:40 + ip.plen]
        whole = parts.pop(key, b"")
        assert len(whole) == offset, "fragments in order, without gap or overlap"
        whole += data
        if more:
            parts[key] = whole
            continue
        source, port, length, _ = struct.unpack("!HHHH", whole[:8])
        assert length == len(whole) and source >= 20000
        family = socket.AF_INET if key[0] == 4 else socket.AF_INET6
        pseudo = socket.inet_pton(family, ip.src) + socket.inet_pton(family, ip.dst) + struct.pack("!II", length, 17)
        assert whole[6:8] != b"\0\0" and checksum(pseudo + whole) == 0, "UDP checksum"
        yield port, whole[8:]
    assert not parts, "every fragment has its rest"


def bodies(port, payload):
    """Yields the events' bodies, line feeds as spaces."""
    if port == 9001:
        magic, version, flags, length, count = struct.unpack_from("<4sBBHH", payload)
        assert (magic, version, length) == (b"PSTK", 1, len(payload))
        at = 32
        for _ in range(count):
            body_len, _, header_len = struct.unpack_from("<HBB", payload, at + 4)
            yield payload[at + header_len:at + header_len + body_len].replace(b"\n", b" ")
            at += header_len + body_len
        assert at == len(payload)
        return
    text, at, decoder = payload.decode(), 0, json.JSONDecoder()
    while at < len(text):
        _, end = decoder.raw_decode(text, at)
        yield text[at:end].replace("\n", " ").encode()
        while end < len(text) and text[end] in " \t\r\n":
            end += 1
        at = end


def check(pktgen, folder, more):
    capture, truth, log = (os.path.join(folder, name) for name in ("pcap", "truth", "events"))
    subprocess.run([pktgen, *COMMON, "--count", str(EVENTS), "--pcap", capture, "--truth", truth, "--truth-events", log,
                    "--to", "192.0.2.1", "--to", "2001:db8::1", *more], check=True)
    printed = subprocess.run([pktgen, *COMMON, "--print", f"0..{EVENTS - 1}"], check=True, capture_output=True).stdout
    printed = printed.split(b"\n")[:-1]
    with open(log) as file:
        lines = {int(number): (kind, int(crc, 16), int(length), int(copies))
                 for number, kind, crc, length, copies in map(str.split, file)}
    seen = {}
    for port, payload in datagrams(capture):
        for body in bodies(port, payload):
            event = json.loads(body)
            number = event["eid"]
            seen[number] = seen.get(number, 0) + 1
            digits = b'"crc":"' + event["crc"].encode()
            assert zlib.crc32(body.replace(digits, b'"crc":"00000000')) == int(event["crc"], 16)
            assert body == printed[number]
            assert (zlib.crc32(body), len(body)) == lines[number][1:3]
            assert lines[number][0] == ("raw" if port == 9002 else event["type"])
    for number, (_, _, _, copies) in lines.items():
        assert seen.get(number, 0) == copies, number
    with open(truth) as file:
        truth = json.load(file)
    assert len(lines) == truth["generated"] == EVENTS
    assert len(seen) == truth["unique"]["events"]
    assert sum(seen.values()) == truth["sent"]["events"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        check(sys.argv[1], folder, ["--format", "mix", "--duplicate", "5", "--lose", "4", "--reorder", "3"])
        check(sys.argv[1], folder, ["--format", "json", "--vlan", "12", "--events-per-datagram", "300", "--max-datagram", "60000"])
        check(sys.argv[1], folder, ["--format", "frame", "--mtu", "1280", "--vlan", "3.4", "--restart", "3"])


main()
