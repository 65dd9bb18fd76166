#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The house's rules that a program can check: who may include whom, licence lines, sizes, words, and what a poll core must
not call. Prints one line a violation, `file:line: rule`; exit 1 when there is any. Usage: house.py [ROOT]
"""
import os
import re
import subprocess
import sys

LINES_MAX = 500
COLUMNS_MAX = 132  # the formatter keeps code at 120; a comment or a table may go a little beyond

# Folder of a room -> rooms whose headers it may include (its own always). ARCHITECTURE.md has the picture.
ROOMS = {
    "dataplane/base": set(),
    "dataplane/wire": {"dataplane/base"},
    "dataplane/tables": {"dataplane/base", "dataplane/wire"},
    "dataplane/batch": {"dataplane/base"},
    "dataplane/spool": {"dataplane/base", "dataplane/batch"},
    "dataplane/worker": {"dataplane/base", "dataplane/wire", "dataplane/tables", "dataplane/batch", "nic/source.h"},
    "dataplane/kafka": {"dataplane/base"},
    "dataplane/egress": {"dataplane/base", "dataplane/batch", "dataplane/kafka", "dataplane/spool"},
    "nic": {"dataplane/base", "dataplane/wire"},
    "control/api": set(),
    "control/cli": {"control/api", "dataplane/base/terminal.h"},
    "control/daemon": {"control/api", "dataplane/base", "dataplane/wire", "dataplane/tables", "dataplane/batch", "dataplane/worker",
                       "dataplane/spool", "dataplane/egress", "dataplane/kafka", "nic"},
    "control/offline": {"control/api", "control/cli", "control/daemon", "dataplane/base", "dataplane/wire", "dataplane/tables",
                        "dataplane/batch", "dataplane/worker", "dataplane/spool"},
    "tests/pktgen": {"dataplane/base", "dataplane/wire"},
    "tests/e2e": set(),  # these know Penstock from outside
    "tests/unit": None,  # tests see everything
    "tests/fuzz": None,
    "tests/bench": None,
}

# Headers of others -> the only folders that may include them.
FOREIGN = [
    (r"librdkafka/", {"dataplane/kafka", "tests/unit/kafka", "tests/bench"}),
    (r"rte_mbuf|rte_ethdev|rte_ether|rte_ip|rte_ip_frag|rte_mempool|rte_dev|rte_bus", {"nic", "tests/pktgen", "tests/unit/nic", "tests/bench"}),
    (r"rte_eal", {"nic", "tests/pktgen", "tests/unit", "tests/bench"}),
    (r"rte_", {"dataplane", "nic", "tests/pktgen", "tests/unit", "tests/bench", "tests/fuzz"}),
    (r"urcu", {"dataplane", "control/daemon", "tests/unit", "tests/bench"}),
    (r"numa", {"dataplane", "nic", "control/daemon", "tests/unit", "tests/bench"}),
    (r"jansson", {"control", "tests/unit", "tests/fuzz"}),
    (r"yaml", {"control/daemon", "tests/unit/control", "tests/fuzz"}),
    (r"zstd|xxhash", {"dataplane/tables", "tests/unit/tables", "tests/bench"}),
    (r"maxminddb", {"tests/unit/tables"}),
    (r"cmocka", {"tests/unit"}),
    (r"pcap", {"tests/pktgen", "tests/unit", "tests/bench"}),
]

# Rooms whose code runs on poll cores. Functions with one of these words in their name run at start, at the end, in control
# or where a worker may block, and may do what the others must not.
POLL_ROOMS = ("dataplane/wire", "dataplane/tables", "dataplane/batch", "dataplane/worker", "nic")
POLL_EXCEPT = re.compile(r"(^|_)(new|free|open|close|init|fini|start|stop|halt|setup|attach|detach|status|wait|make|load|join|quirks)(_|$)")
POLL_FORBIDDEN = re.compile(r"\b(malloc|calloc|realloc|reallocarray|free|strdup|asprintf|posix_memalign|rte_z?malloc|"
                            r"rte_free|f?printf|puts|fwrite|fopen|log_write|syslog|perror|"
                            r"pthread_mutex_(?:un)?lock|pthread_cond_\w+|pthread_rwlock_\w+|sem_wait|usleep|nanosleep|sleep|sched_yield|"
                            r"clock_gettime|gettimeofday|time|localtime|gmtime|getenv|memory_map|memory_unmap)\s*\(")

# Split, so that this file does not hold them.
WORDS = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK", "WI" "P")) + r")\b|/wor" r"k/(?:main|wt|shared)|/tm" r"p/spikes")

SKIPPED = re.compile(r"^(\.git|\.cache|build.*|run|subprojects|__pycache__|corpus|golden)$")
NEEDS_LICENCE = re.compile(r"(\.(c|h|py|sh|build|yaml|yml|xml|service|properties|in)|meson_options\.txt|meson\.build)$")
TEXT = re.compile(r"(\.(c|h|py|sh|build|txt|md|yaml|yml|xml|scd|in|service|properties|sample)|/[a-z0-9_-]+)$")


def read_tree(root):
    """Path -> text of every file that people write."""
    tree = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not SKIPPED.match(name))
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), root)
            if not TEXT.search("/" + path):
                continue
            try:
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    tree[path] = file.read()
            except UnicodeDecodeError:
                tree[path] = None
    return tree


def inside(path, folder):
    return path == folder or path.startswith(folder + "/")


def room_of(path):
    return max((room for room in ROOMS if inside(path, room)), key=len, default=None)


def resolve(tree, path, name):
    """Where an #include "..." leads, as the compiler looks: beside the file, then the include directories."""
    for folder in (os.path.dirname(path), "", "dataplane", "nic", "control", "tests"):
        found = os.path.normpath(os.path.join(folder, name))
        if found in tree:
            return found
    return None


def check_own_include(tree, path, room, name):
    target = resolve(tree, path, name)
    if target is None:  # made by the build
        return None
    other = room_of(target)
    allowed = ROOMS[room]
    if allowed is None or other == room or other in allowed or target in allowed:
        return None
    return f"{room} must not include {target}"


def check_foreign_include(path, name):
    for pattern, folders in FOREIGN:
        if re.match(pattern, name):
            if not any(inside(path, folder) for folder in folders):
                return f"only {', '.join(sorted(folders))} may include <{name}>"
            return None
    return None


def check_includes(tree, path, lines):
    room = room_of(path)
    if room is None:
        yield 1, "a source file outside the rooms of the house"
        return
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
        if not found:
            continue
        own, name = found.group(1) == '"', found.group(2)
        problem = check_own_include(tree, path, room, name) if own else check_foreign_include(path, name)
        if problem:
            yield number, problem


def code_of(text):
    """C without comments and the contents of strings, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0)) if match.group(0)[0] == "/" else '""'
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


# Tables are built in control, for seconds and with all that it takes; what poll cores call of them has one of these words.
TABLES_ONLY = re.compile(r"(^|_)(find|judge|sampled|fragment|prefetch|key_text|key_number)(_|$)")


def runs_on_poll_cores(path, function):
    if inside(path, "dataplane/tables"):
        return TABLES_ONLY.search(function)
    return not POLL_EXCEPT.search(function)


def check_poll_path(path, text):
    if not path.endswith(".c") or not any(inside(path, room) for room in POLL_ROOMS):
        return
    function = ""
    for number, line in enumerate(code_of(text).splitlines(), 1):
        begins = re.match(r"[A-Za-z_][^;={]*?\b(\w+)\([^;]*$", line)
        if begins:
            function = begins.group(1)
        if not runs_on_poll_cores(path, function):
            continue
        found = POLL_FORBIDDEN.search(line)
        if found:
            yield number, f"{function or 'this'} must not call {found.group(1)}: poll cores run it"


def check_shape(path, text, lines):
    script = bool(lines) and lines[0].startswith("#!")
    if (NEEDS_LICENCE.search(path) or script) and not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
        yield 1, "no SPDX-License-Identifier: Apache-2.0 in the first three lines"
    if path.endswith((".c", ".h", ".py", ".sh")) or script:
        if len(lines) > LINES_MAX:
            yield LINES_MAX, f"{len(lines)} lines: a file has at most {LINES_MAX}"
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > COLUMNS_MAX and '"' not in line:  # text that people search for is not broken
                yield number, f"longer than {COLUMNS_MAX} columns"
            if line != line.rstrip():
                yield number, "white space at the end of the line"
    if path.endswith(".h") and "#pragma once" not in text:
        yield 1, "a header without #pragma once"
    if script and "bash" in lines[0] and "set -euo pipefail" not in text and "/_init.sh" not in text:
        yield 1, "a bash script without set -euo pipefail"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end"


def check(tree):
    """Every violation, as (path, line, rule)."""
    for path, text in tree.items():
        if text is None:
            yield path, 1, "not UTF-8"
            continue
        lines = text.splitlines()
        for number, problem in check_shape(path, text, lines):
            yield path, number, problem
        for number, line in enumerate(lines, 1):
            found = WORDS.search(line)
            if found:
                yield path, number, f"the word {found.group(0)} is for drafts"
        if path.endswith((".c", ".h")):
            for number, problem in check_includes(tree, path, lines):
                yield path, number, problem
            for number, problem in check_poll_path(path, text):
                yield path, number, problem


def check_syntax(root, tree):
    """Scripts that their interpreter would not even read."""
    for path, text in tree.items():
        if text and re.match(r"#!.*bash", text) or path.endswith(".sh"):
            done = subprocess.run(["bash", "-n", os.path.join(root, path)], capture_output=True, text=True, check=False)
            if done.returncode:
                yield path, 1, done.stderr.strip()
        elif path.endswith(".py"):
            try:
                compile(text, path, "exec")
            except SyntaxError as error:
                yield path, error.lineno or 1, error.msg


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    root = os.path.normpath(root)
    tree = read_tree(root)
    problems = list(check(tree)) + list(check_syntax(root, tree))
    for path, number, problem in problems:
        print(f"{path}:{number}: {problem}")
    print(f"house: {len(tree)} files, {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
