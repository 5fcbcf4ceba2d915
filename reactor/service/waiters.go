package service

import (
	"slices"

	"skein/deferred"
	"skein/protocol"
)

// waiter is somebody who wants a connection.
type waiter struct {
	d    *deferred.Deferred
	left int // failures until it gives up; 0: it does not
}

// WhenConnected returns a Deferred that fires with the protocol, the very one
// that the Factory has made, as soon as there is a connection: now, if there is
// one. After as many attempts as failAfterFailures says have failed, from now
// on, it fails with the reason of the last one: a [*protocol.ConnectError], or
// the reason of the connection's end, in which errors.Is finds what Prepare has
// failed with; 0 waits for as long as it takes, also for the
// service to be started. When the service is stopped the Deferred fails with
// [deferred.ErrCancelled], and so do those that are asked for before it is
// started again. Cancelling one concerns nobody else.
//
// Twisted: ClientService.whenConnected.
func (c *TCPClient) WhenConnected(failAfterFailures int) *deferred.Deferred {
	switch {
	case c.ready && c.link != nil && !c.ended:
		return deferred.Succeed(c.link.Protocol)
	case c.ended && !c.again:
		return deferred.Fail(deferred.ErrCancelled)
	}
	w := &waiter{left: max(failAfterFailures, 0)}
	w.d = deferred.NewCancellable(func(*deferred.Deferred) {
		if i := slices.Index(c.waiters, w); i >= 0 {
			c.waiters = slices.Delete(c.waiters, i, i+1)
		}
	})
	c.waiters = append(c.waiters, w)
	return w.d
}

// fulfil gives the connection to all who wait.
func (c *TCPClient) fulfil(p protocol.Protocol) {
	c.tell(func(*waiter) bool { return true }, func(w *waiter) { w.d.Callback(p) })
}

// count counts a failure, and tells those who have had enough.
func (c *TCPClient) count(reason error) {
	c.tell(func(w *waiter) bool { w.left--; return w.left == 0 }, func(w *waiter) { w.d.Errback(reason) })
}

// disappoint tells all who wait that there will be no connection.
func (c *TCPClient) disappoint(reason error) {
	c.tell(func(*waiter) bool { return true }, func(w *waiter) { w.d.Errback(reason) })
}

// tell takes those who are to be told out of the list, and tells them. What they
// do in return finds a list in order; those whom it cancels have been taken out,
// too, and are not told twice.
func (c *TCPClient) tell(who func(w *waiter) bool, what func(w *waiter)) {
	var told, wait []*waiter
	for _, w := range c.waiters {
		if who(w) {
			told = append(told, w)
		} else {
			wait = append(wait, w)
		}
	}
	c.waiters = wait
	for _, w := range told {
		if !w.d.Called() {
			what(w)
		}
	}
}
