//go:build linux || darwin || freebsd

package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"sync"

	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
)

// end is one end of a connection: a recorder, which also checks that its calls
// come in order and never from inside each other.
type end struct {
	*protocoltest.Recorder
	s     *scene
	name  string
	half  *protocoltest.HalfRecorder // nil if it does not know of half-closed connections
	proto protocol.Protocol
	in    []byte // all that has come
}

// plain is the protocol of an end that knows nothing of half-closed
// connections.
type plain struct{ *end }

// The calls are the recorder's, and wake the test.
func (p *plain) ConnectionMade()             { defer p.s.poke(); p.Recorder.ConnectionMade() }
func (p *plain) ConnectionLost(reason error) { defer p.s.poke(); p.Recorder.ConnectionLost(reason) }

func (p *plain) DataReceived(data []byte) {
	defer p.s.poke()
	p.in = append(p.in, data...)
	p.Recorder.DataReceived(data)
}

// halved is the protocol of an end that goes on when one direction is closed.
type halved struct{ plain }

var _ protocol.HalfCloser = (*halved)(nil)

func (h *halved) ReadConnectionLost()  { defer h.s.poke(); h.half.ReadConnectionLost() }
func (h *halved) WriteConnectionLost() { defer h.s.poke(); h.half.WriteConnectionLost() }

// newEnd returns an end that is not connected yet.
func (s *scene) newEnd(name string) *end {
	e := &end{Recorder: &protocoltest.Recorder{}, s: s, name: name}
	e.proto = &plain{e}
	s.ends = append(s.ends, e)
	return e
}

// newHalf returns an end that goes on when one direction is closed.
func (s *scene) newHalf(name string) *end {
	h := &protocoltest.HalfRecorder{}
	e := &end{Recorder: &h.Recorder, s: s, name: name, half: h}
	e.proto = &halved{plain{e}}
	s.ends = append(s.ends, e)
	return e
}

// write writes text, which must be possible.
func (e *end) write(text string) {
	e.s.t.Helper()
	if n, err := e.Transport.Write([]byte(text)); n != len(text) || err != nil {
		e.s.t.Fatalf("%s: Write returned %d, %v", e.name, n, err)
	}
}

// got waits until the end has received exactly data.
func (e *end) got(data []byte) {
	e.s.t.Helper()
	e.s.until(fmt.Sprintf("%s has %d bytes", e.name, len(data)), func() bool { return len(e.in) >= len(data) })
	if !bytes.Equal(e.in, data) {
		e.s.t.Fatalf("%s has received other bytes than were sent%s", e.name, e.s.story())
	}
}

// heard returns the calls that the end got, without those that brought data.
func (e *end) heard() (calls []string) {
	for _, ev := range e.Events() {
		if ev.Call != "DataReceived" {
			calls = append(calls, ev.Call)
		}
	}
	return calls
}

// slowly makes the end pause after each piece, until the next turn but one.
func (e *end) slowly() {
	e.OnData = func([]byte) {
		e.Transport.PauseProducing()
		e.s.r.CallLater(0, func() { e.Transport.ResumeProducing() })
	}
}

// pair connects two new ends.
func (s *scene) pair() (server, client *end) {
	s.t.Helper()
	server, client = s.newEnd("the server"), s.newEnd("the client")
	s.join(server, client)
	return server, client
}

// join connects two ends, through a port that closes again.
func (s *scene) join(server, client *end) {
	s.t.Helper()
	p := s.listen(s.builds(server.proto))
	s.connect(p, s.builds(client.proto))
	s.until("both ends are connected", func() bool { return server.Made() && client.Made() })
	s.await(p.StopListening())
}

// listen opens a port on a fresh address.
func (s *scene) listen(f protocol.Factory) *reactor.Port {
	s.t.Helper()
	p, err := s.listenOn(s.address(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ports = append(s.ports, p)
	return p
}

// listenOn opens a port.
func (s *scene) listenOn(addr string, f protocol.Factory) (*reactor.Port, error) {
	if s.network == "unix" {
		return s.r.ListenUNIX(addr, f)
	}
	return s.r.ListenTCP(addr, f)
}

// connect begins to connect to a port.
func (s *scene) connect(p *reactor.Port, f protocol.ClientFactory, opts ...reactor.ConnectOption) protocol.Connector {
	return s.connectTo(p.Addr().String(), f, opts...)
}

// connectTo begins to connect to an address.
func (s *scene) connectTo(addr string, f protocol.ClientFactory, opts ...reactor.ConnectOption) protocol.Connector {
	if s.network == "unix" {
		return s.r.ConnectUNIX(addr, f, opts...)
	}
	return s.r.ConnectTCP(addr, f, opts...)
}

// factory is a factory of ports and of connectors that notes its calls.
type factory struct {
	s     *scene
	calls []string // names, in order
	build func() protocol.Protocol

	connectors []protocol.Connector // as they came with the calls
	reasons    []error              // of ClientConnectionFailed and Lost

	onStarted      func(c protocol.Connector)
	onFailed       func(c protocol.Connector)
	onLost         func(c protocol.Connector)
	onStart, onEnd func()
}

// builds returns a factory that gives out the protocols, and then nil.
func (s *scene) builds(protos ...protocol.Protocol) *factory {
	f := &factory{s: s}
	f.build = func() (p protocol.Protocol) {
		if len(protos) > 0 {
			p, protos = protos[0], protos[1:]
		}
		return p
	}
	return f
}

// note notes a call, and runs a hook.
func (f *factory) note(call string, hook func()) {
	f.calls = append(f.calls, call)
	f.s.poke()
	if hook != nil {
		hook()
	}
}

// about notes a call with its connector.
func (f *factory) about(call string, c protocol.Connector, hook func(protocol.Connector)) {
	f.connectors = append(f.connectors, c)
	f.note(call, func() {
		if hook != nil {
			hook(c)
		}
	})
}

func (f *factory) StartFactory() { f.note("StartFactory", f.onStart) }
func (f *factory) StopFactory()  { f.note("StopFactory", f.onEnd) }

func (f *factory) BuildProtocol(net.Addr) protocol.Protocol {
	f.note("BuildProtocol", nil)
	return f.build()
}

func (f *factory) StartedConnecting(c protocol.Connector) {
	f.about("StartedConnecting", c, f.onStarted)
}

func (f *factory) ClientConnectionFailed(c protocol.Connector, reason error) {
	f.reasons = append(f.reasons, reason)
	f.about("ClientConnectionFailed", c, f.onFailed)
}

func (f *factory) ClientConnectionLost(c protocol.Connector, reason error) {
	f.reasons = append(f.reasons, reason)
	f.about("ClientConnectionLost", c, f.onLost)
}

// ended waits until the factory's last port or connector has stopped.
func (f *factory) ended() {
	f.s.t.Helper()
	f.s.until("the factory has stopped", f.over)
}

// over reports whether the last call was StopFactory.
func (f *factory) over() bool { return len(f.calls) > 0 && f.calls[len(f.calls)-1] == "StopFactory" }

// reason returns the last reason.
func (f *factory) reason() error {
	if len(f.reasons) == 0 {
		return nil
	}
	return f.reasons[len(f.reasons)-1]
}

// pattern returns n bytes, which are not to be changed, of which no two
// stretches look alike, so that lost, doubled or swapped ones show.
func pattern(n int) []byte { return noise()[:n:n] }

// much returns more bytes than the kernel keeps for a peer that does not read.
func (s *scene) much() []byte { return pattern(s.keeps * 2) }

// noise makes the bytes of all patterns.
var noise = sync.OnceValue(func() []byte {
	p := make([]byte, 16<<20)
	x := uint64(88172645463325252)
	for i := 0; i < len(p); i += 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		binary.LittleEndian.PutUint64(p[i:], x)
	}
	return p
})
