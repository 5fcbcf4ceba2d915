"""Does the work with asyncio protocols on uvloop.

    /usr/bin/python3 uvloop/server.py WORK [flags]
"""

import argparse
import asyncio
import os
import resource
import sys

import uvloop

PIECE = b"\0" * (64 << 10)  # real memory, not calloc's
PREFIX = b"cummingsify."
LARGEST_REQUEST = 1 << 24


class Echo(asyncio.Protocol):
    """Sends back what comes; reads no more while that waits to be sent."""

    def __init__(self, server):
        self.server = server

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


class Transform(Echo):
    """Answers netstrings."""

    kept = b""

    def data_received(self, data):
        if self.kept:
            data = self.kept + data
        answers, used = [], 0
        while True:
            colon = data.find(b":", used, used + 9)
            if colon < 0:
                if len(data) - used > 9:
                    self.transport.abort()
                    return
                break
            digits = data[used:colon]
            if not digits.isdigit() or int(digits) > LARGEST_REQUEST:
                self.transport.abort()
                return
            end = colon + 1 + int(digits)
            if end >= len(data):
                break
            if data[end] != 44 or not data.startswith(PREFIX, colon + 1, end):
                self.transport.abort()
                return
            text = data[colon + 1 + len(PREFIX):end].lower()
            answers.append(b"%d:%b," % (len(text), text))
            used = end + 1
        self.kept = data[used:]
        if answers:
            self.answer(answers)

    def answer(self, answers):
        self.transport.write(b"".join(answers))


class Once(Transform):
    """Closes after the first answer."""

    done = False

    def data_received(self, data):
        if not self.done:  # read all the same: unread input would turn the close into a reset
            super().data_received(data)

    def answer(self, answers):
        self.done = True
        self.transport.write(answers[0])
        self.transport.write_eof()  # asyncio closes at the peer's end


class Poem(asyncio.Protocol):
    """Sends the server's poem."""

    def __init__(self, server):
        self.server = server

    def connection_made(self, transport):
        transport.write(self.server.text)
        transport.close()


class Stream(asyncio.Protocol):
    """Sends zeros as the client takes them."""

    def __init__(self, server):
        self.loop = server.loop
        self.left = server.options.stream
        self.paused = False

    def connection_made(self, transport):
        self.transport = transport
        self.produce()

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        # Not at once: what is written in this callback, uvloop may keep until
        # something else happens on its loop, and the last piece for ever.
        self.paused = False
        self.loop.call_soon(self.produce)

    def produce(self):
        while self.left > 0 and not self.paused:
            size = min(self.left, len(PIECE))
            self.left -= size
            self.transport.write(PIECE if size == len(PIECE) else PIECE[:size])
        if self.left == 0:
            self.transport.close()

    def connection_lost(self, exc):
        self.left = -1


class Fetch(asyncio.Protocol):
    """Collects the origin's poem."""

    def __init__(self, fetched):
        self.fetched = fetched
        self.pieces = []

    def data_received(self, data):
        self.pieces.append(data)

    def connection_lost(self, exc):
        if exc is None:
            self.fetched.set_result(b"".join(self.pieces))
        else:
            self.fetched.set_exception(exc)


class Relay(asyncio.Protocol):
    """Sends what is fetched for this client."""

    def __init__(self, server):
        self.server = server

    def connection_made(self, transport):
        self.transport = transport
        task = self.server.loop.create_task(self.server.fetch())
        task.add_done_callback(self.give)

    def give(self, done):
        if done.exception() is not None:
            self.transport.abort()
            return
        self.transport.write(done.result())
        self.transport.close()


class Proxy(Relay):
    """Sends what was fetched once."""

    def connection_made(self, transport):
        self.transport = transport
        server = self.server
        if server.text is not None:
            transport.write(server.text)
            transport.close()
            return
        if server.fetching is None:
            server.fetching = server.loop.create_task(server.fetch())
            server.fetching.add_done_callback(server.keep)
        server.fetching.add_done_callback(self.give)


class Server:
    """What the protocols share."""

    def __init__(self, options, loop):
        self.options = options
        self.loop = loop
        self.text = None
        self.fetching = None
        if options.work == "poem":
            line = b"abcdefghijklmnopqrstuvwxyz\n"
            self.text = (line * (options.poem // len(line) + 1))[:options.poem]

    async def fetch(self):
        fetched = self.loop.create_future()
        await self.loop.create_connection(lambda: Fetch(fetched), *self.options.origin)
        return await fetched

    def keep(self, done):
        self.fetching = None
        if done.exception() is None:
            self.text = done.result()


WORKS = {
    "echo": Echo,
    "poem": Poem,
    "transform": Transform,
    "once": Once,
    "stream": Stream,
    "proxy": Proxy,
    "relay": Relay,
}


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def parse(args):
    p = argparse.ArgumentParser()
    p.add_argument("work")
    p.add_argument("-addr", type=address, default=("127.0.0.1", 0))
    p.add_argument("-poem", type=int, default=3072)
    p.add_argument("-stream", type=int, default=1 << 30)
    p.add_argument("-origin", type=address)
    p.add_argument("-reuseport", action="store_true")
    options = p.parse_args(args)
    if options.work not in WORKS:
        print("unknown work:", options.work, file=sys.stderr)
        sys.exit(2)
    if options.work in ("proxy", "relay") and options.origin is None:
        print("no -origin:", options.work, file=sys.stderr)
        sys.exit(2)
    return options


def watch_input(loop):
    """Ends the process when standard input ends."""

    def readable():
        if not os.read(0, 4096):
            os._exit(0)

    loop.add_reader(0, readable)


async def main(options):
    loop = asyncio.get_running_loop()
    shared, protocol = Server(options, loop), WORKS[options.work]
    # asyncio sets TCP_NODELAY on all its connections.
    server = await loop.create_server(
        lambda: protocol(shared), *options.addr, backlog=65535, reuse_port=options.reuseport or None)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"listening [{host}]:{port}" if ":" in host else f"listening {host}:{port}", flush=True)
    watch_input(loop)
    await server.serve_forever()


if __name__ == "__main__":
    chosen = parse(sys.argv[1:])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    uvloop.install()
    asyncio.run(main(chosen))
