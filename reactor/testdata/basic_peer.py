"""A Twisted peer for skein's interop tests of the receivers:

    basic_peer.py RECEIVER client PORT ACT
    basic_peer.py RECEIVER server ACT

RECEIVER is netstring, line or int32. A server prints the number of its port
and serves one connection. At the end, each writes the strings that it has got
to standard output, as netstrings, and the name of the reason for which the
connection was lost to standard error.

echo       sends each string back.
say=1,2,3  sends strings of these lengths at once, and closes when so many have
           come back.
raw=HEX    sends these bytes, and waits for the peer to close.
"""

import sys

from twisted.internet import protocol, reactor
from twisted.protocols import basic

receiver, role = sys.argv[1:3]
act, _, value = sys.argv[-1].partition("=")


def string(n):
    """The string of n bytes; no two bytes of it are a line's end."""
    return bytes((i * 31 + n) % 251 for i in range(n))


class Talk:
    def connectionMade(self):
        self.got, self.due = [], 0
        if act == "say":
            sizes = [int(n) for n in value.split(",")]
            self.due = len(sizes)
            for n in sizes:
                self.send(string(n))
        elif act == "raw":
            self.transport.write(bytes.fromhex(value))

    def stringReceived(self, s):
        self.got.append(s)
        if act == "echo":
            self.send(s)
        elif len(self.got) == self.due:
            self.transport.loseConnection()

    def connectionLost(self, reason):
        for s in self.got:
            sys.stdout.buffer.write(b"%d:%s," % (len(s), s))
        print(reason.type.__name__, file=sys.stderr)
        reactor.stop()


class Netstring(Talk, basic.NetstringReceiver):
    def send(self, s):
        self.sendString(s)


class Int32(Talk, basic.Int32StringReceiver):
    def send(self, s):
        self.sendString(s)


class Line(Talk, basic.LineReceiver):
    def send(self, s):
        self.sendLine(s)

    def lineReceived(self, line):
        self.stringReceived(line)


peer = {"netstring": Netstring, "int32": Int32, "line": Line}[receiver]
if role == "server":
    port = reactor.listenTCP(0, protocol.Factory.forProtocol(peer), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
else:
    reactor.connectTCP("127.0.0.1", int(sys.argv[3]), protocol.ClientFactory.forProtocol(peer))
reactor.run()
