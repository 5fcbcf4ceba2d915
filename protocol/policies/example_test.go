package policies_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// echo sends back what it gets.
type echo struct{ protocol.Base }

func (e *echo) DataReceived(data []byte) { _, _ = e.Transport.Write(data) }

var echoes = protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &echo{} })

// Rules are put around a factory, one around the other; the protocol knows
// nothing of them.
func Example() {
	c := clock.NewFake() // a reactor in a program
	server := &policies.TotalLimit{Max: 1000, Factory: &policies.TimeoutFactory{
		Factory: echoes, Clock: c, Idle: time.Minute}}

	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "anybody there?") }
	pair := protocoltest.NewPair(client, server.BuildProtocol(addr))
	pair.Pump()
	fmt.Printf("%s (%d connection)\n", client.Received(), server.Open())

	c.Pump(15*time.Second, time.Minute) // the echo is seen to be taken, and then silence
	pair.Pump()
	fmt.Println(client.Reason(), server.Open())
	// Output:
	// anybody there? (1 connection)
	// connection was closed cleanly 0
}

// counter is a wrapper of one's own: it counts what is read.
type counter struct {
	policies.ProtocolWrapper
	read int
}

func (c *counter) DataReceived(data []byte) {
	c.read += len(data)
	c.ProtocolWrapper.DataReceived(data)
}

func (c *counter) ConnectionLost(reason error) {
	c.ProtocolWrapper.ConnectionLost(reason)
	fmt.Println("bytes read:", c.read)
}

func ExampleWrappingFactory() {
	f := &policies.WrappingFactory{Factory: echoes, Wrap: func(net.Addr) policies.Wrapper { return &counter{} }}

	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "count me"); client.Transport.LoseConnection() }
	protocoltest.NewPair(client, f.BuildProtocol(addr)).Pump()
	// Output:
	// bytes read: 8
}

// The reason of ConnectionLost names the timeout.
func ExampleTimeoutError() {
	c, server := clock.NewFake(), &protocoltest.Recorder{}
	f := &policies.TimeoutFactory{Clock: c, Handshake: 5 * time.Second,
		Factory: protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return server })}
	pair := protocoltest.NewPair(&protocoltest.Recorder{}, f.BuildProtocol(addr))
	pair.Pump()
	c.Advance(5 * time.Second)
	pair.Pump()

	var timeout *policies.TimeoutError
	fmt.Println(server.Reason())
	fmt.Println(errors.As(server.Reason(), &timeout), timeout.Kind)
	// Output:
	// connection was closed cleanly: handshake timeout after 5s
	// true handshake
}

// shy hangs up when nothing has come for three seconds.
type shy struct {
	receiver
	policies.TimeoutMixin
	clock clock.Scheduler
}

func (s *shy) ConnectionMade() {
	s.BindTimeout(s.clock, s.Transport, s)
	s.SetTimeout(3 * time.Second)
}

func (s *shy) DataReceived([]byte) { s.ResetTimeout() }

func ExampleTimeoutMixin() {
	c, tr := clock.NewFake(), protocoltest.NewStringTransport()
	s := &shy{clock: c}
	s.MakeConnection(tr)
	s.ConnectionMade()

	c.Advance(2 * time.Second)
	s.DataReceived([]byte("hello"))
	c.Advance(2 * time.Second)
	fmt.Println("closed:", tr.Disconnecting())
	c.Advance(time.Second)
	fmt.Println("closed:", tr.Disconnecting(), "for:", tr.Cause())
	s.ConnectionLost(protocol.ErrConnectionDone)
	// Output:
	// closed: false
	// closed: true for: idle timeout after 3s
}

// port shows what a listener is told.
type port struct{}

func (port) PauseAccepting()  { fmt.Println("the port pauses") }
func (port) ResumeAccepting() { fmt.Println("the port accepts") }

// At the limit the port stops accepting; who comes then waits, and is served
// when somebody leaves.
func ExampleTotalLimit_PauseAtLimit() {
	l := &policies.TotalLimit{Factory: echoes, Max: 2}
	l.PauseAtLimit(port{})

	l.BuildProtocol(addr)
	p := l.BuildProtocol(addr)
	p.ConnectionLost(protocol.ErrConnectionDone)
	// Output:
	// the port pauses
	// the port accepts
}

func ExampleThrottlingFactory() {
	c := clock.NewFake()
	f := &policies.ThrottlingFactory{Factory: echoes, Clock: c,
		WriteEach: policies.Rate{BytesPerSecond: 10, Burst: 5}}
	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "all in good time") }
	pair := protocoltest.NewPair(client, f.BuildProtocol(addr))
	for range 4 {
		pair.Pump()
		fmt.Printf("%q\n", client.Received())
		c.Advance(500 * time.Millisecond)
	}
	// Output:
	// "all i"
	// "all in goo"
	// "all in good tim"
	// "all in good time"
}

func ExampleTrafficLog() {
	f := &policies.TrafficLog{Factory: echoes, Writer: os.Stdout}
	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "hello\n"); client.Transport.LoseConnection() }
	protocoltest.NewPair(client, f.BuildProtocol(addr)).Pump()
	// Output:
	// 1 + 192.0.2.1:1234
	// 1 < "hello\n"
	// 1 > "hello\n"
	// 1 - connection was closed cleanly
}

// One port, two protocols: the first bytes decide.
func ExampleSniffer() {
	loud := protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
		return policies.Wrap(&shouting{}, &echo{})
	})
	f := &policies.Sniffer{Choose: func(first []byte, _ bool) (protocol.Factory, bool) {
		switch {
		case first[0] == '!':
			return loud, false
		default:
			return echoes, false
		}
	}}
	for _, line := range []string{"hello", "!hello"} {
		client := &protocoltest.Recorder{}
		client.OnMade = func() { fmt.Fprint(client.Transport, line) }
		protocoltest.NewPair(client, f.BuildProtocol(addr)).Pump()
		fmt.Printf("%s\n", client.Received())
	}
	// Output:
	// hello
	// !HELLO
}

// upgrade is a protocol that gives its connection away at a word.
type upgrade struct {
	protocol.Base
	line *policies.Switch
}

func (u *upgrade) DataReceived(data []byte) {
	_, rest, found := bytes.Cut(data, []byte("UPGRADE "))
	if found {
		_ = u.line.To(&echo{}, rest)
	}
}

func ExampleSwitch() {
	u := &upgrade{}
	u.line = policies.NewSwitch(u)
	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "UPGRADE now it echoes") }
	protocoltest.NewPair(client, u.line).Pump()
	fmt.Printf("%s\n", client.Received())
	// Output:
	// now it echoes
}

// persistent is a client factory that does not give up at once.
type persistent struct {
	policies.ReconnectingClientFactory
	protocol.FactoryFunc
}

func ExampleReconnectingClientFactory() {
	c, f := clock.NewFake(), &persistent{}
	f.Clock, f.Jitter, f.MaxRetries = c, -1, 3
	f.Log = func(r policies.Retry) {
		if r.Abandoned != nil {
			fmt.Println("giving up:", r.Abandoned)
			return
		}
		fmt.Printf("retry %d in %v: %v\n", r.Attempt, r.Delay.Round(time.Millisecond), r.Reason)
	}
	l := &line{f: f} // what ConnectTCP returns
	_ = l.Connect()
	for l.state == protocol.Connecting {
		l.fail(protocol.ErrConnectTimeout)
		c.Advance(time.Minute)
	}
	// Output:
	// retry 1 in 2.718s: connect poem:1: timed out
	// retry 2 in 7.389s: connect poem:1: timed out
	// retry 3 in 20.086s: connect poem:1: timed out
	// giving up: policies: too many retries
}
