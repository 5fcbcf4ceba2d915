package stats_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"skein/apps/skein/internal/stats"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/protocoltest"
)

// A client has one time for its request, from the beginning of the connection or
// the answer before it, however it sends it.
func TestTimeouts(t *testing.T) {
	const tick = time.Second
	for _, test := range []struct {
		name string
		send func(second int) string // what comes in each second
		want string
		ends int // the second
	}{
		{"nothing", func(int) string { return "" }, "", 10},
		{"empty lines", func(int) string { return "\r\n" }, "", 10},
		{"half a line", func(s int) string { return map[int]string{3: "GET"}[s] }, "408 close This is refused: the client took too long.", 10},
		{"a byte a second", func(s int) string { return getPage[s : s+1] }, "408 close This is refused: the client took too long.", 10},
		{"a header a second", func(s int) string { return map[int]string{0: "GET / HTTP/1.1\r\nHost: a\r\n"}[s] + "A: b\r\n" }, "408 close This is refused: the client took too long.", 10},
		{"nothing, behind a request", func(s int) string { return map[int]string{4: getPage}[s] }, gotPage, 14},
		{"a request each 9 seconds", func(s int) string { return map[int]string{9: getPage, 18: getPage}[s] }, gotPage + ", " + gotPage, 28},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := site(sample(0, 1))
			s.Timeout = 10 * tick
			c := converse(s)
			second := 0
			for ; !c.closed() && second < 100; second++ {
				c.send(test.send(second))
				c.clock.Advance(tick)
				c.pair.Pump()
			}
			if got := c.answers(t); got != test.want || second != test.ends {
				t.Errorf("got %s after %d s, want %s after %d s", got, second, test.want, test.ends)
			}
			if n := c.clock.Pending(); n != 0 {
				t.Errorf("%d timers are left", n)
			}
		})
	}
}

// slowReader is the transport of a client that takes its answers slowly: system
// is what the system holds.
type slowReader struct {
	*protocoltest.StringTransport
	system int
}

func (r *slowReader) Unacknowledged() int { return r.Backlog + r.system }

// A slow reader is served to the end, one that takes nothing is cut off.
func TestSlowReaders(t *testing.T) {
	for _, test := range []struct {
		name    string
		backlog int
		aborted bool
	}{{"the queue is not empty", 10, true}, {"the queue is empty", 0, false}} {
		t.Run(test.name, func(t *testing.T) {
			s := site(sample(0, 1))
			clock := s.Clock.(*clock.Fake)
			r := &slowReader{&protocoltest.StringTransport{TB: t}, 0}
			p := s.Factory().BuildProtocol(nil)
			p.MakeConnection(r)
			p.ConnectionMade()
			p.DataReceived([]byte(getPage))
			r.Backlog = test.backlog
			for r.system = len(r.Value()) - r.Backlog - 1; r.system > 0; r.system -= min(20, r.system) {
				clock.Advance(stats.DefaultTimeout)
				if r.Disconnecting() {
					t.Fatalf("closed, for %v, while the system had %d bytes", r.Cause(), r.system)
				}
			}
			clock.Advance(stats.DefaultTimeout)
			clock.Advance(stats.DefaultTimeout)
			if !r.Disconnecting() || r.Aborted() != test.aborted || clock.Pending() != 0 {
				t.Errorf("a client that reads no more: closed %t, aborted %t, %d timers left", r.Disconnecting(), r.Aborted(), clock.Pending())
			}
		})
	}
}

// A client that asks and asks and does not read is not read from; when it reads
// at last, it gets every answer, also if it has closed its side meanwhile.
func TestPipelineThatIsNotRead(t *testing.T) {
	const requests = 500
	for _, half := range []bool{false, true} {
		t.Run(fmt.Sprintf("half-closed %t", half), func(t *testing.T) {
			s := site(sample(0, 1))
			s.Gather = func() []stats.Snapshot { return []stats.Snapshot{sample(0, 1)} }
			c := converse(s)
			c.pair.Pump()
			c.client.Transport.PauseProducing()
			c.send(strings.Repeat(getMetrics, requests))
			if half {
				c.client.Transport.LoseWriteConnection()
				c.pair.Pump()
			}
			one := len(get(t, s, "/metrics").body) + 1000
			if n := c.pair.Server.Buffered(); n < protocoltest.DefaultHighWater || n > protocoltest.DefaultHighWater+one {
				t.Errorf("%d bytes wait for a client that does not read", n)
			}
			if c.closed() {
				t.Error("the client has answers to come, and was closed")
			}
			c.client.Transport.ResumeProducing()
			c.pair.Pump()
			if got := len(parse(t, c.client.Received())); got != requests || c.closed() != half {
				t.Errorf("%d answers, closed: %t; want %d, %t", got, c.closed(), requests, half)
			}
		})
	}
}

func TestAClientThatLeaves(t *testing.T) {
	for _, send := range []string{"", "GET", "GET / HTTP/1.1\r\nHost:", getPage, getPage + "GET"} {
		for _, abort := range []bool{false, true} {
			c := converse(site(sample(0, 1)))
			c.send(send)
			if abort {
				c.client.Transport.AbortConnection()
			} else {
				c.client.Transport.LoseWriteConnection()
			}
			c.pair.Pump()
			if !c.closed() || c.clock.Pending() != 0 {
				t.Errorf("%q, abort %t: closed: %t, %d timers left", send, abort, c.closed(), c.clock.Pending())
			}
		}
	}
}

// When the port stops, nobody holds up the end: who waits for nothing is closed
// at once, who is about to ask gets one answer, and who reads slowly gets all.
func TestTheEnd(t *testing.T) {
	s := site(sample(0, 1))
	f := s.Factory()
	ends := f.(protocol.StartStopper)
	ends.StartFactory()
	fresh, served, asking, held, reading := meet(s, f), meet(s, f), meet(s, f), meet(s, f), meet(s, f)
	fresh.send("")
	served.send(getPage)
	asking.send("GET / HTTP/1.1\r\n")
	held.pair.Pump()
	held.client.Transport.PauseProducing()
	held.send(strings.Repeat(getMetrics, 100))
	s.Name = strings.Repeat("a", 2*protocoltest.DefaultHighWater)
	reading.pair.Pump()
	reading.client.Transport.PauseProducing()
	reading.send(getPage) // one answer, and no request behind it

	ends.StopFactory()
	for _, c := range []*conversation{fresh, served} {
		c.pair.Pump()
		if !c.closed() {
			t.Error("one that is idle is open")
		}
	}
	if asking.closed() || held.closed() || reading.closed() {
		t.Errorf("closed before their answers: %t, %t, %t", asking.closed(), held.closed(), reading.closed())
	}
	s.Name = "poetry"
	asking.send("Host: a\r\n\r\n" + getPage)
	if got := asking.answers(t); got != "200 close poetry" || !asking.closed() {
		t.Errorf("got %s, closed: %t", got, asking.closed())
	}
	held.client.Transport.ResumeProducing()
	held.pair.Pump()
	answers := parse(t, held.client.Received())
	if last := answers[len(answers)-1]; !last.Close || !held.closed() {
		t.Errorf("the last of %d answers: close %t; closed: %t", len(answers), last.Close, held.closed())
	}
	reading.client.Transport.ResumeProducing()
	reading.pair.Pump()
	if answers := parse(t, reading.client.Received()); len(answers) != 1 || answers[0].Close || !reading.closed() {
		t.Errorf("%d answers; closed: %t", len(answers), reading.closed())
	}
	if n := s.Clock.(*clock.Fake).Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}

	ends.StartFactory()
	again := meet(s, f)
	again.send(getPage)
	if got := again.answers(t); got != gotPage {
		t.Errorf("a port that listens again: %s", got)
	}
}

func TestTooManyConnections(t *testing.T) {
	s := site(sample(0, 1))
	s.MaxConnections = 2
	f := s.Factory()
	a, b := meet(s, f), meet(s, f)
	a.send(getPage)
	b.send(getPage)
	if f.BuildProtocol(nil) != nil || s.Open() != 2 {
		t.Error("a third connection was taken")
	}
	a.client.Transport.LoseConnection()
	a.pair.Pump()
	if f.BuildProtocol(nil) == nil || s.Open() != 1 {
		t.Error("one has left, and its place is not free")
	}
}

// At the end of all patience, who asks is in nobody's way.
func TestAbort(t *testing.T) {
	s := site(sample(0, 1))
	f := s.Factory()
	idle, asking := meet(s, f), meet(s, f)
	idle.send(getPage)
	asking.send("GET / HTTP/1.1\r\n")
	s.Abort()
	for _, c := range []*conversation{idle, asking} {
		c.pair.Pump()
		if !errors.Is(c.client.Reason(), protocol.ErrConnectionLost) {
			t.Errorf("the client's connection ended with %v", c.client.Reason())
		}
	}
	if n := s.Clock.(*clock.Fake).Pending(); n != 0 || s.Open() != 0 {
		t.Errorf("%d timers are left, %d clients", n, s.Open())
	}
}
