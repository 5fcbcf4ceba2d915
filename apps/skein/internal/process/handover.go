//go:build linux || darwin || freebsd

package process

import (
	"cmp"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/reactor"
)

// readyTimeout is how long a successor or a worker has to be ready.
const readyTimeout = 30 * time.Second

// Handover starts a successor to this process, and knows whether there is one:
//
//	       Begin                       ready
//	idle ─────────▶ under way ──────────────────────▶ done
//	  ▲                 │
//	  └─────────────────┘ failed, ended, too late, cancelled: the successor is gone
//
// Its fields are set before Begin, and its methods are the loop's.
type Handover struct {
	// Reactor is the loop of this process.
	Reactor *reactor.Reactor
	// Options say what to start: its Role, Reactor and Name are seen to. The
	// sockets in it are closed when they have been passed on, as it suits
	// Reactor.Sockets.
	Options func() (SpawnOptions, error)
	// Timeout is how long the successor has to be ready; 0: 30 s.
	Timeout time.Duration

	busy bool
}

// Begin starts the successor. The Deferred fires with the *Child when that is
// ready: then this process has to stop accepting, drain and end. It fails when
// there is no successor, and the process goes on as if nothing had been: with a
// [*FailedError], an [*EndedError], a [*NotReadyError], the error of [Spawn], or
// [ErrHandingOver], if a successor is being started already, or has taken over.
// The one that has failed is gone by then. Cancelling the Deferred kills the
// successor.
func (h *Handover) Begin() *deferred.Deferred {
	if h.busy {
		return deferred.Fail(ErrHandingOver)
	}
	o, err := h.Options()
	if err != nil {
		return deferred.Fail(err)
	}
	defer CloseSockets(o.Sockets)
	o.Reactor, o.Role, o.Name = h.Reactor, Successor, "the successor"
	c, err := Spawn(o)
	if err != nil {
		return deferred.Fail(err)
	}
	h.busy = true
	t := &takeover{h: h, child: c}
	t.d = deferred.NewCancellable(func(*deferred.Deferred) { t.giveUp(deferred.ErrCancelled) })
	after := cmp.Or(h.Timeout, readyTimeout)
	t.timer = h.Reactor.CallLater(after, func() {
		t.giveUp(&NotReadyError{Name: c.name, PID: c.PID(), After: after})
	})
	c.WhenReady().AddCallbacks(t.ready, t.failed)
	return t.d
}

// Busy reports whether a successor is being started, or has taken over.
func (h *Handover) Busy() bool { return h.busy }

// takeover is one successor's start.
type takeover struct {
	h     *Handover
	child *Child
	d     *deferred.Deferred
	timer *clock.DelayedCall
	cause error // why it was given up
}

// ready takes the successor's word. If it comes too late, the successor is being
// killed already.
func (t *takeover) ready(any) (any, error) {
	if t.cause == nil {
		_ = t.timer.Cancel() // it has not run: else there was a cause
		t.d.Callback(t.child)
	}
	return nil, nil
}

// failed takes the successor's reason, or its end.
func (t *takeover) failed(err error) (any, error) {
	if t.cause == nil {
		t.giveUp(err)
	}
	return nil, nil
}

// giveUp makes sure that the successor is gone, and tells why.
func (t *takeover) giveUp(cause error) {
	if t.cause != nil {
		return
	}
	t.cause = cause
	if t.timer.Active() {
		_ = t.timer.Cancel()
	}
	t.child.Kill()
	t.child.WhenEnded().AddCallback(func(any) (any, error) {
		t.h.busy = false
		if !t.d.Called() { // else it was cancelled
			t.d.Errback(cause)
		}
		return nil, nil
	})
}
