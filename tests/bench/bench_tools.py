# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: how programs are run and compared, a broker, CPU time of other processes, tables."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EVENTS = 4096
TYPES = 64


class Failure(Exception):
    """What stops a benchmark, for a person."""


class Bench:
    """Where the programs are, where files go, and how to run one."""

    def __init__(self, build, rounds, scale):
        self.build, self.rounds, self.scale = build, rounds, scale
        self.folder = tempfile.mkdtemp(prefix="penstock-bench-")
        self.cpus = sorted(os.sched_getaffinity(0))
        self.broker = None

    def program(self, name):
        path = os.path.join(self.build, name)
        if not os.path.exists(path):
            raise Failure(f"{path} is not there: build first (meson setup build && ninja -C build)")
        return path

    def measure(self, name, *arguments, limit=150):
        """Runs a program that prints one line of JSON; what it measured."""
        done = subprocess.run([self.program("tests/bench/" + name), *map(str, arguments)], capture_output=True, text=True,
                              timeout=limit, check=False)
        if done.returncode != 0:
            raise Failure(f"{name} {' '.join(map(str, arguments))}: {done.stderr.strip()[-500:]}")
        figures = json.loads(done.stdout.strip().splitlines()[-1])
        if figures["dropped"] != 0:
            raise Failure(f"{name} dropped {figures['dropped']} events: its figures are worth nothing")
        return figures

    def capture(self, form, preset, packed=1):
        """The generator's events, `packed` a datagram, none fragmented, as a capture file."""
        path = os.path.join(self.folder, f"{form}-{preset}-{packed}.pcap")
        if not os.path.exists(path):
            subprocess.run([self.program("tests/pktgen/penstock-pktgen"), "--pcap", path, "--preset", preset, "-f", form,
                            "-k", str(packed), "-c", str(EVENTS), "--types", str(TYPES), "--max-body", "1400", "--time-base",
                            "now", "--heartbeats", "0"], check=True, stdout=subprocess.DEVNULL)
        return path

    def count(self, events):
        return max(1000, int(events * self.scale))

    def say(self, text):
        print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)

    def close(self):
        if self.broker is not None:
            self.broker.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Broker:
    """A real Kafka of our own on loopback, with topics of four partitions, whose logs are kept small."""

    NAME = f"bench{os.getpid()}"

    def __init__(self, bench):
        self.tool = os.path.join(ROOT, "tests/broker/kafka")
        subprocess.run([self.tool, "fetch"], check=True, stdout=subprocess.DEVNULL)
        properties = ("num.partitions=4", "log.retention.bytes=16777216", "log.segment.bytes=8388608",
                      "log.retention.check.interval.ms=1000", "log.segment.delete.delay.ms=1000")
        options = [item for pair in properties for item in ("--property", pair)]
        self.address = subprocess.run([self.tool, "start", self.NAME, "--heap", "1024", "--auto-create", *options],
                                      check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
        self.bootstrap = "bootstrap.servers=" + self.address
        self.warm(bench)

    def warm(self, bench):
        """A cold broker adds more than half to the client's CPU time."""
        bench.say("warming the broker up")
        count = bench.count(4000000)
        for topics in (1, 16, 64):
            bench.measure("bench-plain", "--property", self.bootstrap, "--topics", topics, "--warm", 1000, "--events",
                          bench.count(200000))
        path = stage_arguments(bench, self, 64, 0)
        for _ in range(2):
            bench.measure("bench-path", *path, "--warm", 1000, "--events", count)

    def records(self, bench, prefix):
        done = subprocess.run([bench.program("tests/bench/bench-plain"), "--count", "--prefix", prefix, "--property",
                               self.bootstrap], capture_output=True, text=True, check=True)
        return int(done.stdout)

    def stop(self):
        subprocess.run([self.tool, "purge", self.NAME], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stage_arguments(bench, kafka, topics, rate):
    return ["--pcap", bench.capture("json", "mix225"), "--mode", "kafka", "--topics", topics, "--pool", 256, "--rate", rate,
            "--property", kafka.bootstrap]


def broker(bench):
    if bench.broker is None:
        bench.say("starting a Kafka broker")
        bench.broker = Broker(bench)
    return bench.broker


# --- CPU time of other processes -------------------------------------------------------------------------------------

def threads_of(pid):
    """Thread id -> name."""
    names = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as file:
            names[tid] = file.read().strip()
    return names


def thread_ns(pid, tid):
    """Time on a CPU as the scheduler counts it; nanoseconds."""
    with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="utf-8") as file:
        return int(file.read().split()[0])


def process_ns(pid):
    return sum(thread_ns(pid, tid) for tid in threads_of(pid))


def kernel_ns(pid, prefix):
    """Time that the threads with this name spent inside the kernel, to a tick."""
    tick = 1e9 / os.sysconf("SC_CLK_TCK")
    total = 0
    for tid, name in threads_of(pid).items():
        if name.startswith(prefix):
            with open(f"/proc/{pid}/task/{tid}/stat", encoding="utf-8") as file:
                total += int(file.read().rpartition(")")[2].split()[12]) * tick
    return total


# --- comparing -------------------------------------------------------------------------------------------------------

def in_turns(bench, baseline, subjects):
    """Baseline, each subject, baseline again, `rounds` times. Name -> best figure; figures are ns, so the least."""
    best = {}

    def once(name, run):
        figure = run()
        best[name] = min(best.get(name, figure), figure)
        return figure

    for turn in range(bench.rounds):
        line = [once("baseline", baseline)]
        line += [once(name, run) for name, run in subjects.items()]
        bench.say(f"turn {turn + 1} of {bench.rounds}: " + " ".join(f"{figure:.0f}" for figure in line) + " ns")
    once("baseline", baseline)
    return best


def per_event(figures, what):
    return figures[what] / figures["events"]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def verdict(ratio, least=None, most=None):
    """A ratio, and whether it is where it should be."""
    if least is not None:
        return f"**{ratio:.2f}**", f">= {least:.2f}", "yes" if ratio >= least else "no"
    if most is not None:
        return f"**{ratio:.2f}**", f"<= {most:.2f}", "yes" if ratio <= most else "no"
    return f"{ratio:.2f}", "", ""
