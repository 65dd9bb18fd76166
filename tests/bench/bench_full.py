# SPDX-License-Identifier: Apache-2.0
"""The path with rules, geo and categories: against testpmd, by the number of types and rules, and while generations are swapped."""
import world
from bench_tools import in_turns, per_event, table, testpmd, verdict


def path(bench, pcap, config, *arguments, events=1000000):
    """Runs bench-path; CPU ns of the worker's thread an event that came in, whatever the rules make of it."""
    def run():
        more = ["--config", config] if config else []
        return per_event(bench.measure("bench-path", "--pcap", pcap, "--cpus", bench.cpus[-1], "--pool", 256, "--warm",
                                       bench.count(300000), "--events", bench.count(events), *more, *arguments), "worker_ns")
    return run


def against_testpmd(bench):
    json, frame = bench.capture("json", "mix225"), bench.capture("frame", "mix225")
    configs = {rules: world.configuration(bench, rules) for rules in world.RULES}
    trusted = ("--format", "frame", "--trusted")
    subjects = {
        "json": (path(bench, json, None), "JSON validated, without rules and tables", None),
        "json-tables": (path(bench, json, configs["none"]), "with geo and category", None),
        "json-stays": (path(bench, json, configs["stays"]), "with rules that remove nothing, geo and category", None),
        "json-full": (path(bench, json, configs["realistic"]), "with rules that remove one event in eight, geo and category", 0.11),
        "frame": (path(bench, frame, None, *trusted), "`frame` from trusted senders, without rules and tables", None),
        "frame-tables": (path(bench, frame, configs["none"], *trusted), "with geo and category", None),
        "frame-full": (path(bench, frame, configs["header"], *trusted),
                       "with rules on header members (`@client`, `@age`), geo and category", 0.30),
    }
    seconds = max(0.2, 1.0 * bench.scale)
    best = in_turns(bench, lambda: testpmd(bench, json, seconds), {name: run for name, (run, *_) in subjects.items()})
    rows = [["testpmd rxonly, 225 B", f"{best['baseline']:.1f}", "1.00", "", ""]]
    for name, (_, text, least) in subjects.items():
        rows.append([text, f"{best[name]:.1f}", *verdict(best["baseline"] / best[name], least=least)])
    return ["CPU time of the polling thread on net_pcap (infinite_rx), ns an event that came in; 225 B, one event a datagram, 4,096"
            " distinct ones of 64 types with shuffled members. Rules are those of `tests/e2e/enrich.py` without copies; tables of"
            " 1 M prefixes and 1 M keys know nine in ten of the events' addresses and items. The ratio is of rates, to testpmd on"
            " the JSON frames.", "", *table(["what", "ns", "ratio", "wanted", "met"], rows)]


def by_types(bench):
    def run(types):
        return path(bench, bench.capture("json", "mix225", types=types), world.configuration(bench, types=types))

    bench.say("6, 60 and 600 types")
    best = in_turns(bench, run(6), {"60": run(60), "600": run(600)})
    rows = [["6", f"{best['baseline']:.1f}", "", "", ""],
            ["60", f"{best['60']:.1f}", *verdict(best["60"] / best["baseline"], most=1.15)],
            ["600", f"{best['600']:.1f}", *verdict(best["600"] / best["60"], most=1.15)]]
    return ["The same JSON with rules, geo and category, by the number of types, each with a topic of its own and a member order of its"
            " own; the ratio is to the row above.", "", *table(["types", "ns", "ratio", "wanted", "met"], rows)]


def by_rules(bench):
    pcap = bench.capture("json", "mix225", types=1)

    def run(count):
        return path(bench, pcap, world.configuration(bench, world.shared(count), types=1))

    bench.say("1, 10 and 100 rules on one type")
    best = in_turns(bench, run(1), {"10": run(10), "100": run(100)})
    rows = [["1", f"{best['baseline']:.1f}", "", "", ""],
            ["10", f"{best['10']:.1f}", *verdict(best["10"] / best["baseline"])],
            ["100", f"{best['100']:.1f}", *verdict(best["100"] / best["baseline"], most=1.10)]]
    return ["One type, with so many rules over the members `user`, `price`, `item` and `ua`, with geo and category; the ratio is to"
            " the first row.", "", *table(["rules", "ns", "ratio", "wanted", "met"], rows)]


def by_swaps(bench):
    bench.say("swaps of generations")
    swaps = max(2, int(20 * bench.scale))
    figures = bench.measure("bench-path", "--mode", "swap", "--pcap", bench.capture("json", "mix225"), "--cpus", bench.cpus[-1],
                            "--pool", 256, "--config", world.configuration(bench), "--swaps", swaps)
    texts = {"quiet": "nothing else", "build": "while the next geo table is built on another CPU",
             "sham": "the 300 ms from when it was freed without publication",
             "swap": "the 300 ms from its publication on, in which the former one is freed"}
    rows, quiet = [], figures["quiet"]
    for phase, text in texts.items():
        row = [text, figures[phase]["windows"]]
        for unit in ("per_second", "per_cpu_second"):
            low, median, high = figures[phase][unit]
            row += [f"{median / 1e3:,.0f} ({low / 1e3:,.0f} to {high / 1e3:,.0f})", f"{median / quiet[unit][1]:.3f}"]
        rows.append(row)
    dip, best = (1 - figures["swap"]["per_cpu_second"][i] / figures["sham"]["per_cpu_second"][i] for i in (1, 2))
    return [f"{swaps} swaps of generations with 1 M prefixes and 1 M keys under the same JSON, and as many that were built and not"
            f" published; the longest took {figures['longest_build_s']:.2f} s to build. Events in windows of 20 ms: median and, in"
            f" brackets, 10th to 90th percentile, whose width in the first row is the machine's own noise. A swap against a sham one"
            f" dips throughput by CPU time by {100 * dip:.1f} % of the median, {100 * best:.1f} % of the 90th percentile (wanted: at"
            " most 2 %).", "", *table(["phase", "windows", "k events/s", "to quiet", "k events/CPU s", "to quiet"], rows)]


def run_full(bench):
    return [*against_testpmd(bench), "", *by_types(bench), "", *by_rules(bench), "", *by_swaps(bench)]
