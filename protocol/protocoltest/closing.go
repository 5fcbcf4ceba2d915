package protocoltest

import (
	"syscall"

	"skein/protocol"
)

// How an end ends. LoseConnection and the peer's end of input lead through
// three states, each entered in a step of its own:
//
//	disconnecting ── queue empty, no producer ──▶ finSent
//	finSent ─── the peer has read to the end ───▶ lost
//
// AbortConnection skips them: it sets the reason of both ends, and each is
// lost in its next step.

// LoseConnection closes once the queue has been read.
func (e *End) LoseConnection() { e.LoseConnectionCause(nil) }

// LoseConnectionCause closes once the queue has been read, for that cause.
func (e *End) LoseConnectionCause(cause error) {
	if e.disconnecting || e.over() {
		return
	}
	e.disconnecting, e.cause = true, cause
}

// LoseWriteConnection closes the writing side once a registered producer has
// unregistered and the queue has been read. It does nothing to a connection that is being closed anyway.
func (e *End) LoseWriteConnection() {
	if !e.disconnecting {
		e.shutting = true
	}
}

// AbortConnection ends both ends: the peer sees a reset.
func (e *End) AbortConnection() { e.AbortConnectionCause(nil) }

// AbortConnectionCause ends both ends, this one for that cause.
func (e *End) AbortConnectionCause(cause error) {
	if e.over() {
		return
	}
	if cause == nil {
		cause = e.cause // a close that was going on had one
	}
	e.end(protocol.CloseReason(protocol.ErrConnectionAborted, cause))
	e.peer.end(protocol.CloseReason(protocol.ErrConnectionLost, syscall.ECONNRESET))
}

// Disconnecting reports whether the protocol has closed or aborted the
// connection, or it is over.
func (e *End) Disconnecting() bool { return e.disconnecting || e.over() }

// over reports whether nothing can be written or read any more.
func (e *End) over() bool { return e.lost || e.reason != nil }

// end drops what is queued and leaves the rest to the next step.
func (e *End) end(reason error) {
	if !e.over() {
		e.reason = reason
		e.out.drop()
	}
}

// mayShut reports whether all has been written that ever will be.
func (e *End) mayShut() bool {
	closing := (e.shutting || e.disconnecting) && e.producer == nil
	return closing && !e.finSent && e.out.size == 0
}

// shut sends the end of input to the peer.
func (e *End) shut() {
	e.finSent = true
	if h, ok := e.protocol.(protocol.HalfCloser); ok && !e.disconnecting {
		h.WriteConnectionLost()
	}
}

// mayReadEnd reports whether the peer's end of input can be read. To a
// protocol that has paused it comes after ResumeProducing, as data does.
func (e *End) mayReadEnd() bool {
	return e.peer.finSent && !e.eof && (!e.paused || e.disconnecting)
}

// readEnd reads the peer's end of input. A protocol that has no use for half a
// connection closes, but what it has written still goes out.
func (e *End) readEnd() {
	e.eof = true
	if h, ok := protocol.AsHalfCloser(e.protocol); ok && !e.disconnecting {
		h.ReadConnectionLost()
		return
	}
	e.LoseConnection()
}

// starves reports whether a producer works for a peer that is gone.
func (e *End) starves() bool { return e.peer.lost && e.producer != nil }

// starve ends a connection whose producer would write to nobody, as the reset
// does that answers the next write.
func (e *End) starve() {
	e.end(protocol.CloseReason(protocol.ErrConnectionLost, syscall.EPIPE))
}

// done reports whether both directions are over: the peer has read all there
// was, and this end wants no more or has read all there was.
func (e *End) done() bool {
	return e.finSent && (e.peer.eof || e.peer.lost) && (e.disconnecting || e.eof)
}

// finish tells the protocol that the connection is over.
func (e *End) finish(reason error) {
	e.lost = true
	e.out.drop()
	if p := e.producer; p != nil {
		e.producer = nil
		p.StopProducing()
	}
	e.protocol.ConnectionLost(reason)
}
