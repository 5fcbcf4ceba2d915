package dummyhttp

import (
	"cmp"
	"errors"
	"net"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/internal/http1"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/basic"
)

// The defaults of a [Factory].
const (
	DefaultTimeout    = 30 * time.Second
	DefaultMinBody    = 1 << 10
	DefaultMaxLine    = 8 << 10
	DefaultMaxHeaders = 100
)

// Factory makes the server. Its connections share nothing else.
//
// Twisted: the factory of the LineReceiver article's server.
type Factory struct {
	// Clock runs the timeouts. It must be set.
	Clock clock.Scheduler
	// Log hears of each request. The zero value is silent.
	Log zerolog.Logger
	// Timeout is how long a client may take for a request line, for the headers
	// behind it, and for each MinBody bytes of a body, the last ones included; may
	// take nothing of its answers, which is looked at once in that time, so it may
	// be twice as long; and may be idle between two requests; 0:
	// [DefaultTimeout].
	Timeout time.Duration
	// MinBody is how many bytes of a body have to come in each Timeout; 0:
	// [DefaultMinBody].
	MinBody int
	// MaxLine is the length of the longest line, in bytes; 0: [DefaultMaxLine].
	MaxLine int
	// MaxHeaders is how many headers a request may have; 0: [DefaultMaxHeaders].
	MaxHeaders int
}

// BuildProtocol returns the protocol of one client.
func (f *Factory) BuildProtocol(net.Addr) protocol.Protocol {
	c := &client{factory: f}
	c.MaxLength = cmp.Or(max(f.MaxLine, 0), DefaultMaxLine)
	return basic.BindLine(c)
}

// client is one connection.
type client struct {
	basic.LineReceiver
	factory *Factory

	head  head   // the request whose head is coming, or whose body is
	left  uint64 // bytes of the body that have not come
	fresh int    // bytes of the body that have come since it was given time
	stage stage
	over  bool // the connection is being closed

	timer *clock.DelayedCall
	pace  http1.Pace // by which it takes its answers, looked at when the timer expires
	told  bool       // the log has a line about the end
}

// stage is what a client is about to send.
type stage uint8

const (
	idle stage = iota // a request, or nothing
	inHead
	inBody
)

// errTimeout is the cause of closing a connection whose client is too slow.
var errTimeout = errors.New("the client took too long")

// ConnectionMade begins to wait for a request.
func (c *client) ConnectionMade() {
	_ = c.Transport.RegisterProducer((*backPressure)(c), true) // on a new connection it cannot fail
	c.timer = c.factory.Clock.CallLater(c.timeout(), c.expire)
}

// timeout is Timeout with its default.
func (c *client) timeout() time.Duration { return cmp.Or(max(c.factory.Timeout, 0), DefaultTimeout) }

// touch starts the timeout anew.
func (c *client) touch() { _ = c.timer.Reset(c.timeout()) } // it is pending until the close

// expire ends the connection of a client that is too slow. One that owes nothing
// hears no reproach; one that does not take its answers would not hear it. One
// that takes them slowly has more time, unless it owes a request as well and is
// not held up by its answers.
func (c *client) expire() {
	backlog := c.Transport.Buffered()
	switch taking := c.pace.Taking(c.Transport); {
	case taking && (backlog > 0 || c.stage == idle):
		c.timer = c.factory.Clock.CallLater(c.timeout(), c.expire)
	case backlog > 0:
		c.stop()
		c.Transport.AbortConnectionCause(errTimeout)
	case c.stage == idle && len(c.ClearLineBuffer()) == 0:
		c.told = true // nothing is wrong
		c.close()
	default:
		c.refuse(408, errTimeout.Error())
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

// ReadConnectionLost closes: a request that is not complete will never be.
func (c *client) ReadConnectionLost() {
	if c.over {
		return
	}
	if c.stage != idle || len(c.ClearLineBuffer()) > 0 {
		c.logEnd("the client's end came before the request's")
	}
	c.close()
}

// WriteConnectionLost has nothing to do: this side does not half-close.
func (c *client) WriteConnectionLost() {}

// ConnectionLost tells the log of an end that was not in order.
func (c *client) ConnectionLost(reason error) {
	c.stop()
	if !errors.Is(reason, protocol.ErrConnectionDone) {
		c.logEnd(reason.Error())
	}
}

// logEnd writes the one line about a connection that did not end well.
func (c *client) logEnd(why string) {
	if !c.told {
		c.told = true
		c.factory.Log.Warn().Stringer("peer", c.Transport.RemoteAddr()).Str("reason", why).Msg("A client has left.")
	}
}

// backPressure is a client as the producer of its answers: one that asks and
// asks and does not read is not read from any more.
type backPressure client

// PauseProducing stops reading.
func (b *backPressure) PauseProducing() { (*client)(b).LineReceiver.PauseProducing() }

// ResumeProducing reads on. That an answer has been taken is a sign of life.
func (b *backPressure) ResumeProducing() {
	c := (*client)(b)
	if !c.over {
		c.touch()
		c.LineReceiver.ResumeProducing()
	}
}

// StopProducing has nothing to do: ConnectionLost follows.
func (b *backPressure) StopProducing() {}
