//go:build linux || darwin || freebsd

package conformance

import (
	"bytes"

	"skein/protocol"
)

// writing is what becomes of written bytes.
var writing = []test{
	{name: "writes of all kinds arrive in order", f: writeInOrder},
	{name: "Write keeps no reference", f: writeCopies},
	{name: "empty writes do nothing", f: writeNothing},
	{name: "nothing is sent before the callback returns", f: writeLater},
	{name: "many bytes arrive as they are", f: writeMuch},
	{name: "one shared slice reaches many readers", f: writeShared},
	{name: "Buffered tells what waits", f: writeBuffered},
	{name: "both ends write at once", f: writeBothWays},
	{name: "it is too late after LoseConnection", f: func(s *scene) { writeTooLate(s, protocol.Transport.LoseConnection) }},
	{name: "it is too late after AbortConnection", f: func(s *scene) { writeTooLate(s, protocol.Transport.AbortConnection) }},
	{name: "it is too late after LoseWriteConnection", f: writeAfterHalf},
	{name: "it is too late in ConnectionLost", f: writeInLost},
	{name: "it is too late when the peer has closed", f: writeToNobody},
}

func writeInOrder(s *scene) {
	server, client := s.pair()
	client.write("a")
	s.check("WriteSequence", client.Transport.WriteSequence([][]byte{[]byte("b"), nil, []byte("cd")}) == nil)
	s.check("WriteShared", client.Transport.WriteShared([]byte("e")) == nil)
	client.write("f")
	s.turns(2)
	client.write("g")
	s.check("WriteShared", client.Transport.WriteShared([]byte("h")) == nil)
	server.got([]byte("abcdefgh"))
}

func writeCopies(s *scene) {
	server, client := s.pair()
	one, two := []byte("one"), []byte("two")
	_, _ = client.Transport.Write(one)
	_ = client.Transport.WriteSequence([][]byte{two})
	copy(one, "###")
	copy(two, "###")
	server.got([]byte("onetwo"))
}

func writeNothing(s *scene) {
	server, client := s.pair()
	client.write("")
	_, err := client.Transport.Write(nil)
	s.check("Write(nil)", err == nil)
	s.check("WriteSequence(nil)", client.Transport.WriteSequence(nil) == nil)
	s.check("WriteSequence of nothing", client.Transport.WriteSequence([][]byte{nil, {}}) == nil)
	s.check("WriteShared(nil)", client.Transport.WriteShared(nil) == nil)
	equal(s, "buffered", client.Transport.Buffered(), 0)
	client.write("x")
	server.got([]byte("x"))
}

// writeLater looks for bytes that have left before the callback has returned:
// in a callback of the connection, in one of its peer, and in a posted call.
func writeLater(s *scene) {
	server, client := s.pair()
	held := func() {
		before, sent := server.Transport.Buffered(), s.r.Stats().BytesWritten
		server.write("12345")
		if server.Transport.Buffered() != before+5 || s.r.Stats().BytesWritten != sent {
			s.t.Error("a write was sent before its callback returned")
		}
	}
	held()
	server.OnData = func([]byte) { held(); held() }
	client.OnData = func([]byte) { client.OnData = nil; held() }
	client.write("x")
	client.got(bytes.Repeat([]byte("12345"), 4))
}

func writeMuch(s *scene) {
	server, client := s.pair()
	want := pattern(3<<20 + 17)
	for sent, size := 0, 1; sent < len(want); size = size*3%100003 + 1 {
		piece := want[sent:min(sent+size, len(want))]
		client.write(string(piece))
		sent += len(piece)
	}
	server.got(want)
	equal(s, "buffered at the end", client.Transport.Buffered(), 0)
}

func writeShared(s *scene) {
	const readers = 5
	poem := pattern(1 << 20)
	var ends [readers]*end
	for i := range ends {
		server, client := s.pair()
		ends[i] = client
		s.check("WriteShared", server.Transport.WriteShared(poem) == nil)
		server.write("fin")
	}
	for _, e := range ends {
		e.got(append(bytes.Clone(poem), "fin"...))
	}
}

func writeBuffered(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	equal(s, "at first", server.Transport.Buffered(), 0)
	want := s.much()
	server.write(string(want))
	equal(s, "after a write", server.Transport.Buffered(), len(want))
	s.marker()
	n := server.Transport.Buffered()
	s.check("the kernel has taken some, but not all", n > 0 && n < len(want))
	client.Transport.ResumeProducing()
	client.got(want)
	equal(s, "at the end", server.Transport.Buffered(), 0)
}

func writeBothWays(s *scene) {
	server, client := s.pair()
	there, back := pattern(2<<20), pattern(2<<20+1)
	server.write(string(there))
	client.write(string(back))
	client.got(there)
	server.got(back)
}

// tooLate checks that no kind of write is taken.
func (s *scene) tooLate(when string, t protocol.Transport) {
	s.t.Helper()
	n, err := t.Write([]byte("late"))
	equal(s, "bytes written "+when, n, 0)
	s.closed("Write "+when, err)
	s.closed("WriteSequence "+when, t.WriteSequence([][]byte{[]byte("late")}))
	s.closed("WriteShared "+when, t.WriteShared([]byte("late")))
}

func writeTooLate(s *scene, end func(protocol.Transport)) {
	server, client := s.pair()
	client.write("in time")
	server.got([]byte("in time"))
	end(client.Transport)
	s.tooLate("in the same callback", client.Transport)
	s.lost(server, client)
	s.tooLate("after the end", client.Transport)
	equal(s, "buffered", client.Transport.Buffered(), 0)
	server.got([]byte("in time"))
}

func writeAfterHalf(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	client.write("in time")
	client.Transport.LoseWriteConnection()
	s.tooLate("in the same callback", client.Transport)
	s.until("the server has the end", func() bool { return len(server.heard()) == 3 })
	s.tooLate("later", client.Transport)
	server.got([]byte("in time"))
	server.write("the other way")
	client.got([]byte("the other way"))
}

func writeInLost(s *scene) {
	server, client := s.pair()
	client.OnLost = func(error) { s.tooLate("in ConnectionLost", client.Transport) }
	server.OnLost = func(error) { s.tooLate("in ConnectionLost", server.Transport) }
	client.Transport.LoseConnection()
	s.done(client, server)
}

func writeToNobody(s *scene) {
	server, client := s.pair()
	client.Transport.AbortConnection()
	s.lost(server)
	s.tooLate("when the peer has gone", server.Transport)
}
