# SPDX-License-Identifier: Apache-2.0
"""What the full path works with: configurations with rules for the generator's types, and geo and category tables that fit the
events of a capture."""
import os
import random
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import enrich  # noqa: E402: the realistic rules of the end-to-end test

COUNTRIES = [chr(a) + chr(b) for a in range(ord("A"), ord("Z")) for b in range(ord("A"), ord("K"))]
KNOWN = 0.9  # of the capture's addresses and items are in the tables
NETWORKS = ("20.0.0.0/8", "104.64.0.0/10", "2600::/12", "176.249.244.0/24", "45.0.0.0/12", "91.64.0.0/11")


# --- rules -----------------------------------------------------------------------------------------------------------

def realistic(index, stays=False):
    """The end-to-end test's rules without their copies; with `stays` they decide on the same events and remove none."""
    lines = []
    require = enrich.REQUIRE.get(index % enrich.PLACES)
    if require:
        lines.append("    require: {" + ", ".join(f'{member}: "{kinds}"' for member, (kinds, _) in require.items()) + "}")
    rules = enrich.RULES.get(index % enrich.PLACES)
    if rules:
        lines.append("    rules:")
    for name, condition, action, _ in rules or []:
        action = {"then": "keep"} if stays else {key: value for key, value in action.items() if key != "copy"}
        lines.append(f"      - {{name: {name}" + (f", if: '{condition}'" if condition else "")
                     + "".join(f", {key}: {value}" for key, value in action.items()) + "}")
    return lines


def header_only(_index):
    """Rules that need no more of an event than a frame's header says."""
    return ["    rules:", "      - {name: stale, if: '@age > 2h', then: drop}",
            "      - {name: ours, if: '@client in [%s]', then: keep}" % ", ".join(NETWORKS),
            "      - {name: test, if: '@client in [192.0.2.0/24, 198.51.100.0/24, 2001:db8::/32]', then: drop}"]


def shared(count):
    """So many rules on one type, each over the same four members, that remove next to nothing."""
    def rules(_index):
        lines = ["    rules:"]
        for i in range(count):
            condition = (f'user == "u{i * 7919 + 3000000}" and price > {i} or item in {i * 1000 + 900000000}..{i * 1000 + 900000500}'
                         f' and ua starts with "agent-{i}/"')
            lines.append(f"      - {{name: r{i}, if: '{condition}', then: drop}}")
        return lines
    rules.__name__ = f"shared-{count}"
    return rules


RULES = {"realistic": realistic, "stays": lambda index: realistic(index, stays=True), "header": header_only, "none": lambda _: []}


# --- tables ----------------------------------------------------------------------------------------------------------

def members(pcap, name):
    """The values of a member in a capture of JSON events, each once."""
    with open(pcap, "rb") as file:
        found = re.findall(rb'"%s": ?"?([0-9a-fA-F.:]+)' % name.encode(), file.read())
    return sorted({value.decode() for value in found})


def network_of(address):
    """The prefix that a table has for an address: /24, or /48."""
    import ipaddress
    return str(ipaddress.ip_network(f"{address}/{48 if ':' in address else 24}", strict=False))


def random_prefixes(rng, count):
    """Seven in ten of IPv4; lengths as the Internet's."""
    for _ in range(count):
        bits = rng.getrandbits(56)
        if bits % 10 < 7:
            length = (24, 24, 24, 24, 24, 23, 22, 22, 21, 20, 19, 16, 26, 28, 24, 24)[bits >> 4 & 15]
            address = (0x01000000 + (bits >> 24) * 0xDF % 0xDF000000) & 0xFFFFFFFF << 32 - length
            yield "%d.%d.%d.%d/%d" % (address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255, length)
        else:
            block = (0x2400, 0x2600, 0x2800, 0x2a00)[bits >> 4 & 3]
            yield "%x:%x:%x::/48" % (block, bits >> 8 & 0xFFFF, bits >> 24 & 0xFFFF)


def geo_table(bench, pcap, prefixes):
    path = f"{pcap}-{prefixes}.mmdb"
    if not os.path.exists(path):
        rng = random.Random(11)
        known = [network_of(address) for address in members(pcap, "ip") if rng.random() < KNOWN]
        lines = [f"{prefix} {rng.choice(COUNTRIES)} - -" for prefix in random_prefixes(rng, max(0, prefixes - len(known)))]
        lines += [f"{prefix} {rng.choice(COUNTRIES)} - -" for prefix in known]
        subprocess.run([bench.program("tests/unit/tables/geo-make"), path, "6", "28", "aliases"], input="\n".join(lines) + "\n",
                       text=True, check=True)
    return path


def category_table(bench, pcap, keys):
    path = f"{pcap}-{keys}.tsv"
    if not os.path.exists(path):
        rng = random.Random(12)
        known = [item for item in members(pcap, "item") if rng.random() < KNOWN]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{item}\tcategory {i % 300}\n" for i, item in enumerate(known))
            file.writelines(f"{(1 << 41) + i * 7919}\tcategory {i % 300}\n" for i in range(max(0, keys - len(known))))
    return path


# --- configurations --------------------------------------------------------------------------------------------------

def type_names(bench, types):
    listed = subprocess.run([bench.program("tests/pktgen/penstock-pktgen"), "--list-types", "--types", str(types)],
                            check=True, capture_output=True, text=True).stdout
    return [line.split()[1] for line in listed.splitlines()]


def configuration(bench, rules="realistic", types=64, prefixes=1000000, keys=1000000):
    """A configuration file for bench-path --config: rules (a name of RULES, or a function of a type's place), tables of so many
    prefixes and keys (0: none) that know most of what the generator's events of `types` types have."""
    pcap = bench.capture("json", "mix225", types=types)
    label = rules if isinstance(rules, str) else rules.__name__
    path = os.path.join(bench.folder, f"{label}-{types}-{prefixes}-{keys}.yaml")
    rules = RULES[rules] if isinstance(rules, str) else rules
    lines = ["node: dc1a", "ports: [{name: bench, device: net_null0}]", "kafka: {properties: {bootstrap.servers: \"none:1\"}}",
             "topics: {template: \"bench-{type}\", quarantine: bench-quarantine}", "memory: {pool: 256MiB}"]
    if prefixes:
        lines.append(f"geo: {{files: [{geo_table(bench, pcap, prefixes)}]}}")
    if keys:
        lines.append(f"category: {{file: {category_table(bench, pcap, keys)}}}")
    lines.append("types:")
    for index, name in enumerate(type_names(bench, types)):
        lines += [f"  {name}:", f"    id: {index + 1}", *rules(index)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path
