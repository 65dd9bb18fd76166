#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Deletes a topic and, unless told to leave it at that, makes it anew as soon as the cluster takes it, some ten milliseconds later.

Speaks to the broker itself: Kafka's own tools take a second to start, in which every client has seen the topic go.
"""
import argparse
import socket
import struct
import sys
import time

CREATE, DELETE = 19, 20
CREATE_VERSION, DELETE_VERSION = 2, 1
GONE, EXISTS = 3, 36  # UNKNOWN_TOPIC_OR_PARTITION, TOPIC_ALREADY_EXISTS
LIMIT = 20  # seconds


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def ask(broker, key, version, body):
    """The error code of the one topic in the answer."""
    request = struct.pack(">hhi", key, version, 1) + string("remake") + body
    broker.sendall(struct.pack(">i", len(request)) + request)
    answer = b""
    while len(answer) < 4 or len(answer) < 4 + struct.unpack_from(">i", answer)[0]:
        more = broker.recv(65536)
        if not more:
            raise ConnectionError("the broker closed the connection")
        answer += more
    name_length, = struct.unpack_from(">h", answer, 16)  # behind length, correlation, throttle time, count of topics
    return struct.unpack_from(">h", answer, 18 + name_length)[0]


def create(broker, topic, partitions):
    return ask(broker, CREATE, CREATE_VERSION, struct.pack(">i", 1) + string(topic) + struct.pack(">ihiii?", partitions, 1, 0, 0,
               LIMIT * 1000, False))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT")
    parser.add_argument("topic")
    parser.add_argument("partitions", type=int, help="0: it is only deleted")
    args = parser.parse_args()
    host, _, port = args.bootstrap.rpartition(":")
    end = time.monotonic() + LIMIT
    with socket.create_connection((host, int(port)), LIMIT) as broker:
        code = ask(broker, DELETE, DELETE_VERSION, struct.pack(">i", 1) + string(args.topic) + struct.pack(">i", LIMIT * 1000))
        if code not in (0, GONE):
            sys.exit(f"remake: deleting {args.topic}: error {code}")
        while args.partitions:
            code = create(broker, args.topic, args.partitions)
            if code == 0:
                break
            if code != EXISTS or time.monotonic() > end:
                sys.exit(f"remake: making {args.topic}: error {code}")
            time.sleep(0.01)


if __name__ == "__main__":
    main()
