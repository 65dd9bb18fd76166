#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads topics with kcat and judges what a reader can tell of several lives of one box: identities are unique, they belong to
the epochs that the box had, and in each life they are missing at the tail only, within the bound that the box printed.
"""
import argparse
import json
import sys
from collections import defaultdict

import read_back


class Lives:
    """Sequences and sizes per (life, topic of Kafka)."""

    def __init__(self):
        self.sizes = defaultdict(dict)
        self.records = 0
        self.twice = []
        self.strange = []

    def record(self, topic, partition, offset, key, value):
        self.records += 1
        try:
            ingest = json.loads(value)["ingest"]
            life, index, sequence = read_back.IDENTITY.match(ingest[0]).groups()
        except (ValueError, KeyError, TypeError, AttributeError):
            self.strange.append(f"{topic}/{partition}@{offset}: {value[-120:]!r}")
            return
        node, epoch, lane = life.split("-")
        sizes = self.sizes[(int(epoch, 16), topic)]
        identity = (lane, index, int(sequence, 16))
        if identity in sizes:
            self.twice.append(f"{topic}/{partition}@{offset}: {ingest[0]}")
        sizes[identity] = len(value)


def judge(lives, epochs, bound):
    bad = [f"no identity: {text}" for text in lives.strange] + [f"twice: {text}" for text in lives.twice]
    missing = defaultdict(int)  # bytes per epoch, by the mean size
    behind = 0
    for (epoch, topic), sizes in sorted(lives.sizes.items()):
        if epoch not in epochs:
            bad.append(f"{topic}: epoch {epoch:x} is none that the box had")
        numbers = {number for _, _, number in sizes}
        absent = set(range(1, max(numbers) + 1)) - numbers  # sequences begin with 1
        if 0 in numbers:
            bad.append(f"{topic}: epoch {epoch:x} has a sequence 0")
        if not absent:
            continue
        missing[epoch] += len(absent) * sum(sizes.values()) // len(sizes)
        after = sum(size for (_, _, number), size in sizes.items() if number > min(absent))
        behind = max(behind, after)
        if after > bound:
            bad.append(f"{topic}: epoch {epoch:x} lacks {min(absent):x}, and {after} bytes came after it")
    for epoch, numbered in epochs.items():  # the tail: what the box said it had numbered before it was killed
        found = [size for (of, _), sizes in lives.sizes.items() if of == epoch for size in sizes.values()]
        if numbered > len(found):
            missing[epoch] = max(missing[epoch], (numbered - len(found)) * sum(found) // max(len(found), 1))
    bad += [f"epoch {epoch:x} lacks about {size} bytes" for epoch, size in missing.items() if size > bound]
    return bad, {"records": lives.records, "lives": len({epoch for epoch, _ in lives.sizes}),
                 "bytes_missing_at_most": max(missing.values(), default=0), "bytes_behind_them": behind}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT")
    parser.add_argument("--prefix", required=True, help="how the topics' names begin")
    parser.add_argument("--bound", required=True, type=int, help="bytes that a kill may lose")
    parser.add_argument("--epoch", action="append", required=True, metavar="EPOCH:NUMBERED",
                        help="that the box had, and how many records it said it had numbered in it")
    args = parser.parse_args()
    epochs = {int(epoch): int(numbered) for epoch, numbered in (pair.split(":") for pair in args.epoch)}
    lives = Lives()
    topics = [name for name, _ in read_back.topics_with(args.bootstrap, args.prefix)]
    read_back.consume(args.bootstrap, topics, lives.record)
    bad, summary = judge(lives, epochs, args.bound)
    print("identities:", json.dumps(summary))
    for line in bad[:10]:
        print("   ", line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
