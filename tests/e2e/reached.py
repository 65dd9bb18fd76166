#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what a box has published of its epochs (docs/reached-format.md) and the topics themselves, and judges: of each epoch
named there is a record a lane; of an exact one the last sequences are the highest that Kafka holds, for every lane and topic; of
another one they are no further beyond what Kafka holds than the bound allows.
"""
import argparse
import json
import sys
from collections import defaultdict

import read_back


class Board:
    """What was published: records by (epoch, lane)."""

    def __init__(self, instance):
        self.instance, self.records, self.bad = instance, {}, []

    def record(self, _topic, _partition, _offset, key, value):
        if b" reached " not in (key or b""):
            return
        record = json.loads(value)
        if record["instance"] != self.instance:
            return
        epoch, lane = int(record["epoch"], 16), record["lane"]
        if key.decode() != f"{record['node']} reached {record['epoch']} {lane}":
            self.bad.append(f"key {key!r} of epoch {epoch:x}, lane {lane}")
        self.records[epoch, lane] = record


class Found:
    """The highest sequence by (epoch, lane, topic), and the smallest value."""

    def __init__(self):
        self.highest = defaultdict(int)
        self.smallest = 1 << 20

    def record(self, topic, _partition, _offset, _key, value):
        life, _, sequence = read_back.IDENTITY.match(json.loads(value)["ingest"][0]).groups()
        _, epoch, lane = life.split("-")
        place = int(epoch, 16), int(lane, 16), topic
        self.highest[place] = max(self.highest[place], int(sequence, 16))
        self.smallest = min(self.smallest, len(value))


def judge_epoch(epoch, exact, board, found):
    lanes = {lane: record for (of, lane), record in board.records.items() if of == epoch}
    if not lanes:
        return [f"epoch {epoch:x}: nothing is published"]
    bad = []
    first = next(iter(lanes.values()))
    if sorted(lanes) != list(range(first["lanes"])):
        bad.append(f"epoch {epoch:x}: lanes {sorted(lanes)} of {first['lanes']}")
    if any(record["exact"] != exact for record in lanes.values()):
        bad.append(f"epoch {epoch:x}: exact is {first['exact']}")
    said = {(lane, topic): last for lane, record in lanes.items() for topic, last in record["topics"].items()}
    held = {(lane, topic): last for (of, lane, topic), last in found.highest.items() if of == epoch}
    beyond = first["beyond"]["bytes"] // found.smallest
    if exact:
        bad += [f"epoch {epoch:x} {at}: {said.get(at)} is published, Kafka has {held.get(at)}"
                for at in sorted(said.keys() | held.keys()) if said.get(at) != held.get(at)]
    else:
        bad += [f"epoch {epoch:x} {at}: {last} is published, Kafka has {held.get(at, 0)}, the bound is {beyond}"
                for at, last in sorted(said.items()) if last > held.get(at, 0) + beyond]
        if not said or beyond == 0:
            bad.append(f"epoch {epoch:x}: nothing reached, or no bound")
    print(f"epoch {epoch:x}: {first['mode']}, exact {first['exact']}, {len(lanes)} lanes, {sum(said.values())} published,"
          f" {sum(held.values())} the highest in Kafka")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT")
    parser.add_argument("--topics", required=True, help="their names begin so")
    parser.add_argument("--instance", required=True, help="of the box")
    parser.add_argument("--exact", action="append", default=[], type=int, metavar="EPOCH")
    parser.add_argument("--least", action="append", default=[], type=int, metavar="EPOCH")
    args = parser.parse_args()
    board, found = Board(args.instance), Found()
    read_back.consume(args.bootstrap, ["penstock.boxes"], board.record)
    read_back.consume(args.bootstrap, [name for name, _ in read_back.topics_with(args.bootstrap, args.topics)], found.record)
    bad = board.bad
    for epoch in args.exact:
        bad += judge_epoch(epoch, True, board, found)
    for epoch in args.least:
        bad += judge_epoch(epoch, False, board, found)
    for line in bad[:20]:
        print("   ", line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
