#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads topics and judges swaps of generations by what each record tells. Odd generations drop type X, say country AA and category
odd; even ones drop type Y, and say BB and even. So a record in which these disagree was judged by a mixture. Records of the
marker item tell when a change of its category was seen: --changed TIME, microseconds, from "old" to "new".
"""
import argparse
import json
import sys
from collections import Counter

import read_back


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--odd", required=True, help="the type that odd generations drop")
    parser.add_argument("--even", required=True)
    parser.add_argument("--count", required=True, type=int, help="records that were numbered")
    parser.add_argument("--last", required=True, type=int, help="the last generation")
    parser.add_argument("--changed", type=int, required=True, help="when the marker's category was changed")
    args = parser.parse_args()
    bad, generations, seen, markers = [], Counter(), Counter(), []

    def record(topic, partition, offset, _key, value):
        where = f"{topic}/{partition}@{offset}"
        event = json.loads(value)
        generation, received = event["ingest"][3], event["ingest"][1]
        odd = generation % 2
        generations[generation] += 1
        if event.get("item") == "marker":
            markers.append((received, event["category"]))
            return
        seen[event["geo"]["country"], event["category"]] += 1
        name = topic[len(args.prefix):]
        if name == (args.odd if odd else args.even):
            bad.append(f"{where}: generation {generation} does not let this type through")
        if event["geo"]["country"] != ("AA" if odd else "BB"):
            bad.append(f"{where}: generation {generation} says country {event['geo']['country']}")
        if event["category"] not in (None, "odd" if odd else "even"):
            bad.append(f"{where}: generation {generation} says category {event['category']}")

    topics = [name for name, _ in read_back.topics_with(args.bootstrap, args.prefix)]
    read_back.consume(args.bootstrap, topics, record)
    if sum(generations.values()) != args.count:
        bad.append(f"{sum(generations.values())} records, expected {args.count}")
    if not generations or max(generations) > args.last or len(generations) < args.last // 2:
        bad.append(f"records of {len(generations)} generations, the last of them {max(generations, default=0)}")
    late = [received - args.changed for received, category in markers if category != "new" and received > args.changed]
    early = [received for received, category in markers if category != "old" and received < args.changed]
    if late and max(late) > 1000000:
        bad.append(f"the marker's old category was still given {max(late)} us after its change")
    if early:
        bad.append(f"{len(early)} markers had the new category before the change")
    after = sum(category == "new" for _, category in markers)
    if after < 10 or len(markers) - after < 10:
        bad.append(f"{after} of {len(markers)} markers with the new category: nothing was shown")
    if min(seen["AA", "odd"], seen["BB", "even"], seen["AA", None]) == 0:
        bad.append(f"nothing was shown: {dict(seen)}")
    print("swaps:", len(generations), "of", args.last, "generations in", sum(generations.values()), "records; marker changed",
          max(late, default=0), "us after")
    for line in bad[:10]:
        print("   ", line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
