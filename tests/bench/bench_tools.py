# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: how programs are run and compared, a broker, CPU time of other processes, tables."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
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
            raise Failure(f"{name} {' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr.strip()[-500:]}")
        figures = json.loads(done.stdout.strip().splitlines()[-1])
        if figures["dropped"] != 0:
            raise Failure(f"{name} dropped {figures['dropped']} events: its figures are worth nothing")
        return figures

    def capture(self, form, preset, packed=1, types=TYPES):
        """The generator's events, `packed` a datagram, none fragmented, as a capture file."""
        path = os.path.join(self.folder, f"{form}-{preset}-{packed}-{types}.pcap")
        if not os.path.exists(path):
            subprocess.run([self.program("tests/pktgen/penstock-pktgen"), "--pcap", path, "--preset", preset, "-f", form,
                            "-k", str(packed), "-c", str(EVENTS), "--types", str(types), "--max-body", "1400", "--time-base",
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

    def create(self, names):
        """Asks for topics, which the broker then makes; Penstock's own client would not."""
        for name in names:
            subprocess.run(["kcat", "-b", self.address, "-L", "-t", name, "-X", "allow.auto.create.topics=true", "-m", "10"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def records(self, bench, prefix, names=()):
        """How many the topics that begin so and go on with two digits hold, or with these names."""
        for _ in range(10):
            done = subprocess.run([bench.program("tests/bench/bench-plain"), "--count", "--prefix", prefix, "--property",
                                   self.bootstrap, *(prefix + name for name in names)], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return int(done.stdout)
            time.sleep(1)  # a topic that was made this moment has no leader yet
        raise Failure(f"cannot count records of {prefix}: {done.stderr.strip()[-300:]}")

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


# --- testpmd ---------------------------------------------------------------------------------------------------------

def testpmd(bench, pcap, seconds):
    """CPU ns a packet of testpmd's forwarding thread in rxonly mode, with its defaults."""
    if shutil.which("dpdk-testpmd") is None:
        raise Failure("dpdk-testpmd is missing: tests/install-packages bench (Debian's package dpdk-dev)")
    lcores = f"0@{bench.cpus[0]},1@{bench.cpus[-1]}"
    process = subprocess.Popen(
        ["stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "512", "--no-pci", "--no-telemetry", f"--file-prefix=bench{os.getpid()}",
         "--lcores", lcores, "--vdev", f"net_pcap0,rx_pcap={pcap},infinite_rx=1", "--", "-i", "--forward-mode=rxonly",
         "--total-num-mbufs=16384"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    guard = threading.Timer(30 + seconds, process.kill)
    guard.start()

    def ask(text, until):
        lines = []
        process.stdin.write(text + "\n")
        process.stdin.flush()
        for line in process.stdout:
            lines.append(line)
            if until in line:
                return lines
        raise Failure("testpmd ended early: " + "".join(lines[-5:]))

    try:
        ask("show config rxtx", "RX Offloads")
        tid = next(tid for tid, name in threads_of(process.pid).items() if re.match("(lcore|rte)-worker-1", name))
        before = thread_ns(process.pid, tid)
        process.stdin.write("start\n")
        process.stdin.flush()
        time.sleep(seconds)
        lines = ask("stop", "Done.")
        spent = thread_ns(process.pid, tid) - before
        packets = next(int(found.group(1)) for line in lines if (found := re.search(r"RX-packets: (\d+)", line)))
        return spent / packets
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        guard.cancel()


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
