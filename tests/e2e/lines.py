#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes events of a wanted size, one JSON object a line, and lists them as penstock-pktgen --truth-events does.

Input for foreign senders: nothing here knows of the generator, of UDP or of Penstock.
"""
import argparse
import json
import zlib


def event(number, kind, size):
    """An event of exactly `size` bytes, with characters of one to four bytes of UTF-8."""
    text = json.dumps({"type": kind, "eid": number, "ts": 1767225600 + number, "pad": ""})
    pad = "Größe 一 \U0001f600 \\n " * (size // 8)
    room = size - len(text.encode())
    pad = pad.encode()[:max(room, 0)].decode(errors="ignore")
    pad = pad.rstrip("\\")
    pad += "." * (room - len(pad.encode()))
    return text[:-2] + pad + text[-2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="number of the first event")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--type", default="click")
    parser.add_argument("--size", type=int, action="append", required=True, help="in turn, when there are several")
    parser.add_argument("--lines", required=True, metavar="FILE", help="the events")
    parser.add_argument("--truth-events", required=True, metavar="FILE", help="number, type, CRC-32, length, copies")
    args = parser.parse_args()
    with open(args.lines, "wb") as lines, open(args.truth_events, "w", encoding="ascii") as truth:
        for i in range(args.count):
            body = event(args.first + i, args.type, args.size[i % len(args.size)]).encode()
            json.loads(body)
            lines.write(body + b"\n")
            truth.write(f"{args.first + i} {args.type} {zlib.crc32(body):08x} {len(body)} 1\n")


if __name__ == "__main__":
    main()
