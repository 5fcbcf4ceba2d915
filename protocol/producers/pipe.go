package producers

import (
	"errors"
	"net"

	"skein/deferred"
	"skein/protocol"
)

// Pipe joins two connections: what comes from one is written to the other, both
// ways, no faster than it is taken. A and B are the protocols of the two.
//
//	client ══ A ──────── B ══ server
//
//	p := producers.NewPipe()
//	r.ConnectTCP(server, &upstream{p.B})  // BuildProtocol returns p.B
//	return p.A                            // from the port's BuildProtocol
//
// The first one to connect is not read until the other one has. To join two
// connections that live already, hand them over: policies.Switch.To(p.A, unread).
//
//   - Back-pressure: while the queue to one side is above the transport's
//     high-water mark, the other side is not read. So a direction holds at most
//     that mark and one read.
//   - Half-close: the end of input of one side becomes the end of output of the
//     other, behind all that came before it.
//   - A close goes over to the other side as LoseConnection, so what is on its
//     way arrives. A reset or abort goes over as AbortConnection: nobody shall
//     take a part for the whole. The cause goes with both.
//
// Twisted: protocols.portforward, and registerProducer(transport, True).
type Pipe struct {
	// A and B are the protocols of the two connections.
	A, B *PipeEnd

	waiters []*deferred.Deferred
}

// PipeResult is how a [Pipe] has ended.
type PipeResult struct {
	// AToB and BToA are the numbers of bytes that were passed on.
	AToB, BToA int64
	// Reason is that of the connection that ended first, or what [PipeEnd.Fail]
	// was given.
	Reason error
}

// NewPipe returns a pipe whose ends wait for their connections.
func NewPipe() *Pipe {
	p := &Pipe{}
	p.A, p.B = &PipeEnd{pipe: p}, &PipeEnd{pipe: p}
	p.A.peer, p.B.peer = p.B, p.A
	return p
}

// Done returns a new Deferred that fires with a [PipeResult] when both
// connections have ended. It does not fail.
func (p *Pipe) Done() *deferred.Deferred {
	d := deferred.New()
	p.waiters = append(p.waiters, d)
	p.tell()
	return d
}

// tell fires the Deferreds if both ends are over.
func (p *Pipe) tell() {
	if !p.A.over || !p.B.over {
		return
	}
	result := PipeResult{AToB: p.A.moved, BToA: p.B.moved, Reason: p.A.reason}
	if p.B.first {
		result.Reason = p.B.reason
	}
	waiters := p.waiters
	p.waiters = nil
	for _, d := range waiters {
		d.Callback(result)
	}
}

// join lets the bytes flow, when both connections stand.
func (p *Pipe) join(waiting *PipeEnd) {
	waiting.resume()
	for _, e := range []*PipeEnd{p.A, p.B} {
		reader := Funcs{Pause: e.peer.pause, Resume: e.peer.resume}
		switch err := e.Transport.RegisterProducer(reader, true); {
		case err == nil:
			e.fed = true
		case !errors.Is(err, net.ErrClosed): // in that case its end will be told
			e.Transport.AbortConnectionCause(err) // two producers would write at once
			return
		}
	}
	waiting.passHeld()
}

// causeOf returns what led to the end of a connection, if that is known.
func causeOf(reason error) error {
	var c *protocol.CloseError
	if errors.As(reason, &c) {
		return c.Cause
	}
	return nil
}
