# SPDX-License-Identifier: Apache-2.0
"""What outage_peers.sh asks of the kernel and of Kafka.

  outage_tools.py buffer PID PORT BYTES           gives a process's sockets of the UDP port so large a buffer; prints what they have
  outage_tools.py drops PORT                      datagrams that the kernel dropped before the sockets of the port were read
  outage_tools.py held BOOTSTRAP TOPIC            records that the topic holds
  outage_tools.py count BOOTSTRAP TOPIC FIRST N   of the events FIRST to FIRST + N - 1: "missing repeated", as the topic has them
"""
import ctypes
import json
import os
import re
import socket
import subprocess
import sys

SO_RCVBUFFORCE = 33
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438
EID = re.compile(rb'"eid": ?([0-9]+)')


def sockets_of(port):
    """Inode -> datagrams dropped."""
    found = {}
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with open(table, encoding="utf-8") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port:
                    found[int(fields[9])] = int(fields[12])
    return found


def buffer(pid, port, size):
    """rmem_max binds a program that has no right to pass it by; so the buffer is set from outside, for all alike."""
    libc = ctypes.CDLL(None, use_errno=True)
    wanted, granted = {f"socket:[{inode}]" for inode in sockets_of(port)}, []
    handle = libc.syscall(SYS_PIDFD_OPEN, pid, 0)
    for name in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{name}") not in wanted:
            continue
        fd = libc.syscall(SYS_PIDFD_GETFD, handle, int(name), 0)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        with socket.socket(fileno=fd) as theirs:
            theirs.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
            granted.append(theirs.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
    if not granted:
        raise SystemExit(f"process {pid} has no socket on UDP port {port}")
    print(min(granted))


def partitions(bootstrap, topic):
    out = subprocess.run(["kcat", "-q", "-b", bootstrap, "-L", "-J", "-t", topic, "-m", "10"], check=True, capture_output=True).stdout
    return [str(p["partition"]) for t in json.loads(out)["topics"] for p in t["partitions"]]


def held(bootstrap, topic):
    total = 0
    for partition in partitions(bootstrap, topic):
        out = subprocess.run(["kcat", "-q", "-b", bootstrap, "-Q", "-t", f"{topic}:{partition}:-1", "-m", "10"], check=True,
                             capture_output=True, text=True).stdout
        total += int(out.split()[-1])
    print(total)


def count(bootstrap, topic, first, number):
    seen = bytearray(number)
    out = subprocess.run(["kcat", "-q", "-b", bootstrap, "-C", "-t", topic, "-o", "beginning", "-e"], check=True,
                         capture_output=True).stdout
    for found in EID.finditer(out):
        at = int(found.group(1)) - first
        if 0 <= at < number:
            seen[at] = min(seen[at] + 1, 255)
    print(seen.count(0), sum(times - 1 for times in seen if times > 1))


def main():
    verb, *rest = sys.argv[1:]
    if verb == "drops":
        print(sum(sockets_of(int(rest[0])).values()))
    elif verb == "buffer":
        buffer(*map(int, rest))
    elif verb == "held":
        held(*rest)
    else:
        count(*rest[:2], *map(int, rest[2:]))


if __name__ == "__main__":
    main()
