package transform_test

import (
	"strings"
	"testing"

	"skein/apps/transform"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/protocoltest"
)

func TestAPanicOfAnAppendIsARefusal(t *testing.T) {
	short := converse(false, appending("fail", func(dst, poem []byte) []byte {
		if string(poem) == "a" {
			return append(dst, "fine"...)
		}
		_ = append(dst, "not fine"...)
		panic("no inspiration")
	}))
	short.send("6:fail.a,6:fail.b,6:fail.a,")
	short.sees(t, "4:fine,", true)
	long := converse(false, func(s *transform.Server) {
		pipelined(s)
		s.Permitted["fail"] = transform.Now(func(poem string) string {
			if poem == "a" {
				return "fine"
			}
			panic("no inspiration")
		})
	})
	long.send("6:fail.a,6:fail.b,6:fail.a,")
	long.sees(t, "4:fine,", true)
	if got, want := short.log.String(), long.log.String(); got != want || !strings.Contains(got, `\"fail\": `) {
		t.Errorf("the log is\n%s, want\n%s", got, want)
	}
}

// The same when the request has been held back while another was worked on, and in the
// middle of a chunk.
func TestAPanicOfAnAppendThatHadToWait(t *testing.T) {
	c := converse(false, func(s *transform.Server) {
		appending("fail", func(dst, poem []byte) []byte {
			if string(poem) == "a" {
				return append(dst, "fine"...)
			}
			panic("no inspiration")
		})(s)
		s.MaxPending = 1
	})
	c.send("8:slowly.A,6:fail.a,6:fail.b,6:fail.a,")
	c.sees(t, "", false)
	c.clock.Advance(transform.DefaultPause)
	c.pair.Pump()
	c.sees(t, "1:a,4:fine,", true)
	c.logged(t, `\"fail\": `)
}

// A transformation whose panic has been caught has not left anything behind.
func TestTheFactoryGoesOnAfterAPanicOfAnAppend(t *testing.T) {
	server, _ := newServer(clock.NewFake())
	appending("fail", func(dst, poem []byte) []byte {
		if string(poem) == "b" {
			_ = append(dst, "not fine"...)
			panic("no inspiration")
		}
		return append(dst, poem...)
	})(server)
	f := &transform.Factory{Server: server}
	for range 3 {
		for _, test := range []struct{ send, want string }{{"6:fail.a,6:fail.b,", "1:a,"}, {"6:fail.c,", "1:c,"}} {
			tr := &protocoltest.StringTransport{TB: t}
			p := f.BuildProtocol(nil)
			p.MakeConnection(tr)
			p.ConnectionMade()
			p.DataReceived([]byte(test.send))
			if got := string(tr.Value()); got != test.want {
				t.Errorf("the answers to %q are %q, want %q", test.send, got, test.want)
			}
			p.ConnectionLost(protocol.ErrConnectionDone)
		}
	}
}

// Nobody would get what a client asks for after it has been refused.
func TestNothingIsBegunAfterARefusal(t *testing.T) {
	begun := 0
	server, _ := newServer(clock.NewFake())
	pipelined(server)
	server.Permitted["count"] = transform.Now(func(poem string) string { begun++; return poem })
	p, tr := (&transform.Factory{Server: server}).BuildProtocol(nil), &protocoltest.StringTransport{TB: t}
	p.MakeConnection(tr)
	p.ConnectionMade()
	p.DataReceived([]byte("7:count.a,7:haiku.b,7:count.c,"))
	p.DataReceived([]byte("7:count.d,"))
	if got := string(tr.Value()); got != "1:a," || begun != 1 || !tr.Disconnecting() {
		t.Errorf("the answers are %q, %d were begun, closed %t", got, begun, tr.Disconnecting())
	}
}

// breaking is a transport whose Write panics.
type breaking struct{ *protocoltest.StringTransport }

func (breaking) Write([]byte) (int, error) { panic("not the transformation's") }

// A panic of anything else is not the transformation's fault: it goes through to the
// loop, which ends the connection.
func TestAnotherPanicIsNoRefusal(t *testing.T) {
	for name, requests := range map[string]int{"at the end of a chunk": 1, "inside a chunk": 1 << 12} {
		t.Run(name, func(t *testing.T) {
			server, log := newServer(clock.NewFake())
			pipelined(server)
			tr := breaking{&protocoltest.StringTransport{TB: t}}
			p := (&transform.Factory{Server: server}).BuildProtocol(nil)
			p.MakeConnection(tr)
			p.ConnectionMade()
			func() {
				defer func() {
					if v := recover(); v != "not the transformation's" {
						t.Errorf("the panic is %v", v)
					}
				}()
				p.DataReceived([]byte(strings.Repeat("8:shout.hi,", requests)))
			}()
			if tr.Disconnecting() || strings.Contains(log.String(), `"warn"`) {
				t.Errorf("closed %t, for %v; the log is %.200s", tr.Disconnecting(), tr.Cause(), log)
			}
			p.ConnectionLost(protocol.ErrConnectionDone)
		})
	}
}

// A transformation that closes its own connection is the last to be answered, and the
// end follows at once: no producer and no timer keeps it.
func TestAnAppendThatCloses(t *testing.T) {
	for _, send := range []string{"7:close.a,", "7:close.a,7:close.b,"} {
		clk := clock.NewFake()
		server, _ := newServer(clk)
		tr := &protocoltest.StringTransport{TB: t}
		appending("close", func(dst, poem []byte) []byte {
			tr.LoseConnection()
			return append(dst, poem...)
		})(server)
		p := (&transform.Factory{Server: server}).BuildProtocol(nil)
		p.MakeConnection(tr)
		p.ConnectionMade()
		p.DataReceived([]byte(send))
		if producer, _ := tr.Producer(); producer != nil || clk.Pending() > 0 {
			t.Errorf("%q: %d timers wait, and the producer is %v", send, clk.Pending(), producer)
		}
		p.ConnectionLost(protocol.ErrConnectionDone)
	}
}
