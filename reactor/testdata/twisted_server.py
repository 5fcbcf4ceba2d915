"""A Twisted server for skein's interop tests: twisted_server.py ACT [POEM]

It prints the number of its port, serves one connection, prints the name of the
reason for which that was lost, and ends.

serve   sends the file POEM and closes.
answer  does so when the client has closed its write side.
abort   sends a few bytes, and aborts when the client has answered.
wait    sends a few bytes and waits for the client to end the connection.
"""

import sys

from zope.interface import implementer

from twisted.internet import interfaces, protocol, reactor


class Server(protocol.Protocol):
    act = sys.argv[1]

    def connectionMade(self):
        if self.act == "serve":
            self.send()
        elif self.act != "answer":
            self.transport.write(b"hello")

    def dataReceived(self, data):
        if self.act == "abort":
            self.transport.abortConnection()

    def send(self):
        with open(sys.argv[2], "rb") as poem:
            self.transport.write(poem.read())
        self.transport.loseConnection()

    def connectionLost(self, reason):
        print(reason.type.__name__, flush=True)
        reactor.stop()


@implementer(interfaces.IHalfCloseableProtocol)
class Answerer(Server):
    def readConnectionLost(self):
        self.send()

    def writeConnectionLost(self):
        pass


factory = protocol.Factory.forProtocol(Answerer if Server.act == "answer" else Server)
port = reactor.listenTCP(0, factory, interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
