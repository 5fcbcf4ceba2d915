package producers

import (
	"errors"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
)

// Push writes to t what next returns, one piece in each turn of the loop c,
// until t's queue is full, and on when it has drained: faster than [Pull], which
// waits for the queue to run empty. All else is as in Pull, but for an empty
// piece, after which it is the other callbacks' turn.
//
// Twisted: internet._producer_helpers._PullToPush.
func Push(t protocol.Transport, c clock.Scheduler, next func() ([]byte, error)) *deferred.Deferred {
	p := &push{sending: sending{to: t, next: next}, clock: c}
	d := p.begin(p, true)
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
	clock  clock.Scheduler
	paused bool
	call   *clock.DelayedCall // the next step
}

// plan sees to it that there is a next step, if there is to be one.
func (p *push) plan() {
	if p.done != nil && !p.paused && p.call == nil {
		p.call = p.clock.CallLater(0, p.turn)
	}
}

// turn writes one piece. A panic in next costs the connection, as it would if
// the transport had asked.
func (p *push) turn() {
	p.call = nil
	if p.done == nil || p.paused {
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

// PauseProducing stops the writing.
func (p *push) PauseProducing() { p.paused = true }

// ResumeProducing lets it go on, in a turn of its own.
func (p *push) ResumeProducing() {
	p.paused = false
	p.plan()
}

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
