#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A proxy between a Kafka client and one broker, whose network can be made to fail.

It knows Kafka's frames: a length, then a request with its number and kind, or an answer with the number of its request.
Modes, which `ask` sets; each is in force when `ask` returns:
  pass      everything goes through
  silent    nothing does: connections are accepted, kept, and neither read nor written; later they go on where they were, so that
            requests reach the broker late, long after the client has asked again
  vanish    as silent, for ever, for the connections that are open now; then pass
  swallow   requests reach the broker, its answers to Produce are thrown away and the connection is cut soon after
  slow      answers come 500 ms late; requests go at --bandwidth
  refuse    all connections are cut and new ones too, at once
"""
import argparse
import asyncio
import json
import os
import signal
import struct
import sys

PRODUCE = 0
CUT_AFTER = 0.05  # seconds after the first answer of a connection was thrown away: other requests are on their way then
DELAY = 0.5
BLOCK = 16384
MODES = ("pass", "silent", "vanish", "swallow", "slow", "refuse")


async def read_frame(reader):
    head = await reader.readexactly(4)
    return head + await reader.readexactly(struct.unpack(">i", head)[0])


class Connection:
    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.broker_writer = None
        self.kinds = {}  # of requests that wait for their answer, by number
        self.vanished = self.cutting = False

    async def allowed(self):
        if self.vanished or self.proxy.mode == "silent":
            self.proxy.counts["held"] += 1
        while self.vanished or self.proxy.mode == "silent":
            await self.proxy.changed()

    def cut(self):
        for writer in (self.writer, self.broker_writer):
            if writer is not None:
                writer.transport.abort()
        self.proxy.counts["cut"] += 1

    async def requests(self):
        while True:
            frame = await read_frame(self.reader)
            await self.allowed()
            kind, _, number = struct.unpack_from(">hhi", frame, 4)
            self.kinds[number] = kind
            self.proxy.counts["requests"] += 1
            for at in range(0, len(frame), BLOCK):
                if self.proxy.mode == "slow":
                    await asyncio.sleep(min(BLOCK, len(frame)) / self.proxy.bandwidth)
                self.broker_writer.write(frame[at:at + BLOCK])
                await self.broker_writer.drain()

    async def answers(self, broker, queue):
        loop = asyncio.get_running_loop()
        while True:
            frame = await read_frame(broker)
            kind = self.kinds.pop(struct.unpack_from(">i", frame, 4)[0], None)
            if self.proxy.mode == "swallow" and kind == PRODUCE:
                self.proxy.counts["swallowed"] += 1
                if not self.cutting:
                    self.cutting = True
                    loop.call_later(CUT_AFTER, self.cut)
            elif not self.cutting:
                queue.put_nowait((loop.time() + (DELAY if self.proxy.mode == "slow" else 0), frame))

    async def deliver(self, queue):
        loop = asyncio.get_running_loop()
        while True:
            due, frame = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            await self.allowed()
            self.proxy.counts["answers"] += 1
            self.writer.write(frame)
            await self.writer.drain()

    async def run(self):
        await self.allowed()
        broker, self.broker_writer = await asyncio.open_connection("127.0.0.1", self.proxy.to)
        queue = asyncio.Queue()
        ways = [asyncio.create_task(way) for way in (self.requests(), self.answers(broker, queue), self.deliver(queue))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for result in await asyncio.gather(*ways, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, (OSError, EOFError)):
                    raise result


class Proxy:
    def __init__(self, to, bandwidth):
        self.to, self.bandwidth = to, bandwidth
        self.mode = "pass"
        self.connections = set()
        self.counts = dict.fromkeys(("connections", "requests", "answers", "held", "swallowed", "cut"), 0)
        self.waiters = []

    async def changed(self):
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        await waiter

    async def serve(self, reader, writer):
        self.counts["connections"] += 1
        connection = Connection(self, reader, writer)
        if self.mode == "refuse":
            connection.cut()
            return
        self.connections.add(connection)
        try:
            await connection.run()
        except OSError:
            pass  # the broker is away
        finally:
            self.connections.discard(connection)
            for end in (writer, connection.broker_writer):
                if end is not None:
                    end.close()

    def set_mode(self, mode):
        self.mode = "pass" if mode == "vanish" else mode
        for connection in list(self.connections):
            if mode == "vanish":
                connection.vanished = True
            elif mode == "refuse":
                connection.cut()
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def control(self, reader, writer):
        mode = (await reader.readline()).decode().strip()
        if mode in MODES:
            self.set_mode(mode)
        writer.write(json.dumps(dict(self.counts, mode=self.mode)).encode() + b"\n")
        await writer.drain()
        writer.close()


async def serve(args):
    proxy = Proxy(args.to, args.bandwidth)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", args.listen)
    await asyncio.start_unix_server(proxy.control, args.control)
    await stop.wait()
    server.close()


async def ask(args):
    reader, writer = await asyncio.open_unix_connection(args.control)
    writer.write(args.mode.encode() + b"\n")
    print((await reader.readline()).decode().strip())
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("serve", help="run until SIGTERM")
    run.add_argument("--listen", type=int, required=True, metavar="PORT", help="where the client connects to")
    run.add_argument("--to", type=int, required=True, metavar="PORT", help="the broker")
    run.add_argument("--bandwidth", type=int, default=1 << 20, help="bytes a second in mode slow (default: %(default)s)")
    put = commands.add_parser("ask", help="set a mode; prints counts as JSON")
    put.add_argument("mode", choices=MODES + ("counts",))
    for command in (run, put):
        command.add_argument("--control", required=True, metavar="SOCKET")
    args = parser.parse_args()
    if args.command == "serve" and os.path.exists(args.control):
        os.unlink(args.control)
    asyncio.run(serve(args) if args.command == "serve" else ask(args))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"proxy: {error}")
