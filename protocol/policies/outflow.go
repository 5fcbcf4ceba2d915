package policies

import (
	"bytes"
	"net"

	"skein/deferred/clock"
	"skein/protocol"
)

// outflow is a connection whose output is slowed down. To the protocol above it
// is what a transport is. To the transport below, its queue is a producer: a
// pull producer while there is something in it, for which every close waits,
// whoever asked for it; and else what the protocol's own producer is, so that
// the end of an idle one's peer is seen.
//
//	Protocol ── Write ──▶ queue ── tokens ──▶ Transport
//	producer ◀── pause, resume ──┘   └◀── resume ──┘
type outflow struct {
	ProtocolWrapper
	clock clock.Scheduler
	flow  *flow

	queue [][]byte // no piece is empty
	size  int      // the sum of their lengths

	role    role // below
	room    bool // the transport has asked for more, or has not paused
	closing bool // LoseConnection, from above
	writing bool // a Write passes its bytes on
	shut    bool // LoseWriteConnection

	producer protocol.Producer     // above
	push     protocol.PushProducer // the same, if it streams
	paused   bool                  // push has been paused
	asking   *clock.DelayedCall    // a pull producer is about to be asked
}

// role says as what an outflow is registered with the transport below.
type role uint8

const (
	unregistered role = iota
	pulled            // asked for more when the transport's queue is empty
	streaming         // paused and resumed
)

// The watermarks of both queues together, in bytes.
const (
	highWater = 64 << 10
	lowWater  = 16 << 10
)

// errWriteShut is the error of writing after LoseWriteConnection.
var errWriteShut error = &net.OpError{Op: "write", Err: net.ErrClosed}

// Write lets through what there are tokens for and queues a copy of the rest.
func (o *outflow) Write(p []byte) (int, error) {
	if err := o.writable(); err != nil {
		return 0, err
	}
	o.passAll(p)
	return len(p), nil
}

// WriteSequence writes the slices one after the other.
func (o *outflow) WriteSequence(bufs [][]byte) error {
	if err := o.writable(); err != nil {
		return err
	}
	o.passAll(bufs...)
	return nil
}

// WriteShared queues p itself, which goes on in pieces, uncopied.
func (o *outflow) WriteShared(p []byte) error {
	if err := o.writable(); err != nil {
		return err
	}
	o.add(p)
	o.settle()
	return nil
}

// LoseConnection notes who closes. The transport waits for what is queued: it
// has a producer.
func (o *outflow) LoseConnection() { o.LoseConnectionCause(nil) }

// LoseConnectionCause notes who closes.
func (o *outflow) LoseConnectionCause(cause error) {
	o.closing = o.closing || !o.Disconnecting()
	o.Transport.LoseConnectionCause(cause)
}

// LoseWriteConnection notes that no more is to be written.
func (o *outflow) LoseWriteConnection() {
	o.shut = true
	o.Transport.LoseWriteConnection()
}

// Buffered counts what waits here, too.
func (o *outflow) Buffered() int { return o.size + o.Transport.Buffered() }

// ConnectionLost drops what is queued.
func (o *outflow) ConnectionLost(reason error) {
	o.drop()
	o.ProtocolWrapper.ConnectionLost(reason)
}

// RegisterProducer makes p the source of what is written.
func (o *outflow) RegisterProducer(p protocol.Producer, streaming bool) error {
	push, ok := p.(protocol.PushProducer)
	switch {
	case o.producer != nil:
		return protocol.ErrProducerRegistered
	case streaming && !ok:
		return protocol.ErrNotPushProducer
	}
	if err := o.writable(); err != nil {
		p.StopProducing()
		return err
	}
	o.producer, o.push, o.paused = p, nil, false
	if streaming {
		o.push = push
	}
	o.settle()
	return nil
}

// UnregisterProducer says that the producer has written its last.
func (o *outflow) UnregisterProducer() {
	o.producer, o.push = nil, nil
	stop(&o.asking)
	o.settle()
}

// writable returns the error of writing too late. The transport alone cannot
// tell: it lets its producer, this queue, go on.
func (o *outflow) writable() error {
	_, err := o.Transport.Write(nil)
	switch {
	case err != nil:
		return err
	case o.producer != nil:
		return nil
	case o.Disconnecting():
		return protocol.ErrConnectionDone
	case o.shut:
		return errWriteShut
	}
	return nil
}

// passAll passes the slices on, queues copies of the rest, and settles.
func (o *outflow) passAll(bufs ...[]byte) {
	o.writing = true
	for _, p := range bufs {
		o.add(bytes.Clone(o.pass(p)))
	}
	o.writing = false
	o.settle()
}

// pass writes what there are tokens for, unless something is before it, and
// returns the rest.
func (o *outflow) pass(p []byte) []byte {
	for len(p) > 0 && o.size == 0 && o.open() {
		n := o.flow.grant(len(p))
		if n == 0 {
			break
		}
		_, _ = o.Transport.Write(p[:n]) // its end will be told
		p = p[n:]
		o.moved()
	}
	return p
}

// open reports whether the transport takes more.
func (o *outflow) open() bool { return o.role == unregistered || o.room }

// moved follows every write to the transport.
func (o *outflow) moved() {
	if o.role == pulled {
		o.room = false // until it asks again
	}
}

// add queues p.
func (o *outflow) add(p []byte) {
	if len(p) > 0 {
		o.queue = append(o.queue, p)
		o.size += len(p)
	}
}

// wants returns how much is queued for a transport that takes it.
func (o *outflow) wants() int {
	if !o.open() {
		return 0
	}
	return o.size
}

// move passes the next n bytes on, without a copy: nobody changes the pieces.
func (o *outflow) move(n int) {
	o.size -= n
	for n > 0 {
		piece := o.queue[0]
		if len(piece) > n {
			piece, o.queue[0] = piece[:n], piece[n:]
		} else {
			o.queue[0] = nil
			o.queue = o.queue[1:]
		}
		n -= len(piece)
		_ = o.Transport.WriteShared(piece) // its end will be told
	}
	o.moved()
	o.settle()
}

// settle follows every change: it takes the right role below, has what is queued
// stand in line, and tells the producer above how things are.
func (o *outflow) settle() {
	if !o.takeRole() {
		return
	}
	if o.wants() > 0 {
		o.flow.pump()
	}
	o.tell()
}

// takeRole registers below as what is needed now. It reports false if there is
// nothing more to do: the producers have been stopped.
//
// A connection that is being closed takes no registration. One that has the
// other role goes on with that: its close waits for either, if the protocol
// closed; if the peer did, it must not wait for a push producer that may never
// write again.
func (o *outflow) takeRole() bool {
	need := o.needs()
	switch {
	case need == o.role:
		return true
	case need == unregistered:
		o.role = unregistered
		o.Transport.UnregisterProducer()
		return true
	case o.role != unregistered && o.Disconnecting():
		if need == streaming && !o.closing {
			o.Transport.UnregisterProducer()
			below{o}.StopProducing()
			return false
		}
		return true
	case o.role != unregistered && o.shut:
		return true
	case o.role != unregistered:
		o.Transport.UnregisterProducer()
	}
	o.role, o.room = need, need == streaming
	return o.Transport.RegisterProducer(below{o}, need == streaming) == nil // else StopProducing has come
}

// needs returns the role that fits.
func (o *outflow) needs() role {
	switch {
	case o.size > 0, o.producer != nil && (o.push == nil || o.paused):
		return pulled
	case o.push != nil:
		return streaming
	}
	return unregistered
}

// tell lets the producer above know whether there is room, here and below.
func (o *outflow) tell() {
	switch {
	case o.producer == nil:
	case o.push == nil:
		if o.size == 0 && o.room && o.asking == nil {
			o.asking = o.clock.CallLater(0, o.ask)
		}
	case !o.paused && o.Buffered() > highWater:
		o.paused = true
		o.push.PauseProducing()
		o.takeRole() // asked when the transport is empty: nobody else tells when to go on
	case o.paused && (o.Buffered() <= lowWater || o.size == 0 && o.role == streaming && o.room):
		o.paused = false
		contain(o.Transport, o.push.ResumeProducing)
		o.takeRole()
	}
}

// ask asks a pull producer for one more piece.
func (o *outflow) ask() {
	o.asking = nil
	if o.producer != nil && o.size == 0 && o.room {
		contain(o.Transport, o.producer.ResumeProducing)
	}
}

// drop forgets what is queued.
func (o *outflow) drop() {
	o.queue, o.size = nil, 0
	o.flow.rest()
	stop(&o.asking)
}

// below is an outflow as the producer of the transport below: its methods have
// the names of a transport's.
type below struct{ o *outflow }

// PauseProducing keeps everything here.
func (b below) PauseProducing() {
	b.o.room = false
	b.o.flow.rest()
	if !b.o.writing { // else settle tells, behind all of what is being written
		b.o.tell()
	}
}

// ResumeProducing lets it go on.
func (b below) ResumeProducing() {
	b.o.room = true
	b.o.settle()
}

// Waiting tells a transport that is being closed that this waits for tokens.
func (b below) Waiting() bool { return b.o.size > 0 && b.o.room }

// StopProducing says that the connection is over, or was before the queue could
// register.
func (b below) StopProducing() {
	b.o.role = unregistered
	b.o.drop()
	if p := b.o.producer; p != nil {
		b.o.producer, b.o.push = nil, nil
		p.StopProducing()
	}
}
