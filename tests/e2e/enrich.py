#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A realistic set of rules for the generator's types, in two tellings: as Penstock's configuration, and in plain Python. The
second judges the generator's events and compares what should have become of each with what Kafka holds: topic, copies, reason,
country and category.

  enrich.py config NAME...                         prints the types section for these types, in their order
  enrich.py categories EVENTS MORE                 prints a table: of most items of the events, and of MORE other keys
  enrich.py check --bootstrap ... --prefix P --types NAME,... --events FILE --geo FILE --categories FILE --counters FILE
"""
import argparse
import json
import random
import re
import sys
from collections import Counter

import read_back

CIDRS = ["20.0.0.0/8", "104.64.0.0/10", "2600::/12", "176.249.244.0/24"]
SHARE = 250000  # of a million


def path(event, *names):
    for name in names:
        if not isinstance(event, dict) or name not in event:
            return None
        event = event[name]
    return event


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def in_cidrs(event):
    import ipaddress
    try:
        address = ipaddress.ip_address(event.get("ip"))
    except ValueError:
        return False
    return any(address.version == net.version and address in net for net in map(ipaddress.ip_network, CIDRS))


def text_of(event, name):
    """A member as the bytes that a sample goes by; numbers of the generator's are integers here."""
    value = event.get(name)
    return b"" if name not in event else value.encode() if isinstance(value, str) else json.dumps(value).encode()


# By a type's place in the list modulo 16: rules as (name, condition, what it does, the condition in Python).
RULES = {
    0: [("robots", "ua starts with \"curl/\" or bot == true", {"then": "drop"},
         lambda e: str(e.get("ua") if isinstance(e.get("ua"), str) else "").startswith("curl/") or e.get("bot") is True),
        ("slow", "dur_ms > 30000", {"then": "keep", "topic": "enrich-slow"},
         lambda e: is_number(e.get("dur_ms")) and e["dur_ms"] > 30000)],
    1: [("cheap", "price < 400", {"then": "sample", "share": "25%", "by": "user"},
         lambda e: is_number(e.get("price")) and e["price"] < 400)],
    3: [("near", "@client in [%s]" % ", ".join(CIDRS), {"then": "keep", "topic": "enrich-near", "copy": "enrich-all"}, in_cidrs),
        ("rest", "", {"then": "sample", "share": "25%", "by": "user"}, lambda e: True)],
    4: [("screens", "device.type in [\"tablet\", \"tv\"] and not exists query", {"then": "drop"},
         lambda e: path(e, "device", "type") in ("tablet", "tv") and "query" not in e),
        ("good", "score in 250..1000 or status == 200", {"then": "keep", "copy": "enrich-all"},
         lambda e: is_number(e.get("score")) and 250 <= e["score"] <= 1000 or is_number(e.get("status")) and e["status"] == 200)],
    6: [("odd", "item in 0..9999 and status != 200", {"then": "quarantine"},
         lambda e: is_number(e.get("item")) and 0 <= e["item"] <= 9999 and not (is_number(e.get("status")) and e["status"] == 200)),
        ("languages", "lang not in [\"de\", \"fr\", \"pt-BR\"] and exists lang", {"then": "drop"},
         lambda e: "lang" in e and not (isinstance(e["lang"], str) and e["lang"] in ("de", "fr", "pt-BR")))],
    9: [("all", "", {"then": "sample", "share": "25%", "by": "item"}, lambda e: True)],
    12: [("windows", "os contains \"Windows\" or os ends with \"14\" or svc.name == \"search-front\"", {"then": "drop"},
          lambda e: isinstance(e.get("os"), str) and ("Windows" in e["os"] or e["os"].endswith("14"))
          or path(e, "svc", "name") == "search-front")],
    14: [("nothing", "not (exists eid)", {"then": "drop"}, lambda e: "eid" not in e)],
}
REQUIRE = {2: {"user": ("string", lambda v: isinstance(v, str))},
           7: {"price": ("number|null", lambda v: v is None or is_number(v)), "item": ("any", lambda v: True)}}
PLACES = 16


def config(names):
    for index, name in enumerate(names):
        print(f"  {name}:\n    id: {index + 1}")
        require = REQUIRE.get(index % PLACES)
        if require:
            print("    require: {" + ", ".join(f'{member}: "{kinds}"' for member, (kinds, _) in require.items()) + "}")
        rules = RULES.get(index % PLACES)
        if rules:
            print("    rules:")
            for rule, condition, action, _ in rules:
                print(f"      - {{name: {rule}" + (f", if: '{condition}'" if condition else "")
                      + "".join(f", {key}: {value}" for key, value in action.items()) + "}")


def judge(index, event):
    """What becomes of it: (outcome, rule or reason, topic or None for its own, copy or None)."""
    for member, (kinds, fits) in REQUIRE.get(index % PLACES, {}).items():
        if member not in event or not fits(event[member]):
            return "quarantined", f"member {member} is missing, or not: {kinds}", "quarantine", None
    for rule, _, action, holds in RULES.get(index % PLACES, []):
        if not holds(event):
            continue
        if action["then"] == "drop":
            return "filtered", rule, None, None
        if action["then"] == "sample" and read_back.murmur2(text_of(event, action["by"])) % 1000000 >= SHARE:
            return "sampled_out", rule, None, None
        if action["then"] == "quarantine":
            return "quarantined", f"rule {rule}", "quarantine", None
        return "kept", rule, action.get("topic"), action.get("copy")
    return "kept", None, None, None


def categories(events, more):
    rng, seen = random.Random(7), set()
    with open(events, "rb") as lines:
        for line in lines:
            item = json.loads(line).get("item")
            if item is not None and rng.random() < 0.8:
                seen.add(str(item))
    for item in sorted(seen):
        print(f"{item}\tcategory {read_back.murmur2(item.encode()) % 300}")
    for number in range(more):
        print(f"other-{number}\tcategory {number % 300}")


class Check:
    def __init__(self, args):
        import maxminddb
        self.args, self.bad, self.counts = args, [], Counter()
        self.types = {name: index for index, name in enumerate(args.types.split(","))}
        self.geo = maxminddb.open_database(args.geo, maxminddb.MODE_MEMORY)
        with open(args.categories, encoding="utf-8") as lines:
            self.categories = dict(line.rstrip("\n").split("\t") for line in lines)
        self.expected = {}  # (event number, topic): rule or reason, country, category
        self.by_type = {name: Counter() for name in self.types}

    def fault(self, text):
        self.bad.append(text)

    def country(self, event):
        try:
            found = self.geo.get(event["ip"])
        except (KeyError, ValueError, TypeError):
            return "ZZ"
        found = found or {}
        return found.get("country_code") or found.get("country", {}).get("iso_code") or "ZZ"

    def category(self, event):
        item = event.get("item")
        return self.categories.get(item if isinstance(item, str) else json.dumps(item)) if "item" in event else None

    def expect(self):
        with open(self.args.events, "rb") as lines:
            for line in lines:
                body = line.rstrip(b"\n")
                event = json.loads(body)
                name = event["type"]
                outcome, why, topic, copy = judge(self.types[name], event)
                self.by_type[name][outcome] += 1
                if outcome in ("filtered", "sampled_out"):
                    continue
                answer = (body, why, self.country(event), self.category(event), outcome)
                topic = self.args.prefix + name if topic is None else topic if topic != "quarantine" else f"enrich-aside.{name}"
                self.expected[event["eid"], topic] = answer
                if copy:
                    self.expected[event["eid"], copy] = answer

    def record(self, topic, partition, offset, _key, value):
        where = f"{topic}/{partition}@{offset}"
        parsed = json.loads(value, object_pairs_hook=read_back.unique_members)
        answer = self.expected.pop((parsed.get("eid"), topic), None)
        if answer is None:
            self.fault(f"{where}: not expected there: {value[:160]!r}")
            return
        body, why, country, category, outcome = answer
        if outcome == "quarantined":
            extra = json.dumps({"quarantine": {"type": parsed["type"], "why": why}}, separators=(",", ":"))[1:-1]
        else:
            extra = '"geo":{"country":"%s"},"category":%s' % (country, json.dumps(category))
        start = body[:-1] + b"," + extra.encode() + b',"ingest":['
        if not value.startswith(start):
            self.fault(f"{where}: {value[len(body) - 20:]!r}, expected ...{start[len(body) - 20:]!r}")
        self.counts[outcome] += 1
        self.counts["country" if country != "ZZ" else "no country"] += 1
        self.counts["category" if category else "no category"] += 1

    def counters(self):
        with open(self.args.counters, encoding="utf-8") as file:
            told = {row["name"]: row for row in json.load(file)["types"]}
        for name, counter in self.by_type.items():
            row = told[name]
            for key in ("filtered", "sampled_out", "quarantined"):
                if row[key] != counter[key]:
                    self.fault(f"type {name}: {key} {row[key]}, expected {counter[key]}")
            if row["events"] != counter["kept"] + counter["quarantined"]:
                self.fault(f"type {name}: events {row['events']}, expected {counter['kept'] + counter['quarantined']}")

    def run(self):
        self.expect()
        wanted = len(self.expected)
        topics = [name for name, _ in read_back.topics_with(self.args.bootstrap, "")
                  if re.match(re.escape(self.args.prefix) + r"|enrich-", name)]
        read_back.consume(self.args.bootstrap, topics, self.record)
        for (number, topic), _ in list(self.expected.items())[:5]:
            self.fault(f"event {number} is not in {topic}")
        self.counters()
        total = sum((Counter(counter) for counter in self.by_type.values()), Counter())
        print("enrich:", json.dumps({"records": wanted, **total, **self.counts}))
        for key in ("filtered", "sampled_out", "quarantined", "kept"):
            if total[key] < 100:
                self.fault(f"only {total[key]} events {key}: nothing was shown")
        for line in self.bad[:10]:
            print("   ", line)
        return 1 if self.bad else 0


def main():
    if sys.argv[1:2] == ["config"]:
        return config(sys.argv[2:])
    if sys.argv[1:2] == ["categories"]:
        return categories(sys.argv[2], int(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check"])
    for name in ("bootstrap", "prefix", "types", "events", "geo", "categories", "counters"):
        parser.add_argument("--" + name, required=True)
    return Check(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
