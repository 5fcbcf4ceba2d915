//go:build linux || darwin || freebsd

package conformance

// halfClosing is what happens when one direction closes.
var halfClosing = []test{
	{name: "the peer's end closes a plain connection", f: halfPlain},
	{name: "pending output is still delivered", f: halfPending},
	{name: "a HalfCloser goes on writing", f: halfReply},
	{name: "the write side alone", f: halfWrite},
	{name: "what is queued goes first", f: halfQueued},
	{name: "twice is once", f: halfTwice},
	{name: "one direction after the other ends the connection", f: halfBoth},
	{name: "then LoseConnection", f: halfThenLose},
	{name: "after LoseConnection it does nothing", f: halfAfterLose},
	{name: "it waits for UnregisterProducer", f: halfProducer},
	{name: "in ConnectionMade", f: halfInMade},
	{name: "a paused HalfCloser hears of the end when it reads on", f: halfPaused},
}

func halfPlain(s *scene) {
	server, client := s.newEnd("the server"), s.newHalf("the client")
	s.join(server, client)
	client.write("all")
	client.Transport.LoseWriteConnection()
	s.done(server, client)
	server.got([]byte("all"))
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "WriteConnectionLost", "ReadConnectionLost", "ConnectionLost")
}

// halfPending is "nc": the request, the end, and only then the time to read.
func halfPending(s *scene) {
	server, client := s.newEnd("the server"), s.newHalf("the client")
	want := pattern(4 << 20)
	server.OnData = func([]byte) { server.write(string(want)) }
	s.join(server, client)
	client.Transport.PauseProducing()
	client.write("request")
	client.Transport.LoseWriteConnection()
	s.until("the server is closing", func() bool { return len(server.in) > 0 && server.Transport.Disconnecting() })
	client.slowly()
	client.Transport.ResumeProducing()
	s.done(client, server)
	client.got(want)
}

func halfReply(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	client.write("request")
	client.Transport.LoseWriteConnection()
	s.until("the server has the end", func() bool { return len(server.heard()) == 3 })
	server.got([]byte("request"))
	s.marker()
	s.sequence("the server", server.heard(), "MakeConnection", "ConnectionMade", "ReadConnectionLost")
	s.check("the server is not closing", !server.Transport.Disconnecting())
	want := pattern(1 << 20)
	server.write(string(want))
	s.marker()
	server.write("end")
	server.Transport.LoseConnection()
	s.done(server, client)
	client.got(append(want, "end"...))
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "WriteConnectionLost", "ReadConnectionLost", "ConnectionLost")
}

func halfWrite(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	client.Transport.LoseWriteConnection()
	s.check("WriteConnectionLost does not come from inside", len(client.heard()) == 2)
	s.until("both have heard", func() bool { return len(client.heard()) == 3 && len(server.heard()) == 3 })
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "WriteConnectionLost")
	s.sequence("the server", server.heard(), "MakeConnection", "ConnectionMade", "ReadConnectionLost")
	server.write("still")
	client.got([]byte("still"))
	client.Transport.PauseProducing()
	server.write(" here")
	s.marker()
	client.Transport.ResumeProducing()
	client.got([]byte("still here"))
}

func halfQueued(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	server.Transport.PauseProducing()
	want := s.much()
	client.write(string(want))
	client.Transport.LoseWriteConnection()
	s.marker()
	s.sequence("the client, while it waits", client.heard(), "MakeConnection", "ConnectionMade")
	server.Transport.ResumeProducing()
	s.until("both have heard", func() bool { return len(client.heard()) == 3 && len(server.heard()) == 3 })
	server.got(want)
}

func halfTwice(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	client.Transport.LoseWriteConnection()
	client.Transport.LoseWriteConnection()
	s.until("the client has heard", func() bool { return len(client.heard()) == 3 })
	client.Transport.LoseWriteConnection()
	s.marker()
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "WriteConnectionLost")
	server.Transport.LoseConnection()
	s.done(server, client)
}

func halfBoth(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	client.Transport.LoseWriteConnection()
	s.until("the server has the end", func() bool { return len(server.heard()) == 3 })
	server.write("after you")
	server.Transport.LoseWriteConnection()
	s.done(server, client)
	client.got([]byte("after you"))
	s.sequence("the server", server.heard(), "MakeConnection", "ConnectionMade", "ReadConnectionLost", "WriteConnectionLost", "ConnectionLost")
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "WriteConnectionLost", "ReadConnectionLost", "ConnectionLost")
}

func halfThenLose(s *scene) {
	server, client := s.pair()
	want := pattern(1 << 20)
	client.write(string(want))
	client.Transport.LoseWriteConnection()
	client.Transport.LoseConnection()
	s.done(client, server)
	server.got(want)
}

func halfAfterLose(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	client.Transport.LoseConnection()
	client.Transport.LoseWriteConnection()
	server.half.OnReadLost = func() { server.Transport.LoseConnection() }
	s.done(client, server)
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "ConnectionLost")
}

func halfProducer(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	client.produce(true)
	client.write("first, ")
	client.Transport.LoseWriteConnection()
	server.got([]byte("first, "))
	s.marker()
	s.sequence("the client, while its producer goes on", client.heard(), "MakeConnection", "ConnectionMade")
	client.write("second")
	client.Transport.UnregisterProducer()
	s.tooLate("after UnregisterProducer", client.Transport)
	s.until("both have heard", func() bool { return len(client.heard()) == 3 && len(server.heard()) == 3 })
	server.got([]byte("first, second"))
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "WriteConnectionLost")
	server.write("the other way")
	client.got([]byte("the other way"))
}

func halfInMade(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	client.OnMade = func() {
		client.write("request")
		client.Transport.LoseWriteConnection()
	}
	server.half.OnReadLost = func() {
		server.write("reply")
		server.Transport.LoseConnection()
	}
	s.join(server, client)
	s.done(client, server)
	server.got([]byte("request"))
	client.got([]byte("reply"))
}

func halfPaused(s *scene) {
	server, client := s.newHalf("the server"), s.newHalf("the client")
	s.join(server, client)
	server.Transport.PauseProducing()
	client.write("last")
	client.Transport.LoseWriteConnection()
	s.marker()
	s.sequence("the paused server", server.Calls(), "MakeConnection", "ConnectionMade")
	server.Transport.ResumeProducing()
	s.until("the server has the end", func() bool { return len(server.heard()) == 3 })
	s.sequence("the server", server.Calls(), "MakeConnection", "ConnectionMade", `DataReceived("last")`, "ReadConnectionLost")
}
