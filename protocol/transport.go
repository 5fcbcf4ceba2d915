package protocol

import (
	"io"
	"net"
	"time"
)

// Transport is a protocol's end of its connection. Its methods never block and
// belong to the loop's goroutine; use the loop's CallFromThread from another.
//
// Twisted: ITransport, ITCPTransport, IConsumer, IPushProducer.
type Transport interface {
	// Write queues a copy of p to be sent, in order, and returns len(p): it
	// never blocks, keeps no reference to p and sends nothing before the
	// running callback has returned. The queue has no bound of its own:
	// Buffered tells its length, and RegisterProducer bounds it. After
	// LoseConnection, LoseWriteConnection, AbortConnection or the connection's
	// end it returns 0 and an error that is net.ErrClosed; only a registered
	// producer may still write after LoseConnection and LoseWriteConnection,
	// which wait for it to unregister.
	io.Writer

	// WriteSequence queues copies of the slices as one write.
	//
	// Twisted: ITransport.writeSequence.
	WriteSequence(bufs [][]byte) error

	// WriteShared queues p itself, without a copy: the caller promises not to
	// change p until the connection is over. One poem that 10,000 slow readers
	// fetch then takes the memory of one poem.
	WriteShared(p []byte) error

	// LoseConnection closes the connection without losing anything: it stops
	// delivering input at once, waits for a registered producer to unregister,
	// sends what is queued, and lets the peer read it all; then ConnectionLost
	// comes with [ErrConnectionDone]. If the peer accepts nothing for the close
	// deadline, or the producer writes nothing, the connection is aborted. Calling
	// it twice does nothing.
	LoseConnection()

	// LoseConnectionCause is LoseConnection with the cause that ConnectionLost's
	// reason will wrap.
	LoseConnectionCause(cause error)

	// LoseWriteConnection waits for a registered producer to unregister, sends
	// what is queued, then closes the write side only;
	// [HalfCloser].WriteConnectionLost follows. Input still comes.
	LoseWriteConnection()

	// AbortConnection drops what is queued and resets the connection;
	// ConnectionLost comes with [ErrConnectionAborted], after the running
	// callback has returned.
	AbortConnection()

	// AbortConnectionCause is AbortConnection with the cause that
	// ConnectionLost's reason will wrap.
	AbortConnectionCause(cause error)

	// Disconnecting reports whether LoseConnection or AbortConnection has been
	// called or the connection is over: a receiver that has parsed further
	// stops delivering.
	Disconnecting() bool

	// LocalAddr returns this end's address. It stays valid after the end of the
	// connection.
	LocalAddr() net.Addr

	// RemoteAddr returns the peer's address. It stays valid after the end of the
	// connection.
	RemoteAddr() net.Addr

	// PauseProducing stops DataReceived until ResumeProducing. The kernel's
	// buffer then fills, and the peer is slowed down.
	PauseProducing()

	// ResumeProducing lets DataReceived come again, never from inside this call.
	// It does nothing once the connection is being closed.
	ResumeProducing()

	// RegisterProducer makes p the one source of what is written. A streaming
	// one must be a [PushProducer]: it is paused inside the Write that takes
	// the queue above the high-water mark and resumed when it has drained to
	// the low-water mark. One that does not stream is asked by ResumeProducing
	// for one more piece whenever the queue is empty, and first once the running
	// callback has returned. It returns [ErrProducerRegistered] if there is one
	// already, and [ErrNotPushProducer]; on a connection that is over or being
	// closed it calls p.StopProducing and returns an error that is net.ErrClosed.
	RegisterProducer(p Producer, streaming bool) error

	// UnregisterProducer says that the producer has written its last.
	UnregisterProducer()

	// Buffered returns the number of bytes that are queued here and that the
	// kernel has not taken yet.
	Buffered() int
}

// Producer writes to a transport when it is told that there is room. See
// [Transport].RegisterProducer.
//
// Twisted: IPullProducer.
type Producer interface {
	// ResumeProducing asks a pull producer for one more piece, and tells a push
	// producer to go on.
	ResumeProducing()
	// StopProducing says that the connection is over: produce no more.
	StopProducing()
}

// PushProducer is a [Producer] that writes of its own accord until paused.
//
// Twisted: IPushProducer.
type PushProducer interface {
	Producer
	// PauseProducing says that the queue has passed the high-water mark.
	PauseProducing()
}

// WaitingProducer is the optional power of a producer that holds bytes back by a
// clock of its own, as a throttle does: while Waiting says so, a close that waits
// for the producer waits on, however long that takes.
type WaitingProducer interface {
	Producer
	// Waiting reports whether there are bytes that the producer will write.
	Waiting() bool
}

// Unacknowledger is the optional power of a transport that knows what its peer
// has not taken yet: what is queued here, and what the system holds. When that
// shrinks, the peer is alive and reads.
type Unacknowledger interface {
	// Unacknowledged returns the number of bytes.
	Unacknowledged() int
}

// TCPOptions is the optional power of a transport that is a TCP connection.
//
// Twisted: ITCPTransport.
type TCPOptions interface {
	// SetNoDelay turns Nagle's algorithm off (true, as skein starts) or on.
	SetNoDelay(on bool) error
	// SetKeepAlive sends a probe after each period of silence; 0 turns it off.
	SetKeepAlive(period time.Duration) error
}
