package service_test

import (
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
	"skein/reactor/reactortest"
	"skein/reactor/service"
)

// greeter says hello to each client and closes.
type greeter struct{ protocol.Base }

func (g *greeter) ConnectionMade() {
	_, _ = g.Transport.Write([]byte("hello"))
	g.Transport.LoseConnection()
}
func (g *greeter) DataReceived([]byte) {}

// greeters is a factory of them.
var greeters = build(func() protocol.Protocol { return &greeter{} })

// call is a client factory for one connection; its Deferred fires with what the
// server says, or why there was no connection.
type call struct {
	protocol.ClientFactoryBase
	*protocoltest.Recorder
	heard *deferred.Deferred
}

func newCall() *call { return &call{Recorder: &protocoltest.Recorder{}, heard: deferred.New()} }

func (c *call) BuildProtocol(net.Addr) protocol.Protocol { return c.Recorder }

func (c *call) ClientConnectionFailed(_ protocol.Connector, reason error) { c.heard.Errback(reason) }

func (c *call) ClientConnectionLost(protocol.Connector, error) {
	c.heard.Callback(string(c.Received()))
}

// server is what the two kinds have in common.
type server interface {
	service.Service
	Port() *reactor.Port
}

func TestServers(t *testing.T) {
	kinds := map[string]struct {
		make func(t *testing.T, r *reactor.Reactor) server
		dial func(r *reactor.Reactor, addr net.Addr, c *call)
	}{
		"TCP": {
			func(t *testing.T, r *reactor.Reactor) server {
				return &service.TCPServer{Reactor: r, Addr: "127.0.0.1:0", Factory: greeters}
			},
			func(r *reactor.Reactor, addr net.Addr, c *call) { r.ConnectTCP(addr.String(), c) },
		},
		"UNIX": {
			func(t *testing.T, r *reactor.Reactor) server {
				return &service.UNIXServer{Reactor: r, Path: filepath.Join(t.TempDir(), "s"), Factory: greeters}
			},
			func(r *reactor.Reactor, addr net.Addr, c *call) { r.ConnectUNIX(addr.String(), c) },
		},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				s := kind.make(t, r)
				must(t, service.PrivilegedStart(s))
				addr := s.Port().Addr()
				early := newCall()
				kind.dial(r, addr, early)
				return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
					waitUntil(in, r, func() bool { return early.Made() })
					want(t, "served before the start", len(early.Received()), 0)
					must(t, service.Start(s))
					heard, err := deferred.Await[string](in, early.heard)
					expectErr(t, "the client that came early", err, nil)
					want(t, "what it heard", heard, "hello")

					_, err = in.Yield(service.Stop(s))
					expectErr(t, "the stop", err, nil)
					want(t, "the port when stopped", s.Port(), nil)
					late := newCall()
					kind.dial(r, addr, late)
					if _, err = in.Yield(late.heard); !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ENOENT) {
						t.Errorf("the client that came late: %v", err)
					}
					must(t, service.Start(s)) // and once more, from the beginning
					again := newCall()
					kind.dial(r, s.Port().Addr(), again)
					heard, err = deferred.Await[string](in, again.heard)
					expectErr(t, "a client of the second start", err, nil)
					want(t, "what it heard", heard, "hello")
					return in.Yield(service.Stop(s))
				})
			})
		})
	}
}

// waitUntil lets the loop turn until it has come to something.
func waitUntil(in *deferred.Inline, r *reactor.Reactor, ok func() bool) {
	for !ok() {
		d := deferred.New()
		r.CallLater(time.Millisecond, func() { d.Callback(nil) })
		_, _ = in.Yield(d)
	}
}

func TestListening(t *testing.T) {
	m := reactortest.NewMemory()
	defer m.Close()
	var told *reactor.Port
	s := &service.TCPServer{Reactor: m.Reactor, Addr: "127.0.0.1:7", Factory: greeters}
	s.Listening = func(p *reactor.Port) {
		told = p
		p.PauseAccepting() // as a limit does that is reached
	}
	must(t, service.PrivilegedStart(s))
	want(t, "told before the start", told, nil)
	must(t, service.Start(s))
	want(t, "told of", told, s.Port())
	c := newCall()
	m.ConnectTCP("127.0.0.1:7", c)
	m.Pump()
	want(t, "served by a paused port", len(c.Received()), 0)
	told.ResumeAccepting()
	m.Pump()
	want(t, "served", string(c.Received()), "hello")
	service.Stop(s)
}

func TestServersThatCannotStart(t *testing.T) {
	m := reactortest.NewMemory()
	defer m.Close()
	taken, err := m.ListenTCP("127.0.0.1:7", greeters)
	must(t, err)
	defer taken.StopListening()
	_, err = m.ListenUDP("127.0.0.1:6", &mailbox{})
	must(t, err)
	cases := []struct {
		name string
		s    service.Service
		want error
	}{
		{"a port that is taken", &service.TCPServer{Reactor: m.Reactor, Addr: "127.0.0.1:7", Factory: greeters}, syscall.EADDRINUSE},
		{"no reactor", &service.TCPServer{Addr: "127.0.0.1:8", Factory: greeters}, service.ErrNoReactor},
		{"no reactor, by UNIX", &service.UNIXServer{Path: "@x", Factory: greeters}, service.ErrNoReactor},
		{"a socket that is taken", &service.UDPServer{Reactor: m.Reactor, Addr: "127.0.0.1:6", Protocol: &mailbox{}}, syscall.EADDRINUSE},
		{"no reactor, by UDP", &service.UDPServer{Addr: "127.0.0.1:8", Protocol: &mailbox{}}, service.ErrNoReactor},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			expectErr(t, "the error", service.Start(tc.s), tc.want)
			want(t, "running", tc.s.Running(), false)
		})
	}
	want(t, "ports that are open", len(m.Listening()), 2)

	var d diary
	first := &service.TCPServer{Reactor: m.Reactor, Addr: "127.0.0.1:9", Factory: greeters}
	second := service.Named("second", &service.TCPServer{Reactor: m.Reactor, Addr: "127.0.0.1:7", Factory: greeters})
	err = service.Start(tree(t, "m", newPart("a", &d), first, second))
	refusals(t, err, syscall.EADDRINUSE, `can't start service "second": couldn't listen on 127.0.0.1:7: address already in use`)
	want(t, "ports that are open after the roll-back", len(m.Listening()), 2)
	d.expect(t) // all ports are bound before anything is started
}

// mailbox keeps the datagrams that come.
type mailbox struct {
	protocol.DatagramBase
	diary
}

func (b *mailbox) StartProtocol() { b.note("start") }
func (b *mailbox) StopProtocol()  { b.note("stop") }
func (b *mailbox) DatagramReceived(data []byte, _ netip.AddrPort) {
	b.note("%s", data)
}

func TestUDPServer(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		box, sender := &mailbox{}, &mailbox{}
		s := &service.UDPServer{Reactor: r, Addr: "127.0.0.1:0", Protocol: box}
		out, err := r.ListenUDP("127.0.0.1:0", sender)
		must(t, err)
		return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
			for range 2 {
				must(t, service.PrivilegedStart(s))
				_, err := sender.Transport.WriteTo([]byte("early"), s.Port().Addr().(*net.UDPAddr).AddrPort())
				must(t, err)
				turns := r.Stats().Turns
				waitUntil(in, r, func() bool { return r.Stats().Turns > turns+3 })
				box.expect(t, "start")
				must(t, service.Start(s))
				waitUntil(in, r, func() bool { return len(box.entries) > 0 })
				_, err = in.Yield(service.Stop(s))
				expectErr(t, "the stop", err, nil)
				want(t, "the port when stopped", s.Port(), nil)
				box.expect(t, "early", "stop")
			}
			return in.Yield(out.StopListening())
		})
	})
}
