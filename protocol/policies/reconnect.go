package policies

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
)

// ReconnectingClientFactory connects again when an attempt has failed or a
// connection has ended, cleanly or not, after a delay that grows each time.
// Embed it in a client factory that has a BuildProtocol, and call ResetDelay
// when a connection has turned out well:
//
//	failed ── e s ──▶ failed ── e² s ──▶ failed ── e³ s ──▶ ... at most MaxDelay
//
// The delay is scattered by a normal distribution, so that the clients of a
// server that restarts do not come all at once; near MaxDelay, too, and never
// beyond. One factory may serve several connectors: each has its own delay.
//
// Twisted: protocol.ReconnectingClientFactory, which has one delay for all, and
// goes beyond maxDelay.
type ReconnectingClientFactory struct {
	// Clock is the loop's.
	Clock clock.Scheduler
	// InitialDelay is what the delays grow from: the first is Factor times as
	// long. 0: 1 s.
	InitialDelay time.Duration
	// Factor is how much longer each delay is than the one before; 0: e.
	Factor float64
	// MaxDelay bounds the delays; 0: 1 h.
	MaxDelay time.Duration
	// Jitter is the standard deviation of a delay as a part of it; 0: 0.1196, as
	// in Twisted; negative: none.
	Jitter float64
	// MaxRetries bounds the retries in a row without a ResetDelay; 0: no bound;
	// negative: none.
	MaxRetries int
	// Normal draws the jitter from a standard normal distribution; nil:
	// math/rand/v2's.
	Normal func() float64
	// Log is told of each delay and of each end of trying, if not nil.
	Log func(r Retry)

	stopped bool
	lines   map[protocol.Connector]*retryLine
}

// Retry is what a [ReconnectingClientFactory] tells its Log.
type Retry struct {
	// Connector is the one that tries again, or does not.
	Connector protocol.Connector
	// Attempt counts the retries since the last ResetDelay, from 1.
	Attempt int
	// Delay is the time until the retry.
	Delay time.Duration
	// Reason is why the connection failed or ended; nil if Retry was called.
	Reason error
	// Abandoned is nil if there will be a retry, and else says why not:
	// [ErrTryingStopped] or [ErrTooManyRetries].
	Abandoned error
}

// The reasons for not trying again.
var (
	// ErrTryingStopped says that StopTrying has been called.
	ErrTryingStopped = errors.New("policies: trying has been stopped")
	// ErrTooManyRetries says that MaxRetries is reached.
	ErrTooManyRetries = errors.New("policies: too many retries")
)

// retryLine is one connector's way through its delays.
type retryLine struct {
	delay   time.Duration // the last one, without jitter
	retries int
	call    *clock.DelayedCall // the retry that waits
}

// StartedConnecting notes the connector, and ends the attempt if trying has been
// stopped.
func (f *ReconnectingClientFactory) StartedConnecting(c protocol.Connector) {
	f.line(c)
	if f.stopped {
		_ = c.StopConnecting() // it is connecting
	}
}

// ClientConnectionFailed tries again later.
//
// Twisted: ReconnectingClientFactory.clientConnectionFailed.
func (f *ReconnectingClientFactory) ClientConnectionFailed(c protocol.Connector, reason error) {
	f.retry(c, reason)
}

// ClientConnectionLost tries again later.
//
// Twisted: ReconnectingClientFactory.clientConnectionLost.
func (f *ReconnectingClientFactory) ClientConnectionLost(c protocol.Connector, reason error) {
	f.retry(c, reason)
}

// Retry has the connector, which must be disconnected, connect after the next
// delay. The factory does so by itself; call it only from an override of the
// methods above. A retry that waits already stays the only one.
//
// Twisted: ReconnectingClientFactory.retry.
func (f *ReconnectingClientFactory) Retry(c protocol.Connector) { f.retry(c, nil) }

// ResetDelay begins anew with the shortest delay and no retries counted, and
// allows trying after a StopTrying. A protocol calls it when its connection has
// proved itself: standing is not enough if the server closes at once.
//
// Twisted: ReconnectingClientFactory.resetDelay.
func (f *ReconnectingClientFactory) ResetDelay() {
	f.stopped = false
	for _, l := range f.lines {
		l.delay, l.retries = 0, 0
	}
}

// StopTrying cancels the retries that wait and stops the attempts under way, and
// those that begin before a ResetDelay. Connections live on, but are not made
// again.
//
// Twisted: ReconnectingClientFactory.stopTrying, which misses an attempt that
// has not told of itself yet.
func (f *ReconnectingClientFactory) StopTrying() {
	f.stopped = true
	for c, l := range f.lines {
		if l.call != nil {
			stop(&l.call)
			delete(f.lines, c)
			continue
		}
		_ = c.StopConnecting() // or it is connected
	}
}

// retry plans the next attempt, or gives up.
func (f *ReconnectingClientFactory) retry(c protocol.Connector, reason error) {
	l := f.line(c)
	if l.call != nil {
		return
	}
	r := Retry{Connector: c, Attempt: l.retries + 1, Reason: reason}
	switch {
	case f.stopped:
		r.Abandoned = ErrTryingStopped
	case f.MaxRetries != 0 && l.retries >= f.MaxRetries:
		r.Abandoned = ErrTooManyRetries
	}
	if r.Abandoned != nil {
		delete(f.lines, c)
		f.log(r)
		return
	}
	l.retries++
	l.delay = f.longer(l.delay)
	r.Delay = f.scatter(l.delay)
	l.call = f.Clock.CallLater(r.Delay, func() {
		l.call = nil
		_ = c.Connect() // one that somebody else has connected meanwhile is as good
	})
	f.log(r)
}

// line returns the connector's line.
func (f *ReconnectingClientFactory) line(c protocol.Connector) *retryLine {
	l := f.lines[c]
	if l == nil {
		if f.lines == nil {
			f.lines = make(map[protocol.Connector]*retryLine)
		}
		l = &retryLine{}
		f.lines[c] = l
	}
	return l
}

// longer returns the delay that follows one; 0 is none yet.
func (f *ReconnectingClientFactory) longer(delay time.Duration) time.Duration {
	factor := f.Factor
	if factor == 0 {
		factor = math.E
	}
	if delay == 0 {
		delay = orDefault(f.InitialDelay, time.Second)
	}
	next := float64(delay) * factor
	if most := f.most(); next >= float64(most) {
		return most
	}
	return time.Duration(next)
}

// scatter returns the delay with its jitter. What would lie beyond MaxDelay is
// reflected there, so that long delays are scattered as well.
func (f *ReconnectingClientFactory) scatter(delay time.Duration) time.Duration {
	jitter := f.Jitter
	if jitter == 0 {
		jitter = 0.119626565582
	}
	if jitter < 0 {
		return delay
	}
	normal := f.Normal
	if normal == nil {
		normal = rand.NormFloat64
	}
	d, most := float64(delay)*(1+jitter*normal()), float64(f.most())
	if d > most {
		d = 2*most - d
	}
	if d >= most { // most itself may have been rounded
		return f.most()
	}
	return time.Duration(max(d, 0))
}

// most returns MaxDelay.
func (f *ReconnectingClientFactory) most() time.Duration { return orDefault(f.MaxDelay, time.Hour) }

// log tells the hook.
func (f *ReconnectingClientFactory) log(r Retry) {
	if f.Log != nil {
		f.Log(r)
	}
}

// orDefault returns d, or the default for 0.
func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
