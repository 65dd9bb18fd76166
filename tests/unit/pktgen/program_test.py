#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs penstock-pktgen as a person does and looks at what it leaves behind: program_test.py PKTGEN.
Exit codes, sentences and files; each function named test_* is a test.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time

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


def old_results(folder):
    """Paths of a truth and a list of events that a run before has left, and the options that name them."""
    paths = [os.path.join(folder, name) for name in ("truth", "events")]
    for path in paths:
        with open(path, "w") as file:
            file.write("{}\n")
    return *paths, ["--truth", paths[0], "--truth-events", paths[1]]


def test_a_truth_that_cannot_be_written_is_told_before_anything_is_made(folder):
    capture, missing = os.path.join(folder, "pcap"), os.path.join(folder, "missing", "file")
    for wrong, right in (("--truth", "--truth-events"), ("--truth-events", "--truth")):
        other = os.path.join(folder, "other")
        with open(other, "w") as file:
            file.write("of a run before\n")
        code, _, told = run("--count", "1000", "--pcap", capture, wrong, missing, right, other)
        assert code == 1 and f"cannot write {missing}" in told, f"{wrong}: {code} {told}"
        assert os.listdir(folder) == [], f"{wrong}: {os.listdir(folder)}"


def test_a_run_that_fails_leaves_no_truth_nor_an_older_one(folder):
    for wrong in (["--to", "255.255.255.255"], ["--pcap", os.path.join(folder, "missing", "pcap")]):
        _, _, options = old_results(folder)
        code, _, told = run("--count", "1000", "--progress", *options, *wrong)
        assert code == 1 and "cannot " in told, f"{wrong}: {code} {told}"
        assert "sent" not in told, told
        assert os.listdir(folder) == [], f"{wrong}: {os.listdir(folder)}"


def test_a_run_that_succeeds_or_is_too_short_for_its_faults_leaves_both(folder):
    truth, events, options = old_results(folder)
    for faults, expected in (("2", 0), ("1000", 1)):
        code, _, told = run("--count", "100", "--pcap", os.path.join(folder, "pcap"), "--duplicate", faults, *options)
        assert code == expected, told
        assert read_truth(truth)["generated"] == 100
        with open(events) as file:
            assert len(file.readlines()) == 100
        assert sorted(os.listdir(folder)) == ["events", "pcap", "truth"]


def test_a_truth_is_there_only_when_the_run_has_ended(folder):
    truth, _, options = old_results(folder)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    port = f"json={receiver.getsockname()[1]}"
    running = subprocess.Popen([PKTGEN, "--port", port, "--rate", "100", "--duration", "100000", *options])
    try:
        end = time.monotonic() + LIMIT
        while not os.path.exists(truth + ".new") and time.monotonic() < end:
            time.sleep(0.01)
        assert not os.path.exists(truth)
        running.terminate()
        assert running.wait(LIMIT) == 0
    finally:
        running.kill()
        running.wait()
        receiver.close()
    assert read_truth(truth)["sent"]["events"] == read_truth(truth)["generated"]
    assert sorted(os.listdir(folder)) == ["events", "truth"]


def test_what_is_no_file_is_written_to_and_stays(folder):
    truth, _, _ = old_results(folder)
    link, pipe = os.path.join(folder, "link"), os.path.join(folder, "pipe")
    os.symlink(truth, link)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    code, out, told = run("--count", "10", "--pcap", os.path.join(folder, "pcap"), "--truth", link, "--truth-events", pipe)
    assert code == 0 and out == "", told
    assert os.path.islink(link) and read_truth(truth)["generated"] == 10
    assert len(os.read(reader, 65536).splitlines()) == 10
    code, _, told = run("--count", "10", "--to", "255.255.255.255", "--truth", pipe, "--truth-events", link)
    assert code == 1 and os.path.islink(link) and os.path.exists(pipe), told
    os.close(reader)
    code, out, told = run("--count", "10", "--pcap", os.path.join(folder, "pcap"), "--truth", "-")
    assert code == 0 and json.loads(out)["generated"] == 10, told


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(name, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                test(folder)


main()
