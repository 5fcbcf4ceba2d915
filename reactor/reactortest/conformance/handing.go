//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"skein/protocol"
	"skein/reactor"
)

// handing is how a port's socket goes from one hand to another.
var handing = []test{
	{name: "who waits in a socket that is adopted is accepted", f: handWaiting},
	{name: "a socket stays open as long as a file of it", f: handFile},
	{name: "two ports share a socket", f: handTwo},
	{name: "an adopted port is like any other", f: handLike},
	{name: "files that are no listening sockets", f: handBad},
	{name: "a port that is closed has no file", f: handClosed},
	{name: "the sockets of all ports, in the order of opening", f: handSockets},
	{name: "UDP sockets", f: handUDP, only: "tcp"},
}

// file returns a file of a port's socket.
func (s *scene) file(p *reactor.Port) *os.File {
	s.t.Helper()
	f, err := p.File()
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// adopt opens a port on the socket of a file.
func (s *scene) adopt(f *os.File, factory protocol.Factory) *reactor.Port {
	s.t.Helper()
	p, err := s.r.AdoptStreamPort(f, factory)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ports = append(s.ports, p)
	return p
}

// queued connects a client that waits in a port's socket.
func (s *scene) queued(p *reactor.Port, name string) *end {
	s.t.Helper()
	c := s.newEnd(name)
	s.connect(p, s.builds(c.proto))
	s.until(name+" is connected", c.Made)
	c.write("from " + name)
	return c
}

func handWaiting(s *scene) {
	one, two := s.newEnd("the first server"), s.newEnd("the second server")
	old := s.builds()
	p := s.listen(old)
	p.PauseAccepting()
	a, b := s.queued(p, "a"), s.queued(p, "b")
	f := s.file(p)
	s.marker() // all edges have been told
	s.await(p.StopListening())
	s.adopt(f, s.builds(one.proto, two.proto))
	s.check("close the file", f.Close() == nil)
	one.got([]byte("from a"))
	two.got([]byte("from b"))
	s.check("nobody has lost anything", !a.Lost() && !b.Lost())
	s.sequence("the calls of the old port's factory", old.calls, "StartFactory", "StopFactory")
}

func handFile(s *scene) {
	p := s.listen(s.builds())
	p.PauseAccepting()
	addr := p.Addr()
	f := s.file(p)
	s.r.HandOver() // else a UNIX socket's path goes with the port
	s.await(p.StopListening())
	s.queued(p, "who comes when no port is open")
	server := s.newEnd("the server")
	q := s.adopt(f, s.builds(server.proto))
	equal(s, "the address", q.Addr().String(), addr.String())
	server.got([]byte("from who comes when no port is open"))
	s.await(q.StopListening())
	s.check("close the file", f.Close() == nil)
	late := s.builds()
	s.failed(late, s.connect(p, late))
}

func handTwo(s *scene) {
	accepted := map[string]int{}
	factory := func(name string) *factory {
		f := s.builds()
		f.build = func() protocol.Protocol {
			accepted[name]++
			return s.newEnd(name + "'s connection").proto
		}
		return f
	}
	one, two := factory("one"), factory("two")
	p := s.listen(one)
	f := s.file(p)
	q := s.adopt(f, two)
	s.check("close the file", f.Close() == nil)
	const many = 10
	for i := range many {
		s.queued(p, fmt.Sprint("client ", i))
	}
	s.until("each is accepted once", func() bool { return accepted["one"]+accepted["two"] == many })
	s.marker()
	equal(s, "accepted", accepted["one"]+accepted["two"], many)
	s.r.HandOver()
	s.await(p.StopListening())
	before := accepted["two"]
	s.queued(q, "the last client")
	s.until("the other port accepts", func() bool { return accepted["two"] == before+1 })
}

func handLike(s *scene) {
	server := s.newEnd("the server")
	old := s.listen(s.builds())
	f := s.file(old)
	s.r.HandOver()
	s.await(old.StopListening())
	factory := s.builds(server.proto)
	p := s.adopt(f, factory)
	s.check("close the file", f.Close() == nil)
	p.PauseAccepting()
	c := s.queued(p, "the client")
	s.marker()
	s.sequence("the calls of a paused port's factory", factory.calls, "StartFactory")
	p.ResumeAccepting()
	server.got([]byte("from the client"))
	server.write("hello")
	c.got([]byte("hello"))
	s.await(p.StopListening())
	factory.ended()
}

func handBad(s *scene) {
	null, err := os.Open(os.DevNull)
	must(s.t, err)
	defer null.Close()
	closed := s.file(s.listen(s.builds()))
	must(s.t, closed.Close())
	for _, bad := range []struct {
		name string
		file *os.File
		err  error
	}{{"a file", null, syscall.ENOTSOCK}, {"a closed file", closed, syscall.EBADF}, {"nil", nil, syscall.EBADF}} {
		f := s.builds()
		_, err := s.r.AdoptStreamPort(bad.file, f)
		var e *protocol.CannotListenError
		s.check("adopting "+bad.name+" is an error", errors.As(err, &e))
		s.isError(bad.name, err, bad.err)
		s.check("the text names the descriptor: "+err.Error(), strings.Contains(err.Error(), "descriptor"))
		s.sequence("the calls of a factory without a port", f.calls)
	}
	s.panics("a nil factory to adopt", func() { _, _ = s.r.AdoptStreamPort(null, nil) })
}

func handClosed(s *scene) {
	p := s.listen(s.builds())
	d := p.StopListening()
	for range 2 {
		_, err := p.File()
		s.closed("File", err)
		s.await(d)
	}
}

func handSockets(s *scene) {
	none, err := s.r.Sockets()
	s.check("without a port there are none", none == nil && err == nil)
	ports := []*reactor.Port{s.listen(s.builds()), s.listen(s.builds()), s.listen(s.builds())}
	ports[1].PauseAccepting()
	s.await(ports[0].StopListening())
	ports = append(ports[1:], s.listen(s.builds())) // it may get the number that is free now
	sockets, err := s.r.Sockets()
	s.check("there is one for each port", err == nil && len(sockets) == len(ports))
	for i, socket := range sockets {
		equal(s, "the network", socket.Network, s.network)
		want := ports[i].Addr().String()
		if s.network == "tcp" {
			want = "127.0.0.1:0" // as it was asked for
		}
		equal(s, "the address", socket.Address, want)
		s.await(ports[i].StopListening())
		q := s.adopt(socket.File, s.builds())
		equal(s, "the place in the list", q.Addr().String(), ports[i].Addr().String())
		s.check("close the file", socket.File.Close() == nil)
	}
	again, err := s.r.Sockets()
	s.check("adopted ports are among them", err == nil && len(again) == len(ports))
	for i, socket := range again {
		equal(s, "the address of an adopted port", socket.Address, ports[i].Addr().String())
		s.check("close the file", socket.File.Close() == nil)
	}
}

// letters is a protocol that notes what comes.
type letters struct {
	protocol.DatagramBase
	s   *scene
	got []string
}

func (l *letters) DatagramReceived(data []byte, _ netip.AddrPort) {
	l.got = append(l.got, string(data))
	l.s.poke()
}

func handUDP(s *scene) {
	server, client := &letters{s: s}, &letters{s: s}
	d, err := s.r.ListenUDP("127.0.0.1:0", server)
	must(s.t, err)
	c, err := s.r.ListenUDP("127.0.0.1:0", client)
	must(s.t, err)
	must(s.t, c.Connect(d.Addr().(*net.UDPAddr).AddrPort()))
	sockets, err := s.r.Sockets()
	s.check("a client's socket is not among them", err == nil && len(sockets) == 1)
	equal(s, "the network", sockets[0].Network, "udp")
	equal(s, "the address", sockets[0].Address, "127.0.0.1:0")
	d.PauseProducing()
	_, err = c.Write([]byte("early"))
	must(s.t, err)
	s.await(d.StopListening())
	_, err = c.Write([]byte("late"))
	s.check("somebody gets what is sent meanwhile", err == nil)
	_, err = s.r.AdoptStreamPort(sockets[0].File, s.builds())
	s.isError("a UDP socket", err, reactor.ErrWrongSocket)
	must(s.t, sockets[0].File.Close())
	s.await(c.StopListening())
}
