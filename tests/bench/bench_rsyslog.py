# SPDX-License-Identifier: Apache-2.0
"""Against rsyslog: `whole`, where it reads no JSON, and `peer`, where it does what it can of the whole job."""
import json
import os
import shutil
import subprocess
import time

import world
from bench_tools import TYPES, Failure, broker, in_turns, kernel_ns, per_event, process_ns, stage_arguments, table, verdict

PORT = 20000
LOOKUP_KEYS = 100000
GLOBAL = """global(workDirectory="{folder}" maxMessageSize="8k" parser.escapeControlCharactersOnReceive="off")
module(load="imudp" TimeRequery="500" batchSize="128")
module(load="omkafka")
module(load="impstats" interval="1" format="json" log.syslog="off" log.file="{folder}/rsyslog.stats")
"""
QUEUE = 'parser=["rsyslog.rfc3164"] queue.type="FixedArray" queue.size="500000" queue.dequeueBatchSize="2048"'
KAFKA = """action(name="sink" type="omkafka" broker=["{address}"] topic="topic" dynaTopic="on" dynaTopic.cacheSize="600"
template="body" confParam=["acks=all", "enable.idempotence=true", "linger.ms=100", "batch.size=1000000",
"batch.num.messages=10000", "queue.buffering.max.messages=1000000", "queue.buffering.max.kbytes=2097151"])"""
NOWHERE = 'action(name="sink" type="omfile" file="/dev/null" template="body")'

# The topic is the name of the port.
BY_PORT = """template(name="body" type="string" string="%rawmsg%")
template(name="topic" type="string" string="%inputname%")
ruleset(name="out" {queue}) {{
{action}
}}
"""
# The topic is the type, and the category comes from a table.
BY_JSON = """module(load="mmjsonparse")
lookup_table(name="items" file="{lookup}")
template(name="body" type="string" string="%$!all-json-plain%")
template(name="topic" type="string" string="rsys-%$!type%")
ruleset(name="out" {queue}) {{
action(type="mmjsonparse" cookie="" useRawMsg="on")
set $!category = lookup("items", $!item);
{action}
}}
"""


class Rsyslog:
    """An rsyslogd of our own, with so many UDP ports."""

    def __init__(self, bench, rules, action, ports):
        self.bench, self.ports = bench, ports
        self.stats = os.path.join(bench.folder, "rsyslog.stats")
        path = os.path.join(bench.folder, "rsyslog.conf")
        inputs = "".join(f'input(type="imudp" address="127.0.0.1" port="{PORT + i}" name="rsys-{i:02}" ruleset="out"'
                         ' rcvbufSize="32m")\n' for i in range(ports))
        with open(path, "w", encoding="utf-8") as file:
            file.write(GLOBAL.format(folder=bench.folder) + rules.format(queue=QUEUE, action=action, lookup=self.lookup()) + inputs)
        self.process = subprocess.Popen(["rsyslogd", "-n", "-f", path, "-i", os.path.join(bench.folder, "rsyslog.pid")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(5 if "lookup_table" in rules else 2)
        if self.process.poll() is not None:
            raise Failure("rsyslogd did not start: are the packages rsyslog and rsyslog-kafka there?")

    def lookup(self):
        """Nine in ten of the events' items, and others, as a lookup table."""
        path = os.path.join(self.bench.folder, "items.json")
        if not os.path.exists(path):
            with open(world.category_table(self.bench, self.bench.capture("json", "mix225"), LOOKUP_KEYS), encoding="utf-8") as file:
                rows = [dict(zip(("index", "value"), line.rstrip("\n").split("\t"))) for line in file]
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"version": 1, "nomatch": "none", "type": "string", "table": rows}, file)
        return path

    def send(self, rate, events):
        done = subprocess.run([self.bench.program("tests/bench/bench-send"), str(PORT), str(rate), str(events), str(self.ports)],
                              check=True, capture_output=True, text=True)
        return int(done.stdout)

    def processed(self):
        """Events that its own account says came to the last action, as of a moment ago."""
        time.sleep(1.2)
        last = 0
        with open(self.stats, encoding="utf-8") as file:
            for line in file:
                if '"name": "sink"' in line:
                    last = json.loads(line[line.index("{"):])["processed"]
        return last

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        if os.path.exists(self.stats):
            os.remove(self.stats)


def rsyslog_run(server, count_records, rate, count):
    """CPU ns an event that arrived: all, and the receiving thread's inside the kernel; share that was lost. Stops the server."""
    def settle(least):
        end = time.time() + 60
        records, last = count_records(), -1
        while records < least and records != last and time.time() < end:
            time.sleep(2.5)  # its own account may be a second late
            last, records = records, count_records()
        return records

    def spent():
        return process_ns(server.process.pid), kernel_ns(server.process.pid, "imudp")

    try:
        start = count_records()
        before = settle(start + server.send(rate, count // 4))
        total, kernel = spent()
        sent = server.send(rate, count)
        arrived = settle(before + sent) - before
        total_after, kernel_after = spent()
        if arrived == 0:
            raise Failure("nothing came through rsyslog")
        return (total_after - total) / arrived, (kernel_after - kernel) / arrived, 1 - arrived / sent
    finally:
        server.stop()


def ready(bench):
    """A broker in which rsyslog's topics are there."""
    if shutil.which("rsyslogd") is None:
        raise Failure("rsyslogd is missing: tests/install-packages bench (packages rsyslog and rsyslog-kafka)")
    return broker(bench)


def keep_best(extra, name, figures):
    """Remembers what goes with the best total so far, which is the first of the figures."""
    if figures[0] <= extra.get(name, figures)[0]:
        extra[name] = figures
    return figures[0]


def run_whole(bench):
    kafka = ready(bench)
    subprocess.run([bench.program("tests/bench/bench-plain"), "--property", kafka.bootstrap, "--prefix", "rsys-", "--warm",
                    "1000", "--events", "100000"], check=True, stdout=subprocess.DEVNULL)
    rows = []
    for rate in (150000, 300000, 0):
        extra = {}

        def rsyslog():
            server = Rsyslog(bench, BY_PORT, KAFKA.format(address=kafka.address), TYPES)
            return keep_best(extra, "rsyslog", rsyslog_run(server, lambda: kafka.records(bench, "rsys-"), rate or 300000,
                                                           bench.count(4 * (rate or 300000))))

        def whole():
            figures = bench.measure("bench-path", *stage_arguments(bench, kafka, TYPES, rate), "--warm",
                                    bench.count(rate or 400000), "--events", bench.count(4 * rate or 1500000))
            return per_event(figures, "process_ns")

        bench.say(f"rate {rate or 'all that goes'}")
        best = in_turns(bench, rsyslog, {"whole": whole})
        ratio = best["whole"] / best["baseline"]
        _, kernel, lost = extra["rsyslog"]
        rows.append([f"{rate:,}/s" if rate else "saturated (rsyslog at 300,000/s)", f"{best['baseline']:.0f}", f"{kernel:.0f}",
                     f"{100 * lost:.1f} %", f"{best['whole']:.0f}", *verdict(ratio, most=0.5),
                     f"{best['whole'] / (best['baseline'] - kernel):.2f}"])
    return ["CPU ns an event of the whole process, 225 B JSON over 64 topics of 4 partitions, one warmed-up broker. rsyslog"
            " reads no JSON: each type has a UDP port of its own, whose name is the topic. Penstock validates JSON, numbers"
            " events and appends its member, fed by net_pcap. `kernel` is what rsyslog's receiving thread spends in system"
            " calls, which a poll core does not have; the last column is the ratio without it.", "",
            *table(["load", "rsyslog ns", "of it kernel", "rsyslog lost", "Penstock ns", "ratio", "wanted", "met",
                    "ratio without kernel"], rows)]


def run_peer(bench):
    kafka = ready(bench)
    config, pcap = world.configuration(bench, "stays"), bench.capture("json", "mix225")
    rate, extra, names = 40000, {}, world.type_names(bench, TYPES)
    full = [*stage_arguments(bench, kafka, TYPES, 0), "--config", config]
    kafka.create([prefix + name for name in (*names, "quarantine") for prefix in ("rsys-", "bench-")])

    def rsyslog(action, count_records, name):
        server = Rsyslog(bench, BY_JSON, action, TYPES)
        return keep_best(extra, name, rsyslog_run(server, count_records or server.processed, rate, bench.count(8 * rate)))

    def ring():
        return per_event(bench.measure("bench-path", "--pcap", pcap, "--cpus", bench.cpus[-1], "--config", config, "--warm",
                                       bench.count(300000), "--events", bench.count(1000000)), "worker_ns")

    def whole(paced):
        return per_event(bench.measure("bench-path", *full, "--rate", paced, "--warm", bench.count(paced or 400000), "--events",
                                       bench.count(8 * paced or 1500000)), "process_ns")

    best = in_turns(bench, lambda: rsyslog(KAFKA.format(address=kafka.address), lambda: kafka.records(bench, "rsys-", names), "kafka"), {
        "nowhere": lambda: rsyslog(NOWHERE, None, "nowhere"),
        "ring": ring,
        "paced": lambda: whole(rate),
        "saturated": lambda: whole(0),
    })
    peers = {"baseline": best["baseline"], "nowhere": best["nowhere"]}
    rows = [[f"rsyslog to Kafka, {rate:,}/s", f"{peers['baseline']:.0f}", "1.00", "", ""],
            [f"rsyslog to /dev/null, {rate:,}/s", f"{peers['nowhere']:.0f}", f"{peers['nowhere'] / peers['baseline']:.2f}", "", ""]]
    for name, text, to, most in (("ring", "Penstock up to the ring", "baseline", 0.10),
                                 ("ring", "the same, to rsyslog's without Kafka", "nowhere", 0.10),
                                 ("paced", f"Penstock to Kafka, {rate:,}/s", "baseline", 0.20),
                                 ("saturated", "Penstock to Kafka, saturated", "baseline", 0.20)):
        rows.append([text, f"{best[name]:.0f}", *verdict(best[name] / peers[to], most=most)])
    lost = {name: f"{100 * figures[2]:.1f} %" for name, figures in extra.items()}
    return [f"CPU ns an event of the whole process (`up to the ring`: of the worker's thread), 225 B JSON of {TYPES} types, one"
            " warmed-up broker. rsyslog (64 UDP ports, for the sake of their buffers) parses the JSON (mmjsonparse), looks the item's category up in a lookup table of"
            f" {LOOKUP_KEYS:,} keys, renders the event with it and chooses the topic by type; it has no geo, checks no rules and numbers"
            f" nothing. Penstock validates, judges by rules that remove nothing, adds geo and category of 1 M entries each and"
            f" numbers. rsyslog lost {lost['kafka']} on the way to Kafka, {lost['nowhere']} to /dev/null; of its time its receiving"
            f" thread spent {extra['kafka'][1]:.0f} ns a message in the kernel.", "", *table(["what", "ns", "ratio", "wanted", "met"], rows)]
