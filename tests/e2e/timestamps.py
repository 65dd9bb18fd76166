#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends events that say in `want` which Kafka timestamp their record is to have, and judges the records read back by it.

  timestamps.py send HOST PORT NUMBER TYPE=WANT[:COUNT]...    JSON events, one a datagram, numbered from NUMBER on
  timestamps.py judge BOOTSTRAP COUNT TOPIC...                reads the topics with kcat; COUNT records are expected

WANT: `receive`, the time in the record's ingest member; `event`, the time in `ts`, some minutes before now; `none`, the same
with an event that says no time; `past` and `future`, the edge of the window, 60 minutes before and 5 after the time of
receiving, with a `ts` far beyond; `produce`, at or after the time of receiving, whatever `ts` says.
"""
import json
import socket
import subprocess
import sys
import time
from collections import Counter

BACK_MS, AHEAD_MS = 60 * 60000, 5 * 60000
YEAR_MS = 365 * 86400000
SLOW_MS = 120000  # from receiving to producing, at the most


def send(host, port, number, *what):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    number = int(number)
    for text in what:
        name, want = text.split("=")
        want, _, count = want.partition(":")
        for _ in range(int(count or 1)):
            now = int(time.time() * 1000)
            event = {"type": name, "n": number, "want": want}
            if want != "none":
                event["ts"] = now + {"past": -10 * YEAR_MS, "future": YEAR_MS}.get(want, -600000 - number)
            sender.sendto(json.dumps(event).encode(), (host, int(port)))
            number += 1
            time.sleep(0.001)


def is_right(event, stamp):
    want, receive = event["want"], event["ingest"][1] // 1000
    if want == "produce":
        return receive - 1 <= stamp <= receive + SLOW_MS
    return stamp == {"receive": receive, "none": receive, "event": event.get("ts"), "past": receive - BACK_MS,
                     "future": receive + AHEAD_MS}[want]


def judge(bootstrap, count, *topics):
    seen, bad = Counter(), 0
    for topic in topics:
        done = subprocess.run(["kcat", "-q", "-b", bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-f", "%T %s\\n"],
                              check=True, capture_output=True)
        for line in done.stdout.splitlines():
            stamp, value = line.split(b" ", 1)
            event = json.loads(value)
            seen[event["want"]] += 1
            if not is_right(event, int(stamp)):
                bad += 1
                print(f"timestamps: {topic}: {int(stamp)} for {value.decode()}")
    total = sum(seen.values())
    print(f"timestamps: {total} records: {dict(seen)}, {bad} with another time than wanted")
    return 0 if total == int(count) and bad == 0 else 1


def main():
    command, *rest = sys.argv[1:] or ["help"]
    if command not in ("send", "judge"):
        print(__doc__)
        return 0 if command in ("help", "--help", "-h") else 64
    return {"send": send, "judge": judge}[command](*rest)


if __name__ == "__main__":
    sys.exit(main())
