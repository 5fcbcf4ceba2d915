package load

import (
	"fmt"
	"time"
)

// watch knows whether the server is there.
type watch struct {
	ever     bool  // a connection has been made
	triedAll bool  // or none of the server's addresses has let us
	since    int64 // when something last went well, or the phase began
	failures int   // attempts to connect since then
}

// good notes that something went well.
func (w *watch) good(now int64) { w.since, w.failures = now, 0 }

// connected notes a connection.
func (w *watch) connected(now int64) {
	w.ever = true
	w.good(now)
}

// Attempts to connect that failed, and nothing that went well for a while, are
// enough to see that the server is not there: it is not hammered any further.
const (
	enoughAtOnce = 100 // if there has never been a connection
	enoughLater  = 3
	goneAfter    = int64(time.Second)
)

// neverConnected is why a load ends that has not begun.
const neverConnected = "no connection could be made"

// checkServer ends the load if the server is not there.
func (g *Generator) checkServer() {
	w := &g.watch
	switch {
	case g.phase == Over || g.phase == Ready || g.live > 0:
	case g.opts.Mode == Idle && g.phase == Measuring && g.connecting == 0:
		g.finish("no connection is left")
	case !w.ever && w.failures >= enoughAtOnce, !w.ever && w.failures >= enoughLater && g.now()-w.since >= goneAfter:
		g.finish(neverConnected)
	case w.failures >= enoughLater && g.now()-w.since >= goneAfter:
		g.finish(fmt.Sprintf("the server has gone: the last %d attempts to connect failed", w.failures))
	}
}

// nextServer goes on to the server's next address, or to the one that others
// have gone on to, and reports whether there is one to try. When none has worked,
// it stays with the first: what went wrong there is what the user is told.
func (g *Generator) nextServer(tried string) bool {
	switch {
	case tried != g.opts.Addrs[g.server].String():
		return true
	case g.watch.ever || g.watch.triedAll || len(g.opts.Addrs) == 1:
		return false
	}
	if g.server++; g.server == len(g.opts.Addrs) {
		g.server, g.watch.triedAll = 0, true
	}
	return true
}

// sweep ends the operations that take longer than the time limit. Looking at all
// clients now and then is cheaper than a timer for each operation.
func (g *Generator) sweep() {
	limit := int64(g.opts.Timeout)
	every := min(max(g.opts.Timeout/20, 5*time.Millisecond), 500*time.Millisecond)
	g.set(sweepTimer, every, func() {
		now := g.now()
		kept := false
		for i := range g.clients {
			c := &g.clients[i]
			switch {
			case c.state != connected:
			case g.single && c.answered > 0 && c.asked == 0: // nothing is due from the server but the end
				kept = kept || now-c.since > keptAfter
			case c.underway > 0 && now-c.oldest().begun > limit:
				c.giveUp(TimedOut, fmt.Sprintf("an operation took longer than %v", g.opts.Timeout))
			}
		}
		if kept {
			g.notSingle()
		}
		if g.phase != Over {
			g.sweep()
		}
	})
}

// keptAfter is after what time a server that has answered does not seem to close
// the connection.
const keptAfter = int64(time.Second)

// notSingle takes back that the server closes after its first answer: it may just
// have lost one connection. If it closes later, that is found out again.
func (g *Generator) notSingle() {
	g.single = false
	for i := range g.clients {
		if c := &g.clients[i]; c.state == connected {
			c.ask()
			g.free(c)
		} else {
			c.resume()
		}
	}
}

// pause is how long a client waits after an error, so that a server that is in
// trouble is not flooded besides.
const pause = 100 * time.Millisecond

// rest makes a client wait. All wait equally long, so the first to wait is the
// first to go on, and one timer does for all.
func (g *Generator) rest(c *client) {
	if c.pausing {
		return
	}
	c.pausing, c.since = true, g.now()
	g.resting.add(c)
	if g.phase != Over {
		g.set(restTimer, pause, g.wake)
	}
}

// wake lets those go on who have waited long enough.
func (g *Generator) wake() {
	for c := g.resting.peek(); c != nil; c = g.resting.peek() {
		if left := c.since + int64(pause) - g.now(); left > 0 {
			g.set(restTimer, time.Duration(left), g.wake)
			return
		}
		g.resting.take()
		c.pausing = false
		c.resume()
	}
}

// clients is a queue of clients.
type clients struct {
	list []*client
	head int
}

// add puts a client at the end.
func (q *clients) add(c *client) {
	if q.head > len(q.list)/2 && len(q.list) == cap(q.list) {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, c)
}

// peek returns the first client, or nil.
func (q *clients) peek() *client {
	if q.head == len(q.list) {
		return nil
	}
	return q.list[q.head]
}

// take takes the first client off, or returns nil.
func (q *clients) take() *client {
	c := q.peek()
	if c != nil {
		q.list[q.head] = nil
		q.head++
	}
	return c
}
