#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads topics with kcat and judges what lives of a box in mode wal left there: all that a life said it had accepted, no gap in the
sequence of a topic (what is accepted is a beginning of it, unless the disk failed in that life: what it refuses is delivered from
memory, and dies with it), and no more repeated than the bound that the box printed, a kill.
"""
import argparse
import json
import sys
from collections import defaultdict

import read_back


class Lives:
    def __init__(self):
        self.numbers = defaultdict(set)  # (epoch, topic): sequences
        self.repeated = self.repeated_bytes = self.records = 0

    def record(self, topic, _partition, _offset, _key, value):
        life, _, sequence = read_back.IDENTITY.match(json.loads(value)["ingest"][0]).groups()
        numbers, number = self.numbers[int(life.split("-")[1], 16), topic], int(sequence, 16)
        self.records += 1
        if number in numbers:
            self.repeated += 1
            self.repeated_bytes += len(value)
        numbers.add(number)


def judge(lives, accepted, failing, bound):
    bad = []
    for (epoch, topic), numbers in sorted(lives.numbers.items()):
        gaps = max(numbers) - len(numbers)
        if gaps != 0 and epoch not in failing:
            bad.append(f"{topic}: epoch {epoch:x} lacks {gaps} of {max(numbers)}")
    for epoch, count in accepted.items():
        found = sum(len(numbers) for (of, _), numbers in lives.numbers.items() if of == epoch)
        if found < count:
            bad.append(f"epoch {epoch:x}: {count} were accepted, {found} are there")
    if lives.repeated_bytes > bound * len(accepted):
        bad.append(f"{lives.repeated_bytes} bytes are repeated after {len(accepted)} kills, more than {bound} a kill")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topics", required=True, help="their names begin so")
    parser.add_argument("--lives", required=True,
                        help="a line each: epoch, events accepted when it was killed, at least; `failing` when the disk was")
    parser.add_argument("--bound", required=True, type=int, help="bytes that a kill may repeat")
    args = parser.parse_args()
    with open(args.lives, encoding="ascii") as lines:
        rows = [line.split() for line in lines]
    accepted = {int(row[0]): int(row[1]) for row in rows}
    failing = {int(row[0]) for row in rows if row[2:] == ["failing"]}
    lives = Lives()
    read_back.consume(args.bootstrap, [name for name, _ in read_back.topics_with(args.bootstrap, args.topics)], lives.record)
    bad = judge(lives, accepted, failing, args.bound)
    print("lives:", len(accepted), "accepted:", sum(accepted.values()), "records:", lives.records, "repeated:", lives.repeated)
    for line in bad[:20]:
        print("   ", line)
    sys.exit(1 if bad or sum(accepted.values()) < 100 * len(accepted) else 0)


if __name__ == "__main__":
    main()
