package stats_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/apps/skein/internal/stats"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample returns a snapshot with a different number in each place, all of them
// multiples of by.
func sample(worker int, by uint64) stats.Snapshot {
	return stats.Snapshot{
		Worker: worker, PID: 1000 + worker, Name: "poetry", Started: clock.NewFake().Now().Add(-time.Duration(by) * time.Hour),
		Reactor: reactor.Stats{
			Turns: 1_234_567 * by, Callbacks: 2 * by, TimersRun: 3 * by, Panics: 4 * by, SlowCallbacks: 5 * by,
			Lag: time.Duration(by) * 25 * time.Microsecond, MaxLag: time.Duration(by) * 1500 * time.Microsecond,
			Connections: 6 * by, Accepted: 7 * by, Open: int(8 * by), Starved: 9 * by,
			BytesRead: 100 * by, BytesWritten: 1536 * by, PendingTimers: int(11 * by),
		},
		Deferreds: int(12 * by), LogDropped: 13 * by,
		Process: stats.Process{
			CPU: time.Duration(by) * 14 * time.Second, Resident: by << 20, Descriptors: 15 * by, MaxDescriptors: 1000 * by,
			Goroutines: 16 * by, Heap: by << 19,
		},
	}
}

// site returns a site with these processes, on a fake clock.
func site(snaps ...stats.Snapshot) *stats.Site {
	return &stats.Site{Name: "poetry", Clock: clock.NewFake(), Gather: func() []stats.Snapshot { return snaps }}
}

// conversation is a client that a test plays, and the server's protocol.
type conversation struct {
	client *protocoltest.HalfRecorder
	pair   *protocoltest.Pair
	clock  *clock.Fake
	seen   int
}

// converse connects a client to the site.
func converse(s *stats.Site) *conversation { return meet(s, s.Factory()) }

// meet connects a client to the site's factory.
func meet(s *stats.Site, f protocol.Factory) *conversation {
	c := &conversation{client: &protocoltest.HalfRecorder{}, clock: s.Clock.(*clock.Fake)}
	c.pair = protocoltest.NewPair(c.client, f.BuildProtocol(nil))
	return c
}

// send sends text to the server, and pumps.
func (c *conversation) send(text string) {
	c.pair.Pump()
	_, _ = c.client.Transport.Write([]byte(text))
	c.pair.Pump()
}

// closed reports whether the server has closed.
func (c *conversation) closed() bool { return c.pair.Server.Disconnecting() }

// answers returns what the client has got since the last call, each answer as
// its status, connection and the first line of its text. methods are those of
// the requests; behind the last one they are all GET.
func (c *conversation) answers(t testing.TB, methods ...string) string {
	t.Helper()
	all := c.client.Received()
	got := all[c.seen:]
	c.seen = len(all)
	var list []string
	for _, a := range parse(t, got, methods...) {
		line, _, _ := strings.Cut(a.body, "\n")
		connection := map[bool]string{false: "keep-alive", true: "close"}[a.Close]
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %s %s", a.StatusCode, connection, line)))
	}
	return strings.Join(list, ", ")
}

// response is an answer with its body.
type response struct {
	*http.Response
	body string
}

// parse reads answers as Go's client would.
func parse(t testing.TB, data []byte, methods ...string) []response {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(data))
	var list []response
	for i := 0; ; i++ {
		if _, err := r.Peek(1); err == io.EOF {
			return list
		}
		method := http.MethodGet
		if i < len(methods) {
			method = methods[i]
		}
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("answer %d is none: %v: %q", i, err, data)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		list = append(list, response{res, string(body)})
	}
}

// get returns the one answer to a GET with these headers.
func get(t testing.TB, s *stats.Site, path string, headers ...string) response {
	t.Helper()
	c := converse(s)
	c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + strings.Join(append(headers, "\r\n"), "\r\n"))
	list := parse(t, c.client.Received())
	if len(list) != 1 || !c.closed() {
		t.Fatalf("%d answers, closed: %t", len(list), c.closed())
	}
	return list[0]
}
