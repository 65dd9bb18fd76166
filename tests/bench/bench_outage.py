# SPDX-License-Identifier: Apache-2.0
"""Kafka away under traffic, beside rsyslog and syslog-ng: runs tests/full/outage_peers.sh and keeps what it found."""
import os
import subprocess

from bench_tools import ROOT, Failure


def run_outage(bench):
    done = subprocess.run([os.path.join(ROOT, "tests/full/outage_peers.sh")], env={**os.environ, "PENSTOCK_BUILD": bench.build},
                          stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode != 0:
        raise Failure("outage_peers.sh failed:\n" + "\n".join(lines[-20:]))
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    return ["What is lost when Kafka is killed under traffic and started again: one event a datagram over a kernel socket of 64 MiB (as"
            " the kernel counts) for each, counted by reading Kafka back; configurations: `tests/full/outage_*.conf`. `disk` is the"
            " reliable disk buffer or the disk-assisted queue of the manual; `expired` the same when the outage outlasts the"
            " client's `message.timeout.ms`, 300 s by default, here 4 s (Penstock's has no such end).", "",
            lines[first - 1] + ".", "", *(line for line in lines if line.startswith("|"))]
