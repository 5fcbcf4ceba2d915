package policies

import (
	"bytes"
	"net"

	"skein/deferred/clock"
	"skein/protocol"
)

// outflow is a connection whose output is slowed down. To the transport below,
// its queue is a producer for as long as there is something in it or may come:
// so a close waits for it, whoever asked for the close, and a full transport
// pauses it. To the protocol above it is what a transport is.
//
//	Protocol ── Write ──▶ queue ── tokens ──▶ Transport
//	producer ◀── pause, resume ──┘   └◀── pause, resume ──┘
type outflow struct {
	ProtocolWrapper
	clock clock.Scheduler
	flow  *flow

	queue [][]byte // no piece is empty
	size  int      // the sum of their lengths

	registered bool // below
	held       bool // PauseProducing has come from below
	shut       bool // LoseWriteConnection

	producer protocol.Producer     // above
	push     protocol.PushProducer // the same, if it streams
	paused   bool                  // push has been paused
	asking   *clock.DelayedCall    // a pull producer is about to be asked
}

// The watermarks of the queue, in bytes.
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
	o.add(bytes.Clone(o.pass(p)))
	o.settle()
	return len(p), nil
}

// WriteSequence writes the slices one after the other.
func (o *outflow) WriteSequence(bufs [][]byte) error {
	if err := o.writable(); err != nil {
		return err
	}
	for _, p := range bufs {
		o.add(bytes.Clone(o.pass(p)))
	}
	o.settle()
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

// LoseWriteConnection notes that no more is to be written. The transport waits
// for what is queued: it has a producer.
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

// pass writes what there are tokens for, unless something is before it, and
// returns the rest.
func (o *outflow) pass(p []byte) []byte {
	for len(p) > 0 && o.size == 0 && !o.held {
		n := o.flow.grant(len(p))
		if n == 0 {
			break
		}
		_, _ = o.Transport.Write(p[:n]) // its end will be told
		p = p[n:]
	}
	return p
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
	if o.held {
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
	o.settle()
}

// settle follows every change: it registers below while there is a reason, has
// what is queued stand in line, and tells the producer above how things are.
func (o *outflow) settle() {
	if needed := o.size > 0 || o.producer != nil; needed != o.registered {
		o.registered = needed
		if !needed {
			o.Transport.UnregisterProducer()
		} else if o.Transport.RegisterProducer(below{o}, true) != nil {
			return // StopProducing has come
		}
	}
	if o.wants() > 0 {
		o.flow.pump()
	}
	o.tell()
}

// tell lets the producer above know whether there is room: here, and below.
func (o *outflow) tell() {
	switch {
	case o.producer == nil:
	case o.push == nil:
		if o.size == 0 && !o.held && o.asking == nil {
			o.asking = o.clock.CallLater(0, o.ask)
		}
	case !o.paused && (o.held || o.size > highWater):
		o.paused = true
		o.push.PauseProducing()
	case o.paused && !o.held && o.size <= lowWater:
		o.paused = false
		contain(o.Transport, o.push.ResumeProducing)
	}
}

// ask asks a pull producer for one more piece.
func (o *outflow) ask() {
	o.asking = nil
	if o.producer != nil && o.size == 0 && !o.held {
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
	b.o.held = true
	b.o.flow.rest()
	b.o.tell()
}

// ResumeProducing lets it go on.
func (b below) ResumeProducing() {
	b.o.held = false
	b.o.settle()
}

// StopProducing says that the connection is over, or was before the queue could
// register.
func (b below) StopProducing() {
	b.o.registered = false
	b.o.drop()
	if p := b.o.producer; p != nil {
		b.o.producer, b.o.push = nil, nil
		p.StopProducing()
	}
}
