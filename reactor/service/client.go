package service

import (
	"errors"
	"runtime/debug"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor"
)

// TCPClient keeps one connection as long as the service runs: an attempt that
// fails is followed by another after a wait, which grows from failure to
// failure, and so is a connection that ends, cleanly or not.
//
//	   ┌──────────────── failed ──────────────┐
//	   ▼                                      │
//	waiting ── Retry(n) ──▶ connecting ──▶ preparing ──▶ connected
//	   ▲                                                     │
//	   └──────────────── ended: n is 1 again ────────────────┘
//
// Stopping ends whatever goes on; a connection is closed by LoseConnection, and
// the Deferred of [Stop] fires when it is over. Started before that, the client
// connects anew as soon as it is: there are never two connections.
//
// Twisted: internet.ClientService; TCPClient, which connects once.
type TCPClient struct {
	Base

	// Reactor is the loop; nil: the application's.
	Reactor *reactor.Reactor
	// Addr is the "host:port" to connect to, as in [reactor.Reactor.ConnectTCP].
	Addr string
	// Factory makes a protocol for each connection. What it may have of a
	// [protocol.ClientFactory] beyond that is not called: attempts are the
	// service's.
	Factory protocol.Factory
	// Options are the connector's.
	Options []reactor.ConnectOption
	// Retry returns how long to wait after so many failures in a row, from 1 on;
	// nil: Backoff{}.Delay.
	Retry func(attempt int) time.Duration
	// Prepare makes a new connection ready for use, by a login for instance, if
	// not nil. Until the Deferred that it returns has fired, nobody is told of
	// the connection; if it fails, the connection is aborted and has failed. It
	// may return nil.
	//
	// Twisted: ClientService(prepareConnection).
	Prepare func(p protocol.Protocol) *deferred.Deferred

	// One start's, until its stop is over.
	loop      *reactor.Reactor
	connector protocol.Connector
	retry     *clock.DelayedCall // while waiting
	failures  int                // in a row
	leaving   *deferred.Deferred // StopService's, while there is something to wait for

	// One connection's.
	link      *link              // from BuildProtocol to ConnectionLost
	preparing *deferred.Deferred // while Prepare's has not fired
	cause     error              // why there is none, if the reason of its end does not tell

	// Those who wait, and what they hear: see waiters.go.
	waiters []*waiter
	ready   bool // link may be used
	ended   bool // it has been stopped, or never will connect again
}

// startTakenBack tells those who wait for what a start in the middle of a stop
// would have brought: there is no StopService for it.
func (c *TCPClient) startTakenBack() { c.disappoint(deferred.ErrCancelled) }

// StartService begins to connect. [Start] calls it.
//
// Twisted: ClientService.startService.
func (c *TCPClient) StartService() error {
	r, err := reactorFor(c, c.Reactor)
	if err != nil {
		return err
	}
	c.loop, c.failures, c.ended = r, 0, false
	c.connector = r.ConnectTCP(c.Addr, &dialer{c}, c.Options...)
	return nil
}

// StopService ends the attempt, the wait or the connection. Who waits for a
// connection is told [deferred.ErrCancelled]. [Stop] calls it.
//
// Twisted: ClientService.stopService.
func (c *TCPClient) StopService() *deferred.Deferred {
	c.ended = true
	if c.connector != nil {
		c.leaving = deferred.New()
	}
	done := c.leaving
	c.disappoint(deferred.ErrCancelled)
	if c.retry != nil {
		_ = c.retry.Cancel() // it is pending: one that runs is forgotten
		c.retry = nil
		c.rest()
	} else if c.connector != nil {
		c.connector.Disconnect() // the factory hears of the end
	}
	return done
}

// rest ends a start's work, and what waits for that.
func (c *TCPClient) rest() {
	d := c.leaving
	c.connector, c.leaving = nil, nil
	if d != nil {
		d.Callback(nil)
	}
}

// made takes a connection whose protocol knows of it.
func (c *TCPClient) made(l *link) {
	if c.ended {
		return // it is being closed
	}
	if c.Prepare == nil {
		c.connected()
		return
	}
	c.preparing = deferred.MaybeDeferred(func() (any, error) {
		if d := c.Prepare(l.Protocol); d != nil {
			return d, nil
		}
		return nil, nil
	})
	c.preparing.AddBoth(func(_ any, err error) (any, error) {
		if c.link != l {
			return nil, nil // it has ended, and this with it
		}
		c.preparing = nil
		switch {
		case err != nil:
			l.transport.AbortConnectionCause(err)
		case !c.ended:
			c.connected()
		}
		return nil, nil
	})
}

// connected hands a connection out.
func (c *TCPClient) connected() {
	c.failures, c.ready = 0, true
	c.fulfil(c.link.Protocol)
}

// lost forgets a connection before its protocol hears of the end, which may ask
// for another at once.
func (c *TCPClient) lost() {
	c.link = nil
	if d := c.preparing; d != nil {
		c.preparing = nil
		d.Cancel()
	}
}

// failed is the end of an attempt or of a connection. good says that the
// connection had been handed out: then nobody who waits has been let down.
func (c *TCPClient) failed(reason error, good bool) {
	if c.cause != nil {
		reason, c.cause = c.cause, nil
	}
	if c.ended {
		c.rest()
		return
	}
	c.failures++
	if !good {
		c.count(reason)
	}
	wait := c.delay()
	switch {
	case c.ended: // one of them has stopped it, or the policy has
		c.rest()
		return
	case errors.Is(reason, reactor.ErrStopped):
		c.giveUp(reason)
		return
	}
	c.retry = c.loop.CallLater(wait, func() {
		c.retry = nil
		if err := c.connector.Connect(); err != nil {
			c.giveUp(err)
		}
	})
}

// delay returns how long to wait now. A panic of the policy must not end the
// trying: it is reported, and the default counts.
func (c *TCPClient) delay() (wait time.Duration) {
	defer func() {
		if v := recover(); v != nil {
			deferred.Fail(&deferred.PanicError{Value: v, Stack: debug.Stack()})
			wait = Backoff{}.Delay(c.failures)
		}
	}()
	if c.Retry == nil {
		return Backoff{}.Delay(c.failures)
	}
	return max(c.Retry(c.failures), 0)
}

// giveUp ends the trying, because the reactor does, which nothing outlives.
func (c *TCPClient) giveUp(reason error) {
	c.ended = true
	c.disappoint(reason)
	c.rest()
}
