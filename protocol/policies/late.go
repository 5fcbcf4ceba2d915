package policies

import "skein/deferred/clock"

// late is the transport of a protocol that takes over a [Switch] after the
// peer's end of input has come. The transport below has no more to read, so
// this one knows whether the protocol is paused: it is told of the end when it
// has what is before that.
type late struct {
	ProtocolWrapper
	line *Switch

	paused bool
	told   bool               // of the end
	soon   *clock.DelayedCall // the end is about to be told
}

// PauseProducing keeps the end back.
func (l *late) PauseProducing() {
	l.paused = true
	l.stop()
	l.Transport.PauseProducing()
}

// ResumeProducing lets it come; never from inside the call.
func (l *late) ResumeProducing() {
	l.paused = false
	l.Transport.ResumeProducing()
	if l.soon == nil && !l.told && l.line.late == l && !l.line.lost {
		l.soon = l.line.Clock.CallLater(0, l.tell)
	}
}

// reads reports whether the end can be told now.
func (l *late) reads() bool { return !l.paused && !l.told && l.soon == nil }

// tell tells the end to a protocol that has resumed.
func (l *late) tell() {
	l.soon = nil
	if s := l.line; s.late == l && l.reads() && s.settled() {
		contain(s.transport, func() { s.guard(s.tellEnd); s.handOver() })
	}
}

// stop cancels what is set; a nil one has nothing.
func (l *late) stop() {
	if l != nil {
		stop(&l.soon)
	}
}
