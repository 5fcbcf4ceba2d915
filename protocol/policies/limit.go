package policies

import (
	"net"

	"skein/protocol"
)

// AcceptPauser is a listener that can leave clients waiting: a reactor's Port.
// Those that come while it is paused stay in the kernel's queue, neither
// accepted nor closed. Pausing twice is pausing once.
type AcceptPauser interface {
	// PauseAccepting accepts no more, from now on, even if it is called while
	// connections are being accepted.
	PauseAccepting()
	// ResumeAccepting accepts again, but never from inside the call.
	ResumeAccepting()
}

// TotalLimit bounds how many connections of a factory are open at once. The
// listeners that it is told of by [TotalLimit.PauseAtLimit] stop accepting at
// the limit: a client then waits until another leaves, instead of being turned
// away. A connection over the limit that comes all the same, because no
// listener is known, goes to Overflow, or is closed.
//
// Twisted: policies.LimitTotalConnectionsFactory, which accepts and closes.
type TotalLimit struct {
	protocol.Factory

	// Max is the limit; 0: none applies; negative: no connection at all.
	Max int
	// Overflow builds the protocols of connections over the limit, to say that
	// the server is full; nil: they are closed. They are counted, too.
	//
	// Twisted: LimitTotalConnectionsFactory.overflowProtocol.
	Overflow protocol.Factory

	open   int
	ports  []AcceptPauser
	paused bool
}

// PauseAtLimit makes these listeners stop accepting while the limit is reached.
// It is called after they have been opened, and adds to those of earlier calls.
func (l *TotalLimit) PauseAtLimit(ports ...AcceptPauser) {
	l.ports = append(l.ports, ports...)
	if l.paused {
		for _, p := range ports {
			p.PauseAccepting()
		}
	}
	l.update()
}

// Open returns how many connections there are now.
func (l *TotalLimit) Open() int { return l.open }

// BuildProtocol builds and counts.
func (l *TotalLimit) BuildProtocol(addr net.Addr) protocol.Protocol {
	f := l.Factory
	if l.full() {
		f = l.Overflow
	}
	return buildCounted(f, addr, func() { l.add(1) }, func() { l.add(-1) })
}

// full reports whether one more is one too many.
func (l *TotalLimit) full() bool { return l.Max != 0 && l.open >= l.Max }

// add counts, and lets the listeners know.
func (l *TotalLimit) add(n int) {
	l.open += n
	l.update()
}

// update pauses the listeners or lets them go on, when that has changed.
func (l *TotalLimit) update() {
	full := l.full()
	if full == l.paused {
		return
	}
	l.paused = full
	for _, p := range l.ports {
		if full {
			p.PauseAccepting()
		} else {
			p.ResumeAccepting()
		}
	}
}

// buildCounted builds a protocol by f between enter and, when the connection is
// over, leave. If f is nil or refuses, or panics, leave comes at once.
func buildCounted(f protocol.Factory, addr net.Addr, enter, leave func()) protocol.Protocol {
	if f == nil {
		return nil
	}
	var p protocol.Protocol
	enter()
	defer func() {
		if p == nil {
			leave()
		}
	}()
	if p = f.BuildProtocol(addr); p == nil {
		return nil
	}
	c := counted{p, leave}
	if h, ok := p.(protocol.HalfCloser); ok {
		return countedHalf{c, h}
	}
	return c
}

// counted is a protocol that is counted: all that differs is the end. The
// transport is passed on as it is.
type counted struct {
	protocol.Protocol
	leave func()
}

// ConnectionLost counts the connection off, whatever the protocol does.
func (c counted) ConnectionLost(reason error) {
	defer c.leave()
	c.Protocol.ConnectionLost(reason)
}

// LogPrefix names the protocol inside.
func (c counted) LogPrefix() string { return logName(c.Protocol) }

// TakesHalfClose reports whether the protocol can take a half-close now.
func (c countedHalf) TakesHalfClose() bool {
	_, ok := protocol.AsHalfCloser(c.Protocol)
	return ok
}

// countedHalf is counted and takes half-closes.
type countedHalf struct {
	counted
	protocol.HalfCloser
}
