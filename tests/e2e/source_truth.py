#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what `penstock -j show sources` tells of numbered sources with what the generator says it did to them (--truth).

Every life of every sender must be there with exactly its numbers: expected, received, lost, duplicate.
"""
import json
import sys

WRAP = 1 << 64


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        shown = json.load(file)
    lives, restarts = [], 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            truth = json.load(file)
        lives += truth["sources"]
        restarts += truth["faults"]["restart"]["datagrams"]
    if shown["more"]:
        sys.exit("not all sources are shown")
    rows = {(row["id"] % WRAP, row["epoch"]): row for row in shown["sources"]}
    bad = []
    for life in lives:
        row = rows.pop((life["id"], life["epoch"]), None)
        wanted = {"expected": (life["next"] - life["first"]) % WRAP, "received": life["sent"], "lost": life["skipped"],
                  "duplicate": life["duplicated"], "late": 0}
        if row is None:
            bad.append(f"source {life['id']} epoch {life['epoch']} is not shown: {life}")
        elif any(row[name] != value for name, value in wanted.items()):
            bad.append(f"source {life['id']} epoch {life['epoch']}: {row}, sent: {life}")
    bad += [f"nobody sent as {key}: {row}" for key, row in rows.items()]
    if shown["totals"]["restarted"] != restarts:
        bad.append(f"{shown['totals']['restarted']} restarts shown, {restarts} made")
    print(f"source_truth: {len(lives)} lives, {sum(life['sent'] for life in lives)} datagrams, "
          f"{sum(life['skipped'] for life in lives)} lost, {sum(life['duplicated'] for life in lives)} repeated, "
          f"{sum(life['reordered'] for life in lives)} late sent, {restarts} restarts; {len(bad)} wrong")
    for line in bad[:10]:
        print("   ", line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
