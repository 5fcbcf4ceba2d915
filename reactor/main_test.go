package reactor_test

import (
	"fmt"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// TestMain runs the tests, or, in a process that a test has started with this
// variable, one of the servers that a test needs in a process of its own.
func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		os.Exit(children[name]())
	}
	goleak.VerifyTestMain(m)
}

// listen opens a port on the loopback interface, and returns it with its
// address.
func listen(t testing.TB, r *reactor.Reactor, f protocol.Factory) (*reactor.Port, string) {
	t.Helper()
	p, err := r.ListenTCP("127.0.0.1:0", f)
	if err != nil {
		t.Fatal(err)
	}
	return p, p.Addr().String()
}

// build makes a factory of a function that makes a protocol.
func build(f func() protocol.Protocol) protocol.Factory {
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return f() })
}

// closing closes the port when d has fired, and then goes on with d's result.
func closing(p *reactor.Port, d *deferred.Deferred) *deferred.Deferred {
	return d.AddBoth(func(result any, err error) (any, error) {
		return p.StopListening().AddCallback(func(any) (any, error) { return result, err }), nil
	})
}

// proto is a protocol made of functions; those that are nil do nothing.
type proto struct {
	protocol.Base
	made func(*proto)
	data func(*proto, []byte)
	lost func(*proto, error)
}

func (p *proto) ConnectionMade() {
	if p.made != nil {
		p.made(p)
	}
}

func (p *proto) DataReceived(data []byte) {
	if p.data != nil {
		p.data(p, data)
	}
}

func (p *proto) ConnectionLost(reason error) {
	if p.lost != nil {
		p.lost(p, reason)
	}
}

// echo returns a protocol that sends back what it gets.
func echo() protocol.Protocol {
	return &proto{data: func(p *proto, data []byte) { _, _ = p.Transport.Write(data) }}
}

// client is a client factory for one protocol; the first failure to connect is
// the test's.
type client struct {
	protocol.ClientFactoryBase
	t testing.TB
	p protocol.Protocol
}

func (c *client) BuildProtocol(net.Addr) protocol.Protocol { return c.p }

func (c *client) ClientConnectionFailed(_ protocol.Connector, reason error) {
	c.t.Errorf("connect: %v", reason)
}

// want reports a difference.
func want[T comparable](what string, got, expected T) error {
	if got != expected {
		return fmt.Errorf("%s: got %v, want %v", what, got, expected)
	}
	return nil
}
