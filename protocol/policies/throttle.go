package policies

import (
	"errors"
	"net"

	"skein/deferred/clock"
	"skein/protocol"
)

// ThrottlingFactory slows connections down: each to a rate of its own, and all
// together to one that they share. What a connection reads waits here, at most
// one read of the transport's, which is paused meanwhile; so the peer is slowed
// down. What it writes waits here, too, and LoseConnection waits for it; a
// producer that is registered is paused by watermarks, as by a transport.
//
//	           inflow                    outflow
//	Transport ──held──▶ Protocol ── Write ──▶ queue ──▶ Transport
//	             ▲                              ▲
//	      tokens of its own              tokens of its own
//	      and of the factory's           and of the factory's
//
// Twisted: policies.ThrottlingFactory, which counts by the second and slows down
// only producers.
type ThrottlingFactory struct {
	protocol.Factory

	// Clock is the loop's.
	Clock clock.Scheduler
	// Read and Write are the rates of all connections together.
	Read, Write Rate
	// ReadEach and WriteEach are the rates of each connection.
	ReadEach, WriteEach Rate

	read, write *bucket
	ready       bool // the buckets are made
}

// BuildProtocol wraps the factory's protocol, once for each direction that has
// a limit.
func (f *ThrottlingFactory) BuildProtocol(addr net.Addr) protocol.Protocol {
	if !f.ready {
		f.ready = true
		f.read, f.write = newBucket(f.Clock, f.Read), newBucket(f.Clock, f.Write)
	}
	p := f.Factory.BuildProtocol(addr)
	if f.WriteEach.BytesPerSecond > 0 || f.write != nil {
		o := &outflow{clock: f.Clock}
		o.flow = newFlow(o, newBucket(f.Clock, f.WriteEach), f.write)
		p = Wrap(o, p)
	}
	if f.ReadEach.BytesPerSecond > 0 || f.read != nil {
		in := &inflow{clock: f.Clock}
		in.flow = newFlow(in, newBucket(f.Clock, f.ReadEach), f.read)
		p = Wrap(in, p)
	}
	return p
}

// ErrPanicked is the cause when a protocol's panic, in a call that a policy
// makes by a timer, has cost its connection. The loop logs the panic.
var ErrPanicked = errors.New("policies: the protocol panicked")

// contain makes a panic in f cost the connection, wherever f is called from.
// The panic goes on, for the loop to log.
func contain(t protocol.Transport, f func()) {
	sound := false
	defer func() {
		if !sound {
			t.AbortConnectionCause(ErrPanicked)
		}
	}()
	f()
	sound = true
}
