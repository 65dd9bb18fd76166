#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads topics with kcat and judges the generations that their records tell: none that was not in force, none that falls along
a lane's records of a topic, and all the records there that were numbered.
"""
import argparse
import json
import sys
from collections import Counter, defaultdict

import read_back


class Generations:
    def __init__(self):
        self.seen = Counter()
        self.by_lane = defaultdict(list)  # (node-epoch-lane, topic): sequence, generation
        self.strange = []

    def record(self, topic, partition, offset, _key, value):
        try:
            ingest = json.loads(value)["ingest"]
            life, _, sequence = read_back.IDENTITY.match(ingest[0]).groups()
        except (ValueError, KeyError, TypeError, AttributeError):
            self.strange.append(f"no identity: {topic}/{partition}@{offset}: {value[-120:]!r}")
            return
        self.seen[ingest[3]] += 1
        self.by_lane[(life, topic)].append((int(sequence, 16), ingest[3]))


def judge(generations, last):
    bad = list(generations.strange)
    bad += [f"generation {number} was never in force" for number in generations.seen if not 1 <= number <= last]
    for (life, topic), told in generations.by_lane.items():
        told.sort()
        for (_, before), (sequence, after) in zip(told, told[1:]):
            if after < before:
                bad.append(f"{topic}: {life} falls from generation {before} to {after} at {sequence:x}")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT")
    parser.add_argument("--prefix", required=True, help="how the topics' names begin")
    parser.add_argument("--count", required=True, type=int, help="records that were numbered")
    parser.add_argument("--last", required=True, type=int, help="the last generation")
    args = parser.parse_args()
    generations = Generations()
    topics = [name for name, _ in read_back.topics_with(args.bootstrap, args.prefix)]
    read_back.consume(args.bootstrap, topics, generations.record)
    bad = judge(generations, args.last)
    if sum(generations.seen.values()) != args.count:
        bad.append(f"{sum(generations.seen.values())} records, expected {args.count}")
    if len(generations.seen) < min(args.last, 5):
        bad.append(f"records of {len(generations.seen)} generations only: nothing was shown")
    print("generations:", len(generations.seen), "of", args.last, "records:", sum(generations.seen.values()))
    for line in bad[:10]:
        print("   ", line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
