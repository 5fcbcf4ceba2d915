package reactor_test

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
)

// opening is a protocol, and its factory, that goes through the three calls of a new
// connection, and does something in one of them.
type opening struct {
	protocol.Base
	act   string
	f     func()
	calls []string
}

func (o *opening) called(name string) {
	o.calls = append(o.calls, name)
	if name == o.act {
		o.f()
	}
}

func (o *opening) BuildProtocol(net.Addr) protocol.Protocol {
	o.called("BuildProtocol")
	return o
}

func (o *opening) MakeConnection(t protocol.Transport) {
	o.Base.MakeConnection(t)
	o.called("MakeConnection")
}

func (o *opening) ConnectionMade() {
	o.called("ConnectionMade")
	o.Transport.LoseConnection()
}

func (o *opening) ConnectionLost(error) { o.calls = append(o.calls, "ConnectionLost") }
func (o *opening) DataReceived([]byte)  {}
func (o *opening) LogPrefix() string    { return "opening" }

// serveOnce serves one client by such a protocol, until its connection is over, and
// returns the reactor and what it has logged.
func serveOnce(t *testing.T, o *opening) (r *reactor.Reactor, log string) {
	t.Helper()
	var lines bytes.Buffer
	r, err := reactor.New(reactor.WithoutSignals(), reactor.WithTiming(), reactor.WithLogger(zerolog.New(&lines)))
	if err != nil {
		t.Fatal(err)
	}
	port, addr := listen(t, r, o)
	r.ConnectTCP(addr, &client{t: t, p: &proto{lost: func(*proto, error) { _ = r.Stop() }}})
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	return r, strings.ReplaceAll(lines.String(), port.Addr().String(), "ADDR")
}

// TestEachOpeningCallPanicsInItsOwnName panics in each of the calls that share a
// recover: the log has its name and its owner, and no later one is made.
func TestEachOpeningCallPanicsInItsOwnName(t *testing.T) {
	cases := []struct {
		name, owner string
		calls       []string
	}{
		{"BuildProtocol", "*reactor_test.opening on ADDR", []string{"BuildProtocol"}},
		{"MakeConnection", "opening,", []string{"BuildProtocol", "MakeConnection", "ConnectionLost"}},
		{"ConnectionMade", "opening,", []string{"BuildProtocol", "MakeConnection", "ConnectionMade", "ConnectionLost"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			o := &opening{act: tc.name, f: func() { panic("oops") }}
			r, log := serveOnce(t, o)
			if !slices.Equal(o.calls, tc.calls) {
				t.Errorf("the calls are %q, want %q", o.calls, tc.calls)
			}
			for _, part := range []string{fmt.Sprintf(`"call":%q`, tc.name), `"owner":"` + tc.owner, `"message":"panic in ` + tc.name + `"`} {
				if !strings.Contains(log, part) {
					t.Errorf("the log has no %s:\n%s", part, log)
				}
			}
			if got := r.Stats().Panics; got != 1 {
				t.Errorf("%d panics were counted, want 1", got)
			}
		})
	}
}

// TestEachOpeningCallIsTimedByItself holds the loop up in one of them.
func TestEachOpeningCallIsTimedByItself(t *testing.T) {
	for _, name := range []string{"BuildProtocol", "MakeConnection", "ConnectionMade"} {
		t.Run(name, func(t *testing.T) {
			_, log := serveOnce(t, &opening{act: name, f: func() {
				for start := time.Now(); time.Since(start) < 110*time.Millisecond; {
				}
			}})
			if n := strings.Count(log, "slow callback"); n != 1 || !strings.Contains(log, fmt.Sprintf(`"call":%q,"took"`, name)) {
				t.Errorf("%d warnings, want one of %s:\n%s", n, name, log)
			}
		})
	}
}
