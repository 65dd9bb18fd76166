#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the programs of the benchmarks that need no broker, shortly, each with the threads that it measures.

  tests/bench/programs_test.py BUILD
"""
import subprocess
import sys

import world
from bench_tools import Bench

EVENTS, ENTRIES = 20000, 1000


def runs(bench):
    """Subject -> arguments of bench-path."""
    json, frame = bench.capture("json", "mix225"), bench.capture("frame", "mix225")
    tables = {rules: world.configuration(bench, rules, prefixes=ENTRIES, keys=ENTRIES) for rules in ("realistic", "header")}
    frames = ("--pcap", frame, "--format", "frame", "--trusted")
    return {
        "bare": ("--pcap", json, "--mode", "bare"),
        "null": ("--pcap", json, "--mode", "null"),
        "json": ("--pcap", json),
        "json, two workers": ("--pcap", json, "--workers", 2),
        "json, quotas": ("--pcap", json, "--quotas"),
        "json, full": ("--pcap", json, "--config", tables["realistic"]),
        "frame": frames,
        "frame, full": (*frames, "--config", tables["header"]),
        "swap": ("--pcap", json, "--mode", "swap", "--swaps", 1, "--config", tables["realistic"]),
    }


def main():
    bench = Bench(sys.argv[1], 1, 1.0)
    try:
        for name, arguments in runs(bench).items():
            figures = bench.measure("bench-path", *arguments, "--pool", 16, "--warm", EVENTS, "--events", EVENTS)
            if "swap" not in arguments and figures["events"] < EVENTS:
                sys.exit(f"{name}: {figures['events']} events of {EVENTS}")
        for name, *arguments in (("geo-bench", "--prefixes", ENTRIES, "--rounds", 1), ("rules-bench", "--once"),
                                 ("category-bench", "--entries", ENTRIES, "--rounds", 1, "--verify", "--folder", bench.folder),
                                 ("json-bench", 1), ("bench-spool", bench.folder, 1)):
            subprocess.run([bench.program("tests/bench/" + name), *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    finally:
        bench.close()


if __name__ == "__main__":
    main()
