package policies

import (
	"net"

	"skein/protocol"
)

// Client is f with its protocols built by another factory: one of this package
// that wraps f. The loop then builds through the policy, and f hears of each
// attempt as before.
//
//	policies.Client(f, &policies.TimeoutFactory{Factory: f, Idle: time.Minute, Clock: r})
//
// Twisted: policies.WrappingFactory is both.
func Client(f protocol.ClientFactory, builder protocol.Factory) protocol.ClientFactory {
	return &client{ClientFactory: f, builder: builder}
}

// client is a client factory whose protocols another factory builds.
type client struct {
	protocol.ClientFactory
	builder protocol.Factory
}

// BuildProtocol asks the other factory.
func (c *client) BuildProtocol(addr net.Addr) protocol.Protocol { return c.builder.BuildProtocol(addr) }

// Every factory here forwards [protocol.StartStopper] to the one it wraps, or
// does nothing if that has no such power.

func startFactory(f protocol.Factory) {
	if s, ok := f.(protocol.StartStopper); ok {
		s.StartFactory()
	}
}

func stopFactory(f protocol.Factory) {
	if s, ok := f.(protocol.StartStopper); ok {
		s.StopFactory()
	}
}

// StartFactory passes the call on.
func (c *client) StartFactory() { startFactory(c.builder) }

// StopFactory passes the call on.
func (c *client) StopFactory() { stopFactory(c.builder) }

// StartFactory passes the call on.
func (f *WrappingFactory) StartFactory() { startFactory(f.Factory) }

// StopFactory passes the call on.
func (f *WrappingFactory) StopFactory() { stopFactory(f.Factory) }

// StartFactory passes the call on.
func (f *TimeoutFactory) StartFactory() { startFactory(f.Factory) }

// StopFactory passes the call on.
func (f *TimeoutFactory) StopFactory() { stopFactory(f.Factory) }

// StartFactory passes the call on.
func (l *TotalLimit) StartFactory() { startFactory(l.Factory) }

// StopFactory passes the call on.
func (l *TotalLimit) StopFactory() { stopFactory(l.Factory) }

// StartFactory passes the call on.
func (l *PeerLimit) StartFactory() { startFactory(l.Factory) }

// StopFactory passes the call on.
func (l *PeerLimit) StopFactory() { stopFactory(l.Factory) }

// StartFactory passes the call on.
func (f *ThrottlingFactory) StartFactory() { startFactory(f.Factory) }

// StopFactory passes the call on.
func (f *ThrottlingFactory) StopFactory() { stopFactory(f.Factory) }

// StartFactory passes the call on.
func (f *TrafficLog) StartFactory() { startFactory(f.Factory) }

// StopFactory passes the call on.
func (f *TrafficLog) StopFactory() { stopFactory(f.Factory) }
