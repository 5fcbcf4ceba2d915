package protocoltest

import (
	"fmt"
	"net"

	"skein/protocol"
)

// End is one end of a [Pair]: the transport of its protocol. Every method does
// what [protocol.Transport] says; what follows from it happens in a later
// [Pair.Step].
type End struct {
	// Addr is the address of this end: LocalAddr here, RemoteAddr at the peer.
	Addr net.Addr

	pair     *Pair
	peer     *End
	protocol protocol.Protocol

	// The writing side.
	out       outbox
	shutting  bool // LoseWriteConnection
	finSent   bool // the queue is empty and no more will come
	producer  protocol.Producer
	streaming bool
	owed      bool // it waits for ResumeProducing: to go on, or to write one more piece

	// The reading side.
	paused bool // PauseProducing
	eof    bool // the peer's end of input has been read

	// The life of the connection.
	made          bool  // ConnectionMade has come
	disconnecting bool  // LoseConnection, or the peer's end of input
	cause         error // what LoseConnectionCause was given
	reason        error // why the connection ends at once: an abort, a reset
	lost          bool  // ConnectionLost has come
}

var _ protocol.Transport = (*End)(nil)

// Write queues a copy of p.
func (e *End) Write(p []byte) (int, error) {
	if err := e.writable("Write"); err != nil {
		return 0, err
	}
	e.out.copyIn(p)
	e.filled()
	return len(p), nil
}

// WriteSequence queues copies of the slices as one write.
func (e *End) WriteSequence(bufs [][]byte) error {
	if err := e.writable("WriteSequence"); err != nil {
		return err
	}
	for _, p := range bufs {
		e.out.copyIn(p)
	}
	e.filled()
	return nil
}

// WriteShared queues p itself.
func (e *End) WriteShared(p []byte) error {
	if err := e.writable("WriteShared"); err != nil {
		return err
	}
	e.out.share(p)
	e.filled()
	return nil
}

// Buffered returns the number of bytes that the peer has not read yet.
func (e *End) Buffered() int { return e.out.size }

// LocalAddr returns Addr.
func (e *End) LocalAddr() net.Addr { return e.Addr }

// RemoteAddr returns the peer's Addr.
func (e *End) RemoteAddr() net.Addr { return e.peer.Addr }

// PauseProducing stops DataReceived, and the peer's end of input with it.
func (e *End) PauseProducing() { e.paused = true }

// ResumeProducing lets DataReceived come again.
func (e *End) ResumeProducing() { e.paused = false }

// Reading reports whether the protocol lets data come: it has neither paused
// nor closed.
func (e *End) Reading() bool { return !e.paused && !e.Disconnecting() }

// RegisterProducer makes p the source of what is written. It panics with an
// error that is [ErrMisuse] if p is nil.
func (e *End) RegisterProducer(p protocol.Producer, streaming bool) error {
	if p == nil {
		panic(fmt.Errorf("%w: RegisterProducer(nil): use UnregisterProducer to end", ErrMisuse))
	}
	if err := checkProducer(p, streaming, e.producer); err != nil {
		return err
	}
	if err := e.writable("RegisterProducer"); err != nil {
		p.StopProducing()
		return err
	}
	e.producer, e.streaming, e.owed = p, streaming, !streaming
	e.filled()
	return nil
}

// UnregisterProducer forgets the producer; a LoseConnection that waited for it
// goes on.
func (e *End) UnregisterProducer() { e.producer = nil }

// filled follows every write: it pauses a streaming producer whose queue has
// passed the high-water mark, and notes that a pull producer has delivered.
func (e *End) filled() {
	high := e.pair.HighWater
	if high == 0 {
		high = DefaultHighWater
	}
	switch {
	case e.producer == nil || e.owed || e.out.size == 0:
	case !e.streaming:
		e.owed = true
	case e.out.size > high:
		e.owed = true
		e.producer.(protocol.PushProducer).PauseProducing()
	}
}

// mayAsk reports whether the producer waits for a word and there is room. A
// pull producer waits once it is registered and whenever it has written.
func (e *End) mayAsk() bool {
	room := 0
	if e.streaming {
		room = e.pair.LowWater
	}
	return e.producer != nil && e.owed && e.out.size <= room
}

// ask tells the producer to go on.
func (e *End) ask() {
	e.owed = false
	e.producer.ResumeProducing()
}

// writable returns the error of a write that comes too late. A registered
// producer may go on after LoseConnection and LoseWriteConnection.
func (e *End) writable(method string) error {
	if e.over() || (e.shutting || e.disconnecting) && e.producer == nil {
		return closedError(method, e.ended())
	}
	return nil
}

// ended names what a late call comes after.
func (e *End) ended() string {
	switch {
	case e.lost:
		return "the end of the connection"
	case e.reason != nil:
		return "AbortConnection or a reset"
	case e.shutting:
		return "LoseWriteConnection"
	}
	return "LoseConnection or the peer's end of input"
}
