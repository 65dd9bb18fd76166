# SPDX-License-Identifier: Apache-2.0
"""The tables' own speed, by their size: what geo-bench, category-bench and rules-bench print, as results."""
import re
import subprocess

from bench_tools import Failure, table


def lines_of(bench, name, *arguments, limit=900):
    done = subprocess.run([bench.program("tests/bench/" + name), *map(str, arguments)], capture_output=True, text=True,
                          timeout=limit, check=False)
    if done.returncode != 0:
        raise Failure(f"{name}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout.splitlines()


def scaled(bench, sizes):
    return [bench.count(size) for size in sizes]


def met(value, most):
    return [f"<= {most:g}", "yes" if value <= most else "no"]


def geo(bench):
    """A process for each size: what one leaves behind in memory slows the next one's build."""
    rows = []
    for family in (4, 6):
        base = None
        for size in scaled(bench, (10000, 1000000, 10000000)):
            bench.say(f"geo, {size:,} prefixes of IPv{family}")
            line = lines_of(bench, "geo-bench", "--family", family, "--prefixes", size)[-1]
            found = re.match(r" *(\d+) prefixes IPv\d: +(\d+) ranges, +(\d+) places, +([\d.]+) MB, built in +(\d+) ms, +([\d.]+) ns,"
                             r" with fragment +([\d.]+) ns", line)
            if found is None:
                raise Failure("geo-bench prints what is not known here: " + line)
            ranges, mb, ms, ns, with_fragment = found.group(2, 4, 5, 6, 7)
            base = float(ns) if base is None else base
            rows.append([f"IPv{family}", f"{size:,}", f"{int(ranges):,}", mb, f"{int(ms) / 1e3:.2f}",
                         *(met(int(ms) / 1e3, 2) if size == 1000000 else ["", ""]), ns, with_fragment, f"{float(ns) - base:+.1f}",
                         *met(float(ns) - base, 10)])
    return ["Geo: thread CPU time a look-up in bursts of 32, random addresses in random prefixes; the best of 15 rounds. The last columns"
            " compare with the smallest table. `geo-bench --family F --prefixes N`", "",
            *table(["family", "prefixes", "ranges", "MB", "built in s", "wanted", "met", "ns", "with fragment", "more ns", "wanted",
                    "met"], rows)]


def category(bench):
    rows = []
    for keys in ("numbers", "texts"):
        for size, built_most, ns_class in zip(scaled(bench, (100000, 1000000, 10000000)), (None, None, 10), (12, 18, 32)):
            bench.say(f"category, {size:,} keys, {keys}")
            lines = lines_of(bench, "category-bench", "--keys", keys, "--entries", size, "--folder", bench.folder)
            found = re.match(r"\d+ entries: (\d+) MiB, built in ([\d.]+) s, saved in ([\d.]+) s, loaded prebuilt in ([\d.]+) s", lines[0])
            looked = re.match(r" +look-up ([\d.]+) ns", lines[-1])
            if found is None or looked is None:
                raise Failure("category-bench prints what is not known here: " + lines[0])
            mib, built, saved, loaded = found.groups()
            rows.append([keys, f"{size:,}", mib, built, saved, loaded,
                         "" if built_most is None else f"<= {built_most}, prebuilt <= 2",
                         "" if built_most is None else "yes" if float(built) <= built_most and float(loaded) <= 2 else "no",
                         looked.group(1), f"about {ns_class}"])
    return ["Category: thread CPU time a look-up in bursts of 32 (hash, fetch, find, read the fragment), best of 20 rounds of 2^20 keys."
            " `category-bench --keys KIND --entries N`", "",
            *table(["keys", "entries", "MiB", "built in s", "saved in s", "prebuilt in s", "wanted", "met", "ns", "wanted"], rows)]


def rules(bench):
    bench.say("rules")
    sorts = {}
    for line in lines_of(bench, "rules-bench", "--rounds", max(10, int(200 * bench.scale))):
        found = re.match(r"(\S+) +(\d+) rules +([\d.]+) ns +made in +([\d.]+) ms", line)
        if found is None:
            raise Failure("rules-bench prints what is not known here: " + line)
        sorts.setdefault(found.group(1), []).append((int(found.group(2)), float(found.group(3)), float(found.group(4))))
    counts = sorted({count for measured in sorts.values() for count, _, _ in measured})
    rows = []
    for sort, measured in sorts.items():
        by_count = {count: ns for count, ns, _ in measured}
        rows.append([sort, *(f"{by_count[count]:.1f}" if count in by_count else "" for count in counts), f"{measured[-1][2]:.1f}"])
    return ["Rules: ns a judgement of random events whose members are found already, by the number of rules of a type; the last column"
            " is how long the most take to compile. `rules-bench`", "",
            *table(["sort", *map(str, counts), "ms to make"], rows)]


def run_tables(bench):
    return [*geo(bench), "", *category(bench), "", *rules(bench)]
