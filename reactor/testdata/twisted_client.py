"""A Twisted client for skein's interop tests: twisted_client.py PORT ACT

It writes what it gets to standard output and, at the end, the name of the
reason for which its connection was lost to standard error.

fetch      asks and reads to the end.
halfclose  asks, closes its write side and reads to the end.
abort      asks, and aborts the connection when the first bytes have come.
"""

import sys

from twisted.internet import protocol, reactor


class Client(protocol.Protocol):
    act = sys.argv[2]

    def connectionMade(self):
        self.transport.write(b"please")
        if self.act == "halfclose":
            self.transport.loseWriteConnection()

    def dataReceived(self, data):
        sys.stdout.buffer.write(data)
        if self.act == "abort":
            self.transport.abortConnection()


class Factory(protocol.ClientFactory):
    protocol = Client

    def clientConnectionFailed(self, connector, reason):
        print(reason.type.__name__, file=sys.stderr)
        reactor.stop()

    def clientConnectionLost(self, connector, reason):
        print(reason.type.__name__, file=sys.stderr)
        reactor.stop()


reactor.connectTCP("127.0.0.1", int(sys.argv[1]), Factory())
reactor.run()
