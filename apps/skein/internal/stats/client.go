package stats

import (
	"cmp"
	"errors"
	"time"

	"skein/apps/internal/http1"
	"skein/deferred/clock"
	"skein/protocol/basic"
)

// client is one connection.
type client struct {
	basic.LineReceiver
	factory *factory

	request request // whose head is coming
	begun   bool    // its first line has come
	over    bool    // the connection is being closed
	held    bool    // it does not read its answers, and is not read from

	timer *clock.DelayedCall
	pace  http1.Pace // by which it takes its answers, looked at when the timer expires
}

// errTimeout is the cause of closing a connection whose client is too slow.
var errTimeout = errors.New("the client took too long")

// ConnectionMade begins to wait for a request.
func (c *client) ConnectionMade() {
	c.factory.site.clients[c] = struct{}{}
	_ = c.Transport.RegisterProducer((*backPressure)(c), true) // on a new connection it cannot fail
	c.timer = c.factory.site.Clock.CallLater(c.timeout(), c.expire)
}

// ConnectionLost forgets the client.
func (c *client) ConnectionLost(error) {
	c.stop()
	delete(c.factory.site.clients, c)
}

// LineReceived takes a request line, a header, or the empty line at the end.
func (c *client) LineReceived(line []byte) {
	switch {
	case !c.begun && len(line) == 0: // some clients send one behind a body; it buys no time
	case !c.begun:
		c.begun = true
		c.reject(c.request.first(line))
	case len(line) > 0:
		c.reject(c.request.header(line))
	default:
		c.complete()
	}
}

// LineLengthExceeded refuses a line without end.
func (c *client) LineLengthExceeded([]byte) {
	if !c.begun {
		c.refuse(414, "the request line is too long")
		return
	}
	c.refuse(431, "a header is too long")
}

// timeout is the site's.
func (c *client) timeout() time.Duration {
	return cmp.Or(max(c.factory.site.Timeout, 0), DefaultTimeout)
}

// touch starts the timeout anew.
func (c *client) touch() { _ = c.timer.Reset(c.timeout()) } // it is pending until the close

// expire ends the connection of a client that is too slow. One that owes nothing
// hears no reproach; one that does not take its answers would not hear it. One
// that takes them slowly has more time.
func (c *client) expire() {
	backlog := c.Transport.Buffered()
	switch taking := c.pace.Taking(c.Transport); {
	case taking && (backlog > 0 || !c.begun):
		c.timer = c.factory.site.Clock.CallLater(c.timeout(), c.expire)
	case backlog > 0:
		c.stop()
		c.Transport.AbortConnectionCause(errTimeout)
	case c.begun || len(c.ClearLineBuffer()) > 0:
		c.refuse(408, errTimeout.Error())
	default:
		c.close()
	}
}

// closeIfIdle closes the connection if it is between two requests. The beginning
// of a line is not a request yet.
func (c *client) closeIfIdle() {
	if !c.over && !c.begun && !c.held {
		c.close()
	}
}

// close closes the connection once what has been written has left.
func (c *client) close() {
	c.stop()
	c.Transport.LoseConnection()
}

// stop ends what would go on by itself: the timeout and the producer, which
// would keep the connection open.
func (c *client) stop() {
	if c.over {
		return
	}
	c.over = true
	if c.timer.Active() {
		_ = c.timer.Cancel()
	}
	c.Transport.UnregisterProducer()
}

// ReadConnectionLost closes: a request that is not complete will never be. It
// comes behind all that was sent, so no request waits for a client to read the
// answers to those before it.
func (c *client) ReadConnectionLost() {
	if !c.over {
		c.close()
	}
}

// WriteConnectionLost has nothing to do: this side does not half-close.
func (c *client) WriteConnectionLost() {}

// backPressure is a client as the producer of its answers: one that asks and
// asks and does not read is not read from any more.
type backPressure client

// PauseProducing stops reading.
func (b *backPressure) PauseProducing() {
	b.held = true
	(*client)(b).LineReceiver.PauseProducing()
}

// ResumeProducing reads on. That an answer has been taken is a sign of life.
func (b *backPressure) ResumeProducing() {
	c := (*client)(b)
	if c.over {
		return
	}
	c.held = false
	c.touch()
	c.LineReceiver.ResumeProducing() // which may hold it again
	if c.factory.ending {
		c.closeIfIdle()
	}
}

// StopProducing has nothing to do: ConnectionLost follows.
func (b *backPressure) StopProducing() {}
