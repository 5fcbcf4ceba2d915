package stats

import (
	"cmp"
	"net"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/basic"
)

// The defaults of a [Site].
const (
	DefaultTimeout        = 2 * time.Minute
	DefaultMaxConnections = 100
)

// Site serves the numbers of one process, or of several, over HTTP/1.1.
//
// Twisted: server.Site.
type Site struct {
	// Name is what the daemon is called.
	Name string
	// Gather returns the snapshots of all processes, on the loop and at once: one
	// for each worker, and one for their supervisor. It must be set.
	Gather func() []Snapshot
	// Clock is the loop's. It must be set.
	Clock clock.Scheduler
	// Timeout is how long a client may take for a request, and be idle before it,
	// and may take nothing of its answers, which is looked at once in that time; 0:
	// [DefaultTimeout].
	Timeout time.Duration
	// MaxConnections is how many clients there may be at once: others are turned
	// away; 0: [DefaultMaxConnections].
	MaxConnections int

	clients map[*client]struct{} // those that are connected
}

// Factory returns a factory whose connections serve the site. When its last port
// stops listening, it closes those that wait for a request, so that a client that
// keeps its connection does not hold up the end of the daemon.
func (s *Site) Factory() protocol.Factory {
	if s.clients == nil {
		s.clients = make(map[*client]struct{})
	}
	return &factory{site: s}
}

// Open returns how many clients are connected.
func (s *Site) Open() int { return len(s.clients) }

// Abort ends the connections of all clients, whatever they are at: so nothing of
// the site is left to wait for at the end of the daemon.
func (s *Site) Abort() {
	for c := range s.clients {
		c.stop()
		c.Transport.AbortConnection()
	}
}

// factory makes the protocols of a site for its ports.
type factory struct {
	site   *Site
	ending bool // no port listens any more
}

var _ protocol.StartStopper = (*factory)(nil)

// BuildProtocol returns the protocol of a client, or nil if there are too many.
func (f *factory) BuildProtocol(net.Addr) protocol.Protocol {
	if f.site.Open() >= cmp.Or(max(f.site.MaxConnections, 0), DefaultMaxConnections) {
		return nil
	}
	c := &client{factory: f}
	c.MaxLength = maxLine
	return basic.BindLine(c)
}

// StartFactory allows connections to be kept.
func (f *factory) StartFactory() { f.ending = false }

// StopFactory closes the connections that are idle; the others close after
// their answer.
func (f *factory) StopFactory() {
	f.ending = true
	for c := range f.site.clients {
		if c.factory == f {
			c.closeIfIdle()
		}
	}
}
