"""Does the work with Twisted.

    /usr/bin/python3 twisted/server.py WORK [flags]
"""

import argparse
import os
import resource
import socket
import sys

from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import defer, reactor, stdio  # noqa: E402
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer  # noqa: E402
from twisted.internet.protocol import ClientFactory, Factory, Protocol  # noqa: E402
from twisted.protocols.basic import NetstringReceiver  # noqa: E402
from zope.interface import implementer  # noqa: E402

PIECE = b"\0" * (64 << 10)
PREFIX = b"cummingsify."


@implementer(IHalfCloseableProtocol)
class Answering:
    """At the peer's end, closes when all is sent: without this, Twisted drops it."""

    def readConnectionLost(self):
        self.transport.loseConnection()

    def writeConnectionLost(self):
        """Our own end: nothing to do."""


class Echo(Answering, Protocol):
    """Sends back what comes; reads no more while that waits to be sent."""

    def connectionMade(self):
        # The transport pauses its reading when its output is full.
        self.transport.registerProducer(self.transport, True)

    def dataReceived(self, data):
        self.transport.write(data)


class Transform(Answering, NetstringReceiver):
    """Answers netstrings."""

    MAX_LENGTH = 1 << 24

    def stringReceived(self, request):
        if not request.startswith(PREFIX):
            self.transport.abortConnection()
            return
        self.sendString(request[len(PREFIX):].lower())


class Once(Transform):
    """Closes after the first answer."""

    done = False

    def stringReceived(self, request):
        if self.done:  # in the same piece as the first
            return
        self.done = True
        super().stringReceived(request)
        self.transport.loseConnection()


class Poem(Protocol):
    """Sends the factory's poem."""

    def connectionMade(self):
        self.transport.write(self.factory.text)
        self.transport.loseConnection()


@implementer(IPushProducer)
class Stream(Protocol):
    """Sends zeros as the client takes them."""

    def connectionMade(self):
        self.left = self.factory.size
        self.paused = False
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self):
        self.paused = True

    def resumeProducing(self):
        self.paused = False
        while self.left > 0 and not self.paused:
            piece = PIECE[:self.left]
            self.left -= len(piece)
            self.transport.write(piece)
        if self.left == 0:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def stopProducing(self):
        self.left = 0
        self.paused = True


class Fetch(Protocol):
    """Collects the origin's poem."""

    def connectionMade(self):
        self.pieces = []

    def dataReceived(self, data):
        self.pieces.append(data)

    def connectionLost(self, reason):
        self.factory.fetched.callback(b"".join(self.pieces))


class FetchFactory(ClientFactory):
    """Fires fetched with the poem."""

    protocol = Fetch
    noisy = False

    def __init__(self):
        self.fetched = defer.Deferred()

    def clientConnectionFailed(self, connector, reason):
        self.fetched.errback(reason)


class Relay(Protocol):
    """Sends what the factory fetches."""

    def connectionMade(self):
        d = self.factory.fetch()
        d.addCallbacks(self.give, lambda failure: self.transport.abortConnection())

    def give(self, text):
        self.transport.write(text)
        self.transport.loseConnection()


class Server(Factory):
    """What the protocols share."""

    noisy = False

    def __init__(self, protocol, options):
        self.protocol = protocol
        self.size = options.stream
        self.origin = options.origin
        self.text = None
        self.waiting = None
        if protocol is Poem:
            line = b"abcdefghijklmnopqrstuvwxyz\n"
            self.text = (line * (options.poem // len(line) + 1))[:options.poem]

    def fetch(self):
        factory = FetchFactory()
        reactor.connectTCP(*self.origin, factory)
        return factory.fetched


class CachingServer(Server):
    """Fetches once."""

    def fetch(self):
        if self.text is not None:
            return defer.succeed(self.text)
        d = defer.Deferred()
        if self.waiting is None:
            self.waiting = []
            super().fetch().addBoth(self.fetched)
        self.waiting.append(d)
        return d

    def fetched(self, result):
        waiting, self.waiting = self.waiting, None
        if isinstance(result, bytes):
            self.text = result
        for d in waiting:
            d.callback(result)  # a failure goes the errbacks' way


class Input(Protocol):
    """Standard input: its end is ours."""

    def connectionLost(self, reason):
        os._exit(0)


WORKS = {
    "echo": (Server, Echo),
    "poem": (Server, Poem),
    "transform": (Server, Transform),
    "once": (Server, Once),
    "stream": (Server, Stream),
    "proxy": (CachingServer, Relay),
    "relay": (Server, Relay),
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


def listen(options, factory):
    """Listens on a socket of our own, for the options that listenTCP lacks.

    What is accepted inherits TCP_NODELAY.
    """
    family = socket.AF_INET6 if ":" in options.addr[0] else socket.AF_INET
    with socket.socket(family) as s:
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.reuseport:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.bind(options.addr)
        s.listen(65535)
        port = reactor.adoptStreamPort(s.fileno(), family, factory)  # a duplicate of it
    a = port.getHost()
    host = f"[{a.host}]" if family == socket.AF_INET6 else a.host
    print(f"listening {host}:{a.port}", flush=True)


def main():
    options = parse(sys.argv[1:])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server, protocol = WORKS[options.work]
    listen(options, server(protocol, options))
    stdio.StandardIO(Input())
    reactor.run(installSignalHandlers=False)


main()
