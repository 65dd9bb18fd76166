#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs penstock-pktgen as a person does and looks at what it leaves behind: program_test.py PKTGEN.
Exit codes, sentences and files; each function named test_* is a test.
"""

import json
import os
import subprocess
import sys
import tempfile

PKTGEN = sys.argv[1]
LIMIT = 300  # seconds: what would not end


def run(*options, **more):
    """Returns the exit code, standard output and standard error."""
    more = {"stdout": subprocess.PIPE, **more}
    done = subprocess.run([PKTGEN, *options], stderr=subprocess.PIPE, timeout=LIMIT, **more)
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


def read_truth(path):
    """The truth, in which no name may come twice."""
    def unique(pairs):
        assert len(dict(pairs)) == len(pairs), f"a name comes twice: {[name for name, _ in pairs]}"
        return dict(pairs)

    with open(path) as file:
        return json.load(file, object_pairs_hook=unique)


def test_a_paced_run_goes_on_after_lost_and_late_datagrams(folder):
    capture, path = os.path.join(folder, "pcap"), os.path.join(folder, "truth")
    for faults in (["--lose", "1"], ["--reorder", "1"], ["--lose", "20", "--reorder", "20", "--reorder-depth", "3"]):
        code, _, told = run("--format", "frame", "--count", "1000", "--rate", "500", *faults, "--pcap", capture, "--truth", path)
        truth = read_truth(path)
        assert code == 0, told
        assert truth["generated"] == 1000, f"{faults}: {truth['generated']} events"


def test_raw_events_are_counted_under_a_type_of_that_name(folder):
    capture, path = os.path.join(folder, "pcap"), os.path.join(folder, "truth")
    for raw_type in ("raw", "click", "heartbeat_of_nobody"):
        code, _, told = run("--format", "mix", "--count", "1000", "--raw-type", raw_type, "--pcap", capture, "--truth", path)
        truth = read_truth(path)
        assert code == 0, told
        assert raw_type in truth["types"]
        assert ("id" in truth["types"][raw_type]) == (raw_type == "click")
        assert sum(entry["events"] for entry in truth["types"].values()) == truth["unique"]["events"]


def test_output_that_cannot_be_written_is_told(_):
    full = os.open("/dev/full", os.O_WRONLY)
    for options in (["--print", "0..0"], ["--print", "0..9999"], ["--list-types"], ["--help"], ["-V"]):
        code, _, told = run(*options, stdout=full)
        assert code == 1 and "cannot write to standard output: No space" in told, f"{options}: {code} {told}"
        code, out, told = run(*options)
        assert code == 0 and out.endswith("\n") and told == "", f"{options}: {code} {told}"
    os.close(full)


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(name, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                test(folder)


main()
