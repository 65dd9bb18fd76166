# SPDX-License-Identifier: Apache-2.0
"""What the spool costs, how fast it gives back, and how long events take: the daemon itself, on a real broker, by spool mode."""
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from bench_tools import Failure, broker, in_turns, process_ns, table, thread_ns, threads_of, verdict

RATE = 50000     # events a second
SECONDS = 6      # of a measurement
AWAY = 8         # seconds that Kafka is away before a replay
MODES = ("off", "direct", "wal")
CONFIG = """node: bench_{mode}
state: {folder}/state
control: {{socket: {folder}/control.sock}}
ports: [{{name: lo, source: socket, receive_buffer: 64MiB, workers: 1, idle: sleep}}]
inputs: [{{port: {port}, format: json}}]
types:
{types}
topics: {{template: "spool-{{type}}", partitions: 4, replicas: 1}}
kafka: {{properties: {{bootstrap.servers: "{bootstrap}"}}}}
spool: {{mode: {mode}, directory: {folder}/spool}}
memory: {{huge: false}}
"""
INGEST = re.compile(rb'^(\d+) .*"ingest":\["[^"]+",(\d+),')


class Daemon:
    """A penstockd of our own on a kernel socket, whose spool is in memory."""

    def __init__(self, bench, kafka, mode):
        self.bench, self.mode = bench, mode
        self.folder = tempfile.mkdtemp(prefix=f"penstock-bench-{mode}-", dir="/dev/shm")
        os.mkdir(self.folder + "/state")
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))
            self.port = probe.getsockname()[1]
        types = subprocess.run([bench.program("tests/pktgen/penstock-pktgen"), "--list-types"], check=True, capture_output=True,
                               text=True).stdout
        self.topics = ["spool-" + line.split()[1] for line in types.splitlines()]
        types = "\n".join(f"  {line.split()[1]}: {{id: {line.split()[0]}}}" for line in types.splitlines())
        with open(self.folder + "/penstockd.yaml", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(mode=mode, folder=self.folder, port=self.port, types=types, bootstrap=kafka.address))
        with open(self.folder + "/log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([bench.program("control/daemon/penstockd"), "-c", self.folder + "/penstockd.yaml"],
                                            stdout=log, stderr=log)
        try:
            self.until("it receives", lambda: self.ask("status")["state"] == "receiving")
        except Failure:
            self.stop()
            raise

    def command(self, *arguments):
        return [self.bench.program("control/cli/penstock"), "-s", self.folder + "/control.sock", *arguments]

    def ask(self, *arguments):
        return json.loads(subprocess.run(self.command("-j", *arguments), capture_output=True, text=True, check=False).stdout or
                          '{"state": "none"}')

    def until(self, what, condition, seconds=60):
        end = time.time() + seconds
        while not condition():
            if time.time() > end or self.process.poll() is not None:
                with open(self.folder + "/log", encoding="utf-8") as log:
                    raise Failure(f"penstockd, mode {self.mode}: not within {seconds} s: {what}\n{log.read()[-600:]}")
            time.sleep(0.05)

    def generator(self, rate, seconds):
        """Sends events of 225 B to it, up to four a datagram."""
        return subprocess.Popen([self.bench.program("tests/pktgen/penstock-pktgen"), "--to", "127.0.0.1", "--port",
                                 f"json={self.port}", "--preset", "mix225", "--time-base", "now", "--rate", str(rate), "--duration",
                                 f"{seconds:.1f}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ledger(self):
        """(events numbered, events acked), and the ledger must close."""
        ledger = self.ask("ledger")
        if ledger["alarms"]:
            raise Failure(f"penstockd, mode {self.mode}: the ledger raised an alarm")
        records = next(e for e in ledger["equations"] if e["name"] == "records")
        terms = [(term["name"], term["value"]) for equation in ledger["equations"] for term in equation["right"]]
        lost = sum(value for name, value in terms if name.startswith(("dropped.", "given_up.")))
        if lost:
            raise Failure(f"penstockd, mode {self.mode}: {lost} events dropped: its figures are worth nothing")
        return dict(terms)["numbered"], next(term["value"] for term in records["right"] if term["name"] == "acked")

    def at_rest(self):
        if subprocess.run(self.command("wait", "idle", "-t", "60"), stdout=subprocess.DEVNULL, check=False).returncode != 0:
            raise Failure(f"penstockd, mode {self.mode}: not all events came to rest in a minute")
        return self.ledger()

    def send(self, rate, seconds):
        if self.generator(rate, seconds).wait() != 0:
            raise Failure("the generator failed")
        return self.at_rest()

    def threads_ns(self, prefix):
        pid = self.process.pid
        return sum(thread_ns(pid, tid) for tid, name in threads_of(pid).items() if name.startswith(prefix))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def cost(bench, daemons):
    """Mode -> ns an acked event of the process, and without its workers; in turns, best of each."""
    rest, seconds = {}, max(1.0, SECONDS * bench.scale)

    def turn(mode):
        daemon = daemons[mode]

        def run():
            _, acked = daemon.ledger()
            before, workers = process_ns(daemon.process.pid), daemon.threads_ns("worker-")
            acked = daemon.send(RATE, seconds)[1] - acked
            spent, workers = process_ns(daemon.process.pid) - before, daemon.threads_ns("worker-") - workers
            rest[mode] = min(rest.get(mode, spent), (spent - workers) / acked)
            return spent / acked
        return run

    best = in_turns(bench, turn("direct"), {mode: turn(mode) for mode in MODES if mode != "direct"})
    best["direct"] = best.pop("baseline")
    return best, rest


def cost_table(best, rest):
    rows = []
    for mode in MODES:
        most = 1.15 if mode == "wal" else None
        rows.append([mode, f"{best[mode]:.0f}", *verdict(best[mode] / best["direct"], most=most), f"{rest[mode]:.0f}",
                     f"{rest[mode] / rest['direct']:.2f}"])
    return table(["mode", "ns", "to direct", "wanted", "met", "ns without workers", "to direct"], rows)


# --- how long events take --------------------------------------------------------------------------------------------

def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def kept_after(kafka, topics, since_ms):
    """Milliseconds from an event's receipt, as its record tells, to when the broker kept it, by the broker's clock, which is ours."""
    delays = []
    for topic in topics:
        out = subprocess.run(["kcat", "-q", "-b", kafka.address, "-C", "-t", topic, "-o", f"s@{since_ms}", "-e", "-f", "%T %s\\n",
                              "-X", "fetch.wait.max.ms=20"], check=True, capture_output=True).stdout
        for line in out.splitlines():
            found = INGEST.match(line)
            if found:
                delays.append(int(found.group(1)) + 0.5 - int(found.group(2)) / 1000)
    return delays


def delays(bench, kafka, daemons):
    """A life of their own for each mode: the daemon's histogram is of all that it has seen."""
    rows = []
    for mode in MODES:
        daemon = daemons[mode] = renewed(bench, kafka, daemons[mode])
        since = int(time.time() * 1000)
        daemon.send(RATE, max(2.0, SECONDS * bench.scale))
        own = daemon.ask("show", "kafka")["producers"][0]["ack_ms"]
        kept = kept_after(kafka, daemon.topics, since)
        if not kept:
            raise Failure("no record read back")
        rows.append([mode, f"{own['p50']:.0f}", f"{own['p99']:.0f}", f"{percentile(kept, 50):.0f}", f"{percentile(kept, 99):.0f}"])
    return table(["mode", "ack_ms p50", "ack_ms p99", "receipt to broker p50", "p99"], rows)


def renewed(bench, kafka, daemon):
    daemon.stop()
    return Daemon(bench, kafka, daemon.mode)


# --- replay ----------------------------------------------------------------------------------------------------------

def replay(bench, kafka, daemon):
    """Kafka away, then back, with the same traffic all the time: (events on disk, replayed a second, live ones a second, seconds)."""
    away = max(4.0, AWAY * bench.scale)
    generator = daemon.generator(RATE, away + 60)
    try:
        began = time.time()
        subprocess.run([kafka.tool, "pause", kafka.NAME], check=True)
        while time.time() - began < away:
            time.sleep(0.1)
        waited = daemon.ask("show", "spool")
        subprocess.run([kafka.tool, "resume", kafka.NAME], check=True)
        daemon.until("the replay begins", lambda: daemon.ask("show", "spool")["replayed"] > waited["replayed"])
        first, at, (numbered, _) = daemon.ask("show", "spool"), time.time(), daemon.ledger()
        last, behind = {}, lambda: daemon.ask("show", "spool")
        while not last or last["spooled"] > RATE / 10:
            last, now = behind(), time.time()
            if now - at > 50:
                raise Failure(f"{last['spooled']} events wait on disk 50 s after Kafka is back")
            time.sleep(0.05)
        seconds, live = now - at, daemon.ledger()[0] - numbered
        return waited["spooled"], (last["replayed"] - first["replayed"]) / seconds, live / seconds, seconds
    finally:
        generator.terminate()
        generator.wait()
        subprocess.run([kafka.tool, "resume", kafka.NAME], check=False)
        daemon.at_rest()


def replays(bench, kafka, daemons):
    rows = []
    for mode in ("direct", "wal"):
        runs = []
        for turn in range(max(3, bench.rounds)):
            runs.append(replay(bench, kafka, daemons[mode]))
            bench.say(f"replay {mode} {turn + 1}: {runs[-1][0]:,} on disk, {runs[-1][1]:,.0f} replayed a second beside"
                      f" {runs[-1][2]:,.0f} live")
        ratios = [rate / live for _, rate, live, _ in runs]
        middle = min(runs, key=lambda run: abs(run[1] / run[2] - statistics.median(ratios)))
        rows.append([mode, f"{middle[0]:,}", f"{middle[1]:,.0f}", f"{middle[2]:,.0f}", *verdict(middle[1] / middle[2], least=2.0),
                     f"{min(ratios):.2f} to {max(ratios):.2f}", f"{middle[3]:.1f}"])
    return table(["mode", "events on disk", "replayed/s", "live/s", "ratio", "wanted", "met", "of all turns", "s until caught up"],
                 rows)


# --- the log alone ---------------------------------------------------------------------------------------------------

def log_alone(bench):
    rows = []
    for what, folder in (("disk", bench.folder), ("tmpfs", "/dev/shm")):
        with tempfile.TemporaryDirectory(prefix="penstock-bench-", dir=folder) as place:
            out = subprocess.run([bench.program("tests/bench/bench-spool"), place, str(max(3, bench.rounds))], check=True,
                                 capture_output=True, text=True).stdout
        figures = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
        rows.append([what, figures["plain"][0], figures["spool"][0], *verdict(float(figures["ratio"][0])), figures["plain"][2],
                     figures["spool"][2]])
    return table(["where", "plain MiB/s", "spool MiB/s", "ratio", "wanted", "met", "plain CPU us/MiB", "spool CPU us/MiB"], rows)


def run_spool(bench):
    kafka, daemons = broker(bench), {}
    try:
        for mode in MODES:
            daemons[mode] = Daemon(bench, kafka, mode)
            if mode == "off":
                subprocess.run(daemons[mode].command("topics", "create"), check=True, stdout=subprocess.DEVNULL)
            daemons[mode].send(1000, 2)
            daemons[mode].send(RATE, 3)
        best, rest = cost(bench, daemons)
        bench.say("delays")
        subprocess.run([kafka.tool, "configs", kafka.NAME, "--alter", "--entity-type", "brokers", "--entity-default",
                        "--add-config", "log.message.timestamp.type=LogAppendTime"], check=True, stdout=subprocess.DEVNULL)
        slow = delays(bench, kafka, daemons)
        subprocess.run([kafka.tool, "configs", kafka.NAME, "--alter", "--entity-type", "brokers", "--entity-default",
                        "--delete-config", "log.message.timestamp.type"], check=True, stdout=subprocess.DEVNULL)
        back = replays(bench, kafka, daemons)
    finally:
        for daemon in daemons.values():
            daemon.stop()
    return [f"penstockd itself by spool mode, in turns: JSON of 225 B and 64 types, up to 4 events a datagram, through a kernel socket,"
            f" {RATE:,} events/s, one worker, 64 topics of 4 partitions, the spool on tmpfs. User and system CPU time of the whole"
            " process an acked event, and without the workers' threads (their kernel sockets are not a poll core's).", "",
            *cost_table(best, rest), "",
            "From receipt to acknowledgement, ms, at the same rate. `ack_ms` is the daemon's own (`penstock show kafka`), of an event's"
            " batch from when it was opened, so at most a batch's age too long; beside it what Kafka says: the broker's time"
            " of keeping the record less the time of receipt inside it, which is before the acknowledgement.", "",
            *slow, "",
            f"Replay: Kafka hangs for {AWAY} s and is back, while {RATE:,} events/s go on coming. Events read back from disk and"
            " acknowledged a second, against live ones, which go behind them on disk until it is empty; the turn with the median"
            " ratio.", "", *back, "",
            "The log alone against the same bytes written to a plain file with an fdatasync behind each MiB (`bench-spool`); ratio of"
            " rates.", "", *log_alone(bench)]
