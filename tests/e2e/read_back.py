#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads topics back with kcat and compares them with what the generator says it sent.

Independent of Penstock: knows only the generator's list (--truth-events: number, type, CRC-32 in hex, length, copies), the
documented shape of a record, and Kafka through a stock client. Finds events that are missing, repeated, changed by a byte
or in the wrong topic, records that are not strict JSON on one line, and identities that repeat or leave a gap.
"""
import argparse
import json
import re
import subprocess
import sys
import zlib
from array import array
from collections import Counter

# A record as kcat prints it: a header line, key and value byte by byte, a newline. Lengths are -1 for null.
KCAT_FORMAT = "%t %p %o %K %S\\n%k%s\\n"
INGEST = b',"ingest":['
ONLY_INGEST = b'{"ingest":['
EID_MEMBER = re.compile(rb'"eid": ?([0-9]+)')
IDENTITY = re.compile(r"([a-z0-9_]{1,16}-[0-9a-f]+-[0-9a-f]+)-([0-9a-f]+)-([0-9a-f]+)\Z")
SHOWN = 5  # examples of each fault that are printed
YEAR_2020_US = 1577836800 * 1000000


class Bad(Exception):
    """The input is not what this program was told to expect."""


class Truth:
    """What was sent, by event number."""

    def __init__(self, files):
        rows = []
        for file in files:
            with open(file, "rb") as lines:
                rows.extend(line.split() for line in lines)
        if not rows:
            raise Bad("the list of sent events is empty")
        numbers = array("q", (int(row[0]) for row in rows))
        self.first, last = min(numbers), max(numbers)
        size = last - self.first + 1
        if size > 4 * len(rows) + 1000:
            raise Bad("event numbers are too sparse: give the files of one run")
        self.type_names = sorted({row[1].decode() for row in rows})
        index = {name.encode(): i for i, name in enumerate(self.type_names)}
        self.types = array("i", [-1]) * size
        self.crcs, self.lengths = array("L", [0]) * size, array("L", [0]) * size
        self.copies, self.seen = array("i", [0]) * size, array("i", [0]) * size
        for number, row in zip(numbers, rows):
            at = number - self.first
            if self.types[at] != -1:
                raise Bad(f"event {number} is listed twice")
            self.types[at], self.crcs[at] = index[row[1]], int(row[2], 16)
            self.lengths[at], self.copies[at] = int(row[3]), int(row[4])

    def place(self, number):
        at = number - self.first
        return at if 0 <= at < len(self.types) and self.types[at] != -1 else None


def refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


def unique_members(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member's name is repeated")
    return members


def strip_ingest(value):
    """The event as it came: without the last member, which must be `ingest`. None when that is not there."""
    at = value.rfind(INGEST)
    if at > 0:
        return value[:at] + b"}"
    return b"{}" if value.startswith(ONLY_INGEST) else None


def murmur2(key):
    """The hash of Java producers (seed 0x9747b28c), as non-negative number."""
    mask, m, length = 0xffffffff, 0x5bd1e995, len(key)
    h = 0x9747b28c ^ length
    for at in range(0, length & ~3, 4):
        k = int.from_bytes(key[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = key[length & ~3:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7fffffff


class Reader:
    """Judges records one by one; `finish` judges the whole."""

    FAULTS = ("missing", "repeated", "changed", "wrong_topic", "unknown", "not_json", "no_ingest", "bad_ingest",
              "identity_repeated", "identity_gaps", "out_of_order", "wrong_key", "wrong_partition")

    def __init__(self, truth, topic_of, raw_topics=(), key_member=None, partitions=None):
        self.truth, self.topic_of = truth, topic_of
        self.raw_topics, self.key_member, self.partitions = frozenset(raw_topics), key_member, partitions
        self.counts = dict.fromkeys(self.FAULTS, 0)
        self.missing = Counter()  # by type
        self.examples = {}
        self.records = self.bytes = 0
        self.sequences = {}  # (topic of Kafka, node-epoch-lane, topic index): sequences
        self.last = {}       # (partition, ...): highest sequence so far, to see order
        self.topics_by_index = {}

    def fault(self, kind, text):
        self.counts[kind] += 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < SHOWN:
            examples.append(text)

    def record(self, topic, partition, offset, key, value):
        self.records += 1
        self.bytes += len(value)
        where = f"{topic}/{partition}@{offset}"
        if topic in self.raw_topics:
            self.event(topic, where, value.replace(b"\n", b" "))
            return
        try:
            if b"\n" in value or b"\r" in value:
                raise ValueError("more than one line")
            parsed = json.loads(value.decode("utf-8"), parse_constant=refuse_constant, object_pairs_hook=unique_members)
            if not isinstance(parsed, dict):
                raise ValueError("not an object")
        except ValueError as error:
            self.fault("not_json", f"{where}: {error}: {value[:120]!r}")
            return
        body = strip_ingest(value)
        if body is None or "ingest" not in parsed:
            self.fault("no_ingest", f"{where}: {value[-120:]!r}")
            return
        self.identity(topic, partition, where, parsed["ingest"])
        if self.key_member is not None:
            self.key(where, partition, key, parsed)
        self.event(topic, where, body)

    def identity(self, topic, partition, where, ingest):
        good = (isinstance(ingest, list) and len(ingest) >= 4 and isinstance(ingest[0], str)
                and all(type(number) is int for number in ingest[1:4]) and ingest[1] > YEAR_2020_US and ingest[2] > 0
                and (len(ingest) < 5 or ingest[4] is None or type(ingest[4]) is int) and ingest[5:] in ([], ["late"]))
        found = IDENTITY.match(ingest[0]) if good else None
        if found is None:
            self.fault("bad_ingest", f"{where}: {ingest!r}")
            return
        lane, index, sequence = found.groups()
        if self.topics_by_index.setdefault((lane, index), topic) != topic:
            self.fault("bad_ingest", f"{where}: topic index {index} of {lane} is also in {self.topics_by_index[lane, index]}")
        number = int(sequence, 16)
        sequences = self.sequences.get((lane, index))
        if sequences is None:
            sequences = self.sequences[lane, index] = array("q")
        sequences.append(number)
        way = (topic, partition, lane)
        if self.last.get(way, -1) > number:
            self.fault("out_of_order", f"{where}: {ingest[0]} comes after {self.last[way]:x}")
        else:
            self.last[way] = number

    def key(self, where, partition, key, parsed):
        wanted = parsed.get(self.key_member)
        if wanted is None:
            if key:
                self.fault("wrong_key", f"{where}: key {key!r} of an event without {self.key_member}")
            return
        text = wanted if isinstance(wanted, str) else json.dumps(wanted)
        if key != text.encode():
            self.fault("wrong_key", f"{where}: key {key!r}, {self.key_member} is {wanted!r}")
        elif self.partitions and murmur2(key) % self.partitions != partition:
            self.fault("wrong_partition", f"{where}: key {key!r} belongs to {murmur2(key) % self.partitions}")

    def event(self, topic, where, body):
        found = EID_MEMBER.search(body)
        at = self.truth.place(int(found.group(1))) if found else None
        if at is None:
            self.fault("unknown", f"{where}: {body[:120]!r}")
            return
        truth = self.truth
        if len(body) != truth.lengths[at] or zlib.crc32(body) != truth.crcs[at]:
            self.fault("changed", f"{where}: event {truth.first + at}: {body[:200]!r}")
            return
        truth.seen[at] += 1
        name = truth.type_names[truth.types[at]]
        if self.topic_of(name) != topic:
            self.fault("wrong_topic", f"{where}: event {truth.first + at} of type {name}")

    def finish(self):
        truth = self.truth
        for at, (copies, seen) in enumerate(zip(truth.copies, truth.seen)):
            if seen < copies:
                self.counts["missing"] += copies - seen - 1
                self.missing[truth.type_names[truth.types[at]]] += copies - seen
                self.fault("missing", f"event {truth.first + at} of type {truth.type_names[truth.types[at]]}: {seen} of {copies}")
            elif seen > copies:
                self.counts["repeated"] += seen - copies - 1
                self.fault("repeated", f"event {truth.first + at} of type {truth.type_names[truth.types[at]]}: {seen} for {copies}")
        for (lane, index), sequences in self.sequences.items():
            distinct = set(sequences)
            if len(distinct) != len(sequences):
                self.counts["identity_repeated"] += len(sequences) - len(distinct) - 1
                self.fault("identity_repeated", f"{lane}-{index}: {len(sequences)} records, {len(distinct)} identities")
            gaps = max(distinct) - min(distinct) + 1 - len(distinct)
            if gaps:
                self.counts["identity_gaps"] += gaps - 1
                self.fault("identity_gaps", f"{lane}-{index}: {gaps} between {min(distinct):x} and {max(distinct):x}")

    def summary(self):
        return {"records": self.records, "bytes": self.bytes, "expected": sum(self.truth.copies),
                "lanes": len({lane for lane, _ in self.sequences}), **self.counts}


def parse(stream, take, block=1 << 20):
    """Feeds the records of kcat's output to `take`; returns how many."""
    buffer, at, count = b"", 0, 0
    while True:
        end = buffer.find(b"\n", at)
        if end >= 0:
            topic, partition, offset, key_length, length = buffer[at:end].split(b" ")
            key_length, length = int(key_length), int(length)
            value_at = end + 1 + max(key_length, 0)
            stop = value_at + max(length, 0)
            if stop < len(buffer):
                if buffer[stop] != 10:
                    raise Bad(f"kcat's output does not parse at {buffer[at:at + 200]!r}")
                take(topic.decode(), int(partition), int(offset), buffer[end + 1:value_at] if key_length >= 0 else None,
                     buffer[value_at:stop])
                at, count = stop + 1, count + 1
                continue
        more = stream.read(block)
        if not more:
            if at != len(buffer):
                raise Bad(f"kcat's output ends inside a record: {buffer[at:at + 200]!r}")
            return count
        buffer, at = buffer[at:] + more, 0


def topics_with(bootstrap, prefix):
    out = subprocess.run(["kcat", "-q", "-b", bootstrap, "-L", "-J", "-m", "10"], check=True, capture_output=True).stdout
    return sorted((t["topic"], len(t["partitions"])) for t in json.loads(out)["topics"]
                  if t["topic"].startswith(prefix) and not t["topic"].startswith("__"))


def consume(bootstrap, topics, take):
    """From the beginning to the end of every topic; the next kcat already runs while one is read."""
    def open_topic(topic):
        return subprocess.Popen(
            ["kcat", "-q", "-b", bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-f", KCAT_FORMAT,
             "-X", "fetch.wait.max.ms=20", "-X", "check.crcs=true", "-X", "fetch.message.max.bytes=4194304"],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    running = []
    waiting = list(topics)
    try:
        while waiting or running:
            while waiting and len(running) < 3:
                running.append(open_topic(waiting.pop(0)))
            kcat = running[0]
            parse(kcat.stdout, take)
            if kcat.wait() != 0:
                raise Bad(f"{' '.join(kcat.args)} ended with {kcat.returncode}")
            running.pop(0)
    finally:
        for kcat in running:
            kcat.kill()
            kcat.wait()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT", help="a broker")
    parser.add_argument("--truth-events", required=True, action="append", metavar="FILE", help="may be repeated")
    parser.add_argument("--template", default="ev.{type}", help="topic of a type (default: %(default)s)")
    parser.add_argument("--topic", action="append", default=[], metavar="TYPE=TOPIC", help="topic of one type")
    parser.add_argument("--raw", action="append", default=[], metavar="TYPE", help="type whose records are bodies as they came")
    parser.add_argument("--packed", type=int, metavar="N", help="records are lines of at most N events each")
    parser.add_argument("--key", metavar="MEMBER", help="records are keyed by this member")
    parser.add_argument("--allow", action="append", default=[], metavar="FAULT[=N]",
                        help="tolerate a fault (up to N); names as in the summary")
    parser.add_argument("--summary", metavar="FILE", help="write the counts there as JSON")
    return parser.parse_args()


def judge(counts, allowed, examples):
    bad = 0
    for kind, count in counts.items():
        if count > allowed.get(kind, 0):
            bad += 1
            print(f"read_back: {count} {kind}" + "".join(f"\n    {text}" for text in examples.get(kind, [])))
    return bad


def main():
    args = arguments()
    topics = dict(pair.split("=", 1) for pair in args.topic)
    allowed = {}
    for text in args.allow:
        kind, _, limit = text.partition("=")
        if kind not in Reader.FAULTS:
            raise Bad(f"--allow {kind}: the names are {', '.join(Reader.FAULTS)}")
        allowed[kind] = int(limit) if limit else sys.maxsize
    truth = Truth(args.truth_events)

    def topic_of(name):
        return topics.get(name) or args.template.replace("{type}", name)

    present = dict(topics_with(args.bootstrap, args.template.partition("{")[0]))
    every = dict(topics_with(args.bootstrap, ""))
    present.update((name, every[name]) for name in topics.values() if name in every)
    partitions = set(present.values())
    reader = Reader(truth, topic_of, {topic_of(name) for name in args.raw}, args.key,
                    partitions.pop() if len(partitions) == 1 else None)
    packs = Counter()

    def lines(topic, partition, offset, key, value):
        each = value.split(b"\n")
        packs[len(each)] += 1
        for line in each:
            reader.record(topic, partition, offset, key, line)

    consume(args.bootstrap, sorted(present), lines if args.packed else reader.record)
    reader.finish()
    summary = {"topics": len(present), **reader.summary(), "missing_by_type": dict(reader.missing)}
    if args.packed:
        summary["packed_records"], summary["largest_pack"] = sum(packs.values()), max(packs, default=0)
        if summary["largest_pack"] != args.packed:
            raise Bad(f"the largest record holds {summary['largest_pack']} events, expected {args.packed}")
    if args.summary:
        with open(args.summary, "w", encoding="utf-8") as file:
            json.dump(summary, file)
    bad = judge(reader.counts, allowed, reader.examples)
    print("read_back:", json.dumps(summary))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Bad, OSError, subprocess.CalledProcessError) as error:
        print(f"read_back: {error}", file=sys.stderr)
        sys.exit(2)
