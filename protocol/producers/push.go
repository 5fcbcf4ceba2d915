package producers

import (
	"errors"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
)

// HighWater is the number of queued bytes above which [Push] waits.
const HighWater = 64 << 10

// Push writes to t what next returns, one piece in each turn of the loop c,
// until more than HighWater bytes are queued, and on when they are gone: it
// keeps the queue full where [Pull] lets it run empty between pieces. All else is
// as in Pull, but that after an empty piece it is the other callbacks' turn.
//
// To t it is a producer that is asked, for which every close waits. A streaming
// one would be stopped when a peer half-closes and nobody handles that.
//
// Twisted: internet._producer_helpers._PullToPush.
func Push(t protocol.Transport, c clock.Scheduler, next func() ([]byte, error)) *deferred.Deferred {
	p := &push{sending: sending{to: t, next: next}, clock: c}
	d := p.begin(p)
	p.plan()
	return d.AddBoth(func(sent any, err error) (any, error) {
		if p.call != nil {
			_ = p.call.Cancel() // it waits
		}
		return sent, err
	})
}

// ErrPanicked is the cause when a panic of Push's next has cost the connection.
// The loop logs the panic.
var ErrPanicked = errors.New("producers: the producer panicked")

// push is a producer that writes every turn.
type push struct {
	sending
	clock clock.Scheduler
	call  *clock.DelayedCall // the next step
}

// plan sees to it that there is a next step, if there is to be one now.
func (p *push) plan() {
	if p.done != nil && p.call == nil && p.to.Buffered() <= HighWater {
		p.call = p.clock.CallLater(0, p.turn)
	}
}

// turn writes one piece. A panic in next costs the connection, as it would if
// the transport had asked.
func (p *push) turn() {
	p.call = nil
	if p.done == nil {
		return
	}
	sound := false
	defer func() {
		if !sound {
			p.to.AbortConnectionCause(ErrPanicked)
		}
	}()
	p.step()
	sound = true
	p.plan()
}

// ResumeProducing lets it go on, in a turn of its own: the queue is empty.
func (p *push) ResumeProducing() { p.plan() }

// StopProducing ends the sending with the connection.
func (p *push) StopProducing() { p.lost() }

// Funcs is a push producer made of functions, for a source that has a way of its
// own to wait and go on: a timer, a subscription, another connection. Those
// that are nil do nothing.
type Funcs struct {
	// Pause is PauseProducing.
	Pause func()
	// Resume is ResumeProducing.
	Resume func()
	// Stop is StopProducing.
	Stop func()
}

var _ protocol.PushProducer = Funcs{}

// PauseProducing calls Pause.
func (f Funcs) PauseProducing() { callIf(f.Pause) }

// ResumeProducing calls Resume.
func (f Funcs) ResumeProducing() { callIf(f.Resume) }

// StopProducing calls Stop.
func (f Funcs) StopProducing() { callIf(f.Stop) }

// callIf calls f unless it is nil.
func callIf(f func()) {
	if f != nil {
		f()
	}
}
