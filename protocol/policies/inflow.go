package policies

import (
	"bytes"

	"skein/deferred/clock"
)

// inflow is a connection whose input is slowed down: what has been read and may
// not be delivered yet is held here, and nothing more is read until it is gone.
type inflow struct {
	ProtocolWrapper
	clock clock.Scheduler
	flow  *flow

	held   []byte
	paused bool               // by the protocol
	soon   *clock.DelayedCall // what is held is about to be delivered
}

// DataReceived delivers what there are tokens for and holds the rest.
func (in *inflow) DataReceived(data []byte) {
	if len(in.held) > 0 { // read before the transport was paused
		in.held = append(in.held, data...)
		return
	}
	for len(data) > 0 && in.open() {
		n := in.flow.grant(len(data))
		if n == 0 {
			break
		}
		in.wrapped.DataReceived(data[:n:n])
		data = data[n:]
	}
	if len(data) > 0 && !in.Disconnecting() {
		in.held = bytes.Clone(data)
		in.Transport.PauseProducing()
	}
}

// PauseProducing stops what is held, and what comes from below.
func (in *inflow) PauseProducing() {
	in.paused = true
	in.flow.rest()
	in.Transport.PauseProducing()
}

// ResumeProducing lets it come again; never from inside the call.
func (in *inflow) ResumeProducing() {
	in.paused = false
	switch {
	case len(in.held) == 0:
		in.Transport.ResumeProducing()
	case in.soon == nil:
		in.soon = in.clock.CallLater(0, func() { in.soon = nil; in.flow.pump() })
	}
}

// ConnectionLost drops what is held.
func (in *inflow) ConnectionLost(reason error) {
	in.held = nil
	in.flow.rest()
	stop(&in.soon)
	in.ProtocolWrapper.ConnectionLost(reason)
}

// open reports whether the protocol takes data.
func (in *inflow) open() bool { return !in.paused && !in.Disconnecting() }

// wants returns how much is held for a protocol that takes it.
func (in *inflow) wants() int {
	if !in.open() {
		return 0
	}
	return len(in.held)
}

// move delivers n bytes; after the last one the transport may read again.
func (in *inflow) move(n int) {
	data := in.held[:n:n]
	if in.held = in.held[n:]; len(in.held) == 0 {
		in.held = nil
	}
	contain(in.Transport, func() { in.wrapped.DataReceived(data) })
	if in.held == nil && in.open() {
		in.Transport.ResumeProducing()
	}
}
