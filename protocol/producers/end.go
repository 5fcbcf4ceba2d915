package producers

import (
	"errors"

	"skein/protocol"
)

// PipeEnd is the protocol of one of the two connections of a [Pipe].
type PipeEnd struct {
	protocol.Base

	// OnLost is told that the connection of this end is over, and why, before
	// the other end is closed: to stop connecting for that, say. nil: nobody is.
	OnLost func(reason error)

	pipe  *Pipe
	peer  *PipeEnd
	moved int64  // bytes from here to the peer
	held  []byte // what has come before the peer could take it: one read, then it pauses

	made   bool  // the connection stands or has stood
	ended  bool  // the end of input has come
	fed    bool  // the peer's reading is registered as the producer of this transport
	over   bool  // the connection has ended, or will not be
	first  bool  // it was the first of the two
	reason error // why
}

var _ protocol.HalfCloser = (*PipeEnd)(nil)

// Moved returns how many bytes have come here and been passed on.
func (e *PipeEnd) Moved() int64 { return e.moved }

// Fail says that there will be no connection for this end, as from
// ClientConnectionFailed. The other end is closed with the cause.
func (e *PipeEnd) Fail(cause error) {
	if e.made || e.over {
		return
	}
	e.end(cause)
	if e.peer.live() {
		e.peer.Transport.LoseConnectionCause(cause)
	}
	e.pipe.tell()
}

// ConnectionMade waits for the other end, or lets the bytes flow.
func (e *PipeEnd) ConnectionMade() {
	e.made = true
	switch {
	case e.over: // Fail had given it up
		e.Transport.LoseConnectionCause(e.reason)
	case e.peer.over:
		cause := causeOf(e.peer.reason)
		if !e.peer.made {
			cause = e.peer.reason // Fail's
		}
		e.Transport.LoseConnectionCause(cause)
	case e.peer.made:
		e.pipe.join(e.peer)
	default:
		e.Transport.PauseProducing()
	}
}

// DataReceived passes the bytes on. If somebody has closed the other side, they
// are dropped: that side only waits for its producer, which is this one, and
// closes this one when it is over.
func (e *PipeEnd) DataReceived(data []byte) {
	if !e.peer.made && !e.peer.over {
		e.held = append(e.held, data...) // the rest of a read, or what a Switch has left
		return
	}
	if e.peer.live() && !e.peer.Transport.Disconnecting() {
		if _, err := e.peer.Transport.Write(data); err == nil {
			e.moved += int64(len(data))
			return
		}
	}
	e.peer.starve()
}

// passHeld passes on what has come early.
func (e *PipeEnd) passHeld() {
	if data := e.held; len(data) > 0 {
		e.held = nil
		e.DataReceived(data)
	}
	if e.ended {
		e.ReadConnectionLost()
	}
}

// ReadConnectionLost ends the output of the other side.
func (e *PipeEnd) ReadConnectionLost() {
	e.ended = true
	if !e.peer.made && !e.peer.over {
		return // passHeld makes up for it
	}
	e.peer.starve()
	if e.peer.live() {
		e.peer.Transport.LoseWriteConnection()
	}
}

// WriteConnectionLost does nothing: the other direction goes on.
func (e *PipeEnd) WriteConnectionLost() {}

// ConnectionLost ends the other side as this one has ended.
func (e *PipeEnd) ConnectionLost(reason error) {
	e.fed = false
	e.end(reason)
	defer e.pipe.tell()
	defer e.endPeer(reason) // whatever OnLost does
	if e.OnLost != nil {
		e.OnLost(reason)
	}
}

// endPeer ends the other side as this one has ended.
func (e *PipeEnd) endPeer(reason error) {
	if !e.peer.live() {
		return
	}
	e.peer.starve()
	if errors.Is(reason, protocol.ErrConnectionLost) {
		e.peer.Transport.AbortConnectionCause(causeOf(reason))
	} else {
		e.peer.Transport.LoseConnectionCause(causeOf(reason))
	}
}

// live reports whether the end has a connection.
func (e *PipeEnd) live() bool { return e.made && !e.over }

// end notes that this end is over.
func (e *PipeEnd) end(reason error) {
	e.over, e.reason, e.held = true, reason, nil
	e.first = !e.peer.over
}

// starve tells the transport that the peer has read its last.
func (e *PipeEnd) starve() {
	if e.fed && !e.over {
		e.fed = false
		e.Transport.UnregisterProducer()
	}
}

// pause stops reading: the other side's queue is full.
func (e *PipeEnd) pause() {
	if e.live() && !e.Transport.Disconnecting() {
		e.Transport.PauseProducing()
	}
}

// resume reads again.
func (e *PipeEnd) resume() {
	if e.live() && !e.Transport.Disconnecting() {
		e.Transport.ResumeProducing()
	}
}
