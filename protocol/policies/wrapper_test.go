package policies_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// transparent is every wrapper with nothing to do: what is true of a connection
// must stay true behind each of them.
func transparent() map[string]func(protocol.Factory) protocol.Factory {
	c := clock.NewFake()
	much := policies.Rate{BytesPerSecond: 1 << 30}
	return map[string]func(protocol.Factory) protocol.Factory{
		"ProtocolWrapper": func(f protocol.Factory) protocol.Factory {
			return &policies.WrappingFactory{Factory: f, Wrap: func(net.Addr) policies.Wrapper { return &policies.ProtocolWrapper{} }}
		},
		"TimeoutFactory": func(f protocol.Factory) protocol.Factory {
			return &policies.TimeoutFactory{Factory: f, Clock: c, Idle: time.Hour}
		},
		"TotalLimit": func(f protocol.Factory) protocol.Factory { return &policies.TotalLimit{Factory: f, Max: 9} },
		"PeerLimit":  func(f protocol.Factory) protocol.Factory { return &policies.PeerLimit{Factory: f, Max: 9} },
		"ThrottlingFactory": func(f protocol.Factory) protocol.Factory {
			return &policies.ThrottlingFactory{Factory: f, Clock: c, Read: much, WriteEach: much}
		},
		"TrafficLog": func(f protocol.Factory) protocol.Factory { return &policies.TrafficLog{Factory: f, Writer: io.Discard} },
		"three of them": func(f protocol.Factory) protocol.Factory {
			return &policies.PeerLimit{Max: 9, Factory: &policies.TimeoutFactory{Clock: c, Lifetime: time.Hour,
				Factory: &policies.TrafficLog{Factory: f, Writer: io.Discard}}}
		},
	}
}

// each runs a test behind each wrapper.
func each(t *testing.T, test func(t *testing.T, wrap func(protocol.Factory) protocol.Factory)) {
	for name, wrap := range transparent() {
		t.Run(name, func(t *testing.T) { test(t, wrap) })
	}
}

func TestWrappersCarryAConversation(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		server := &protocoltest.Recorder{}
		server.OnMade = func() { _, _ = server.Transport.Write([]byte("hello ")) }
		server.OnData = func([]byte) {
			_ = server.Transport.WriteSequence([][]byte{[]byte("a"), nil, []byte("b")})
			_ = server.Transport.WriteShared([]byte("c"))
			cause := errors.New("enough")
			server.Transport.LoseConnectionCause(cause)
			server.Transport.LoseConnectionCause(errors.New("too late"))
			want(t, "Disconnecting", server.Transport.Disconnecting(), true)
		}
		client := &protocoltest.Recorder{}
		client.OnMade = func() { _, _ = client.Transport.Write([]byte("x")) }
		pair := protocoltest.NewPair(client, wrap(build(server)).BuildProtocol(addr))
		pair.Pump()
		expectCalls(t, "the server", server, "MakeConnection", "ConnectionMade", `DataReceived("x")`,
			"ConnectionLost(connection was closed cleanly: enough)")
		want(t, "what the client got", string(client.Received()), "hello abc")
		want(t, "RemoteAddr", server.Transport.RemoteAddr(), pair.Client.Addr)
		want(t, "LocalAddr", server.Transport.LocalAddr(), pair.Server.Addr)
	})
}

func TestWrappersForwardHalfClose(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		server := &protocoltest.HalfRecorder{}
		server.OnReadLost = func() {
			_, _ = server.Transport.Write([]byte("reply"))
			server.Transport.LoseWriteConnection()
		}
		p := wrap(build(server)).BuildProtocol(addr)
		if _, ok := p.(protocol.HalfCloser); !ok {
			t.Error("a wrapped HalfCloser is none any more")
		}
		client := &protocoltest.HalfRecorder{}
		client.OnMade = func() { client.Transport.LoseWriteConnection() }
		protocoltest.NewPair(client, p).Pump()
		expectCalls(t, "the server", &server.Recorder, "MakeConnection", "ConnectionMade", "ReadConnectionLost",
			"WriteConnectionLost", "ConnectionLost(connection was closed cleanly)")
		want(t, "what the client got", string(client.Received()), "reply")
	})
}

func TestAWrappedProtocolThatIsNoHalfCloserDoesNotBecomeOne(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		server := &protocoltest.Recorder{}
		p := wrap(build(server)).BuildProtocol(addr)
		if _, ok := p.(protocol.HalfCloser); ok {
			t.Error("a wrapper has made a HalfCloser of a protocol that is none")
		}
		client := &protocoltest.HalfRecorder{}
		client.OnMade = func() { client.Transport.LoseWriteConnection() }
		protocoltest.NewPair(client, p).Pump()
		expectCalls(t, "the server", server, "MakeConnection", "ConnectionMade", "ConnectionLost(connection was closed cleanly)")
	})
}

// tcpTransport is a transport with options.
type tcpTransport struct {
	*protocoltest.StringTransport
	noDelay []bool
}

func (t *tcpTransport) SetNoDelay(on bool) error           { t.noDelay = append(t.noDelay, on); return nil }
func (t *tcpTransport) SetKeepAlive(_ time.Duration) error { return errors.ErrUnsupported }

func TestWrappersForwardTCPOptions(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		tcp := &tcpTransport{StringTransport: protocoltest.NewStringTransport()}
		inner := &protocoltest.Recorder{}
		connect(wrap(build(inner)).BuildProtocol(addr), tcp)
		o, ok := inner.Transport.(protocol.TCPOptions)
		if !ok {
			t.Fatal("the TCPOptions of the transport are gone")
		}
		_ = o.SetNoDelay(false)
		want(t, "calls of SetNoDelay below", len(tcp.noDelay), 1)
		expectErr(t, "SetKeepAlive", o.SetKeepAlive(0), errors.ErrUnsupported)
		_, _ = inner.Transport.Write([]byte("still wrapped"))
		want(t, "written", string(tcp.Value()), "still wrapped")
	})
}

func TestWrappersDoNotInventTCPOptions(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		inner := &protocoltest.Recorder{}
		connect(wrap(build(inner)).BuildProtocol(addr), protocoltest.NewStringTransport())
		if _, ok := inner.Transport.(protocol.TCPOptions); ok {
			t.Error("the transport has no TCPOptions, the wrapper has")
		}
	})
}

// sip is a producer that keeps what it is told.
type sip struct{ told []string }

func (s *sip) PauseProducing()  { s.told = append(s.told, "pause") }
func (s *sip) ResumeProducing() { s.told = append(s.told, "resume") }
func (s *sip) StopProducing()   { s.told = append(s.told, "stop") }

func TestWrappersForwardProducers(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		inner, peer, p := &protocoltest.Recorder{}, &protocoltest.Recorder{}, &sip{}
		pair := protocoltest.NewPair(peer, wrap(build(inner)).BuildProtocol(addr))
		for !inner.Made() {
			pair.Step()
		}
		tr := inner.Transport
		if err := tr.RegisterProducer(p, true); err != nil {
			t.Fatal(err)
		}
		expectErr(t, "a second registration", tr.RegisterProducer(p, true), protocol.ErrProducerRegistered)
		_ = tr.WriteShared(make([]byte, 200<<10))
		want(t, "Buffered", tr.Buffered(), 200<<10)
		pair.Pump()
		tr.LoseConnection()
		_, err := tr.Write([]byte("a producer may"))
		expectErr(t, "the producer's write after LoseConnection", err, nil)
		tr.UnregisterProducer()
		_, err = tr.Write([]byte("nobody may"))
		expectErr(t, "a write after LoseConnection", err, net.ErrClosed)
		pair.Pump()
		expectErr(t, "registering at the end", tr.RegisterProducer(p, true), net.ErrClosed)
		if told := []string{"pause", "resume", "stop"}; !slices.Equal(p.told, told) {
			t.Errorf("the producer was told %q, want %q", p.told, told)
		}
		want(t, "bytes that came", len(peer.Received()), 200<<10+len("a producer may"))
		expectSound(t, "the protocol", inner)
	})
}

func TestWrappersForwardReading(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		inner, peer := &protocoltest.Recorder{}, &protocoltest.Recorder{}
		inner.OnMade = func() { inner.Transport.PauseProducing() }
		peer.OnMade = func() { _, _ = peer.Transport.Write([]byte("news")) }
		pair := protocoltest.NewPair(peer, wrap(build(inner)).BuildProtocol(addr))
		pair.Pump()
		want(t, "read while paused", string(inner.Received()), "")
		inner.Transport.ResumeProducing()
		want(t, "read inside ResumeProducing", string(inner.Received()), "")
		pair.Pump()
		want(t, "read afterwards", string(inner.Received()), "news")
	})
}

func TestWrappersPassRefusalsAndPanicsThrough(t *testing.T) {
	each(t, func(t *testing.T, wrap func(protocol.Factory) protocol.Factory) {
		if p := wrap(refuse).BuildProtocol(addr); p != nil {
			t.Errorf("a refusal has become a %T", p)
		}
		want(t, "the panic", expectPanic(t, func() { wrap(fail).BuildProtocol(addr) }), any("no protocol today"))
	})
}

// started counts the calls of a StartStopper.
type started struct {
	protocol.Factory
	starts, stops int
}

func (s *started) StartFactory() { s.starts++ }
func (s *started) StopFactory()  { s.stops++ }

func TestWrappersForwardStartAndStop(t *testing.T) {
	wraps := transparent()
	wraps["Client"] = func(f protocol.Factory) protocol.Factory { return policies.Client(nil, f) }
	for name, wrap := range wraps {
		t.Run(name, func(t *testing.T) {
			inner := &started{Factory: refuse}
			outer, ok := wrap(inner).(protocol.StartStopper)
			if !ok {
				t.Fatal("the factory is no StartStopper")
			}
			outer.StartFactory()
			want(t, "starts", inner.starts, 1)
			outer.StopFactory()
			want(t, "stops", inner.stops, 1)
			bare := wrap(refuse).(protocol.StartStopper)
			bare.StartFactory() // nobody to tell, and no panic
			bare.StopFactory()
		})
	}
}

// shouting is a wrapper that changes what is written.
type shouting struct{ policies.ProtocolWrapper }

func (s *shouting) Write(p []byte) (int, error) { return s.Transport.Write(bytes.ToUpper(p)) }

// nicknamed is a protocol with a name of its own for the log.
type nicknamed struct{ protocoltest.Recorder }

func (*nicknamed) LogPrefix() string { return "Sam" }

func TestTheLogNamesTheWrappedProtocol(t *testing.T) {
	c := clock.NewFake()
	around := map[string]func(f protocol.Factory) protocol.Factory{
		"timeout": func(f protocol.Factory) protocol.Factory { return &policies.TimeoutFactory{Clock: c, Factory: f} },
		"total":   func(f protocol.Factory) protocol.Factory { return &policies.TotalLimit{Max: 100, Factory: f} },
		"peer":    func(f protocol.Factory) protocol.Factory { return &policies.PeerLimit{Max: 100, Factory: f} },
		"throttle": func(f protocol.Factory) protocol.Factory {
			each := policies.Rate{BytesPerSecond: 1}
			return &policies.ThrottlingFactory{Clock: c, ReadEach: each, WriteEach: each, Factory: f}
		},
		"switch": func(f protocol.Factory) protocol.Factory {
			return protocol.FactoryFunc(func(a net.Addr) protocol.Protocol { return policies.NewSwitch(f.BuildProtocol(a)) })
		},
	}
	inside := map[string]protocol.Protocol{
		"Sam":                        &nicknamed{},
		"*protocoltest.Recorder":     &protocoltest.Recorder{},
		"*protocoltest.HalfRecorder": &protocoltest.HalfRecorder{},
	}
	for name, wrap := range around {
		for prefix, p := range inside {
			l, ok := wrap(wrap(build(p))).BuildProtocol(addr).(protocol.LogPrefixer)
			want(t, name+" has a name", ok, true)
			want(t, name+"'s name", l.LogPrefix(), prefix)
		}
	}
}

func TestAWrapperOverridesWhatItWants(t *testing.T) {
	inner := &protocoltest.Recorder{}
	w := &shouting{}
	p := policies.Wrap(w, inner)
	tr := protocoltest.NewStringTransport()
	connect(p, tr)
	_, _ = inner.Transport.Write([]byte("louder"))
	want(t, "written", string(tr.Value()), "LOUDER")
	want(t, "Wrapped", w.Wrapped(), protocol.Protocol(inner))
}

func TestAWrappingFactoryMayRefuseByItself(t *testing.T) {
	f := &policies.WrappingFactory{Factory: fail, Wrap: func(net.Addr) policies.Wrapper { return nil }}
	if p := f.BuildProtocol(addr); p != nil {
		t.Errorf("got a %T", p)
	}
}

func TestClientBuildsThroughThePolicy(t *testing.T) {
	inner := &protocoltest.Recorder{}
	f := &retrying{build: inner}
	limit := &policies.TotalLimit{Factory: f, Max: 1}
	c := policies.Client(f, limit)
	connect(c.BuildProtocol(addr), protocoltest.NewStringTransport())
	want(t, "connections", limit.Open(), 1)
	if p := c.BuildProtocol(addr); p != nil {
		t.Error("the limit does not apply to clients")
	}
	c.ClientConnectionLost(nil, protocol.ErrConnectionDone)
	want(t, "what the client factory heard", f.lost, 1)
}

// retrying is a client factory that counts lost connections.
type retrying struct {
	protocol.ClientFactoryBase
	build protocol.Protocol
	lost  int
}

func (f *retrying) BuildProtocol(net.Addr) protocol.Protocol { return f.build }

func (f *retrying) ClientConnectionLost(protocol.Connector, error) { f.lost++ }

// TestAWrapperDrivenAsItIs has a loop that was given the wrapper itself, not
// what Wrap returned: the rules of half-close hold all the same.
func TestAWrapperDrivenAsItIs(t *testing.T) {
	inner, tr := &protocoltest.Recorder{}, protocoltest.NewStringTransport()
	w := &policies.ProtocolWrapper{}
	policies.Wrap(w, inner)
	connect(w, tr)
	w.WriteConnectionLost()
	want(t, "closed after the end of output", tr.Disconnecting(), false)
	w.ReadConnectionLost()
	want(t, "closed after the end of input", tr.Disconnecting(), true)
}
