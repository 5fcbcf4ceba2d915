package transform_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"skein/apps/transform"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/basic"
	"skein/protocol/protocoltest"
)

// conversation is a client that a test plays, and the server's protocol, with a
// network in memory between them.
type conversation struct {
	client *protocoltest.HalfRecorder
	pair   *protocoltest.Pair
	clock  *clock.Fake
	server *transform.Server
	log    *bytes.Buffer
}

// converse connects a client to a server over netstrings, or over lines.
func converse(overLines bool, settings func(s *transform.Server)) *conversation {
	c := &conversation{client: &protocoltest.HalfRecorder{}, clock: clock.NewFake()}
	c.server, c.log = newServer(c.clock)
	if settings != nil {
		settings(c.server)
	}
	var f protocol.Factory = &transform.Factory{Server: c.server}
	if overLines {
		f = &transform.LineFactory{Server: c.server}
	}
	c.pair = protocoltest.NewPair(c.client, f.BuildProtocol(nil))
	c.pair.Pump()
	return c
}

// send sends text to the server, and pumps.
func (c *conversation) send(text string) {
	_, _ = c.client.Transport.Write([]byte(text))
	c.pair.Pump()
}

// halfClose ends the client's side, and pumps.
func (c *conversation) halfClose() {
	c.client.Transport.LoseWriteConnection()
	c.pair.Pump()
}

// sees checks what the client has got, and whether that was all.
func (c *conversation) sees(t *testing.T, want string, closed bool) {
	t.Helper()
	if got := string(c.client.Received()); got != want {
		t.Errorf("the client got %.80q (%d bytes), want %.80q", got, len(got), want)
	}
	if got := c.pair.Server.Disconnecting(); got != closed {
		t.Errorf("the server has closed: %t, want %t", got, closed)
	}
	if closed {
		c.pair.Client.LoseConnection() // as a client does that has seen the end
		c.pair.Pump()
		if n := c.clock.Pending(); n != 0 {
			t.Errorf("%d timers are left", n)
		}
	}
}

// logged checks the lines of the log that are warnings.
func (c *conversation) logged(t *testing.T, want ...string) {
	t.Helper()
	var warnings []string
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, `"warn"`) {
			warnings = append(warnings, line)
		}
	}
	if len(warnings) != len(want) {
		t.Errorf("there are %d warnings, want %d:\n%s", len(warnings), len(want), c.log)
		return
	}
	for i, w := range want {
		if !strings.Contains(warnings[i], w) {
			t.Errorf("the log has %s, want %s", warnings[i], w)
		}
	}
}

// pipelined makes a server answer many requests.
func pipelined(s *transform.Server) { s.Pipeline = true }

// netstringTests are what a client sends at once, and what it then sees.
var netstringTests = []struct {
	name     string
	settings func(s *transform.Server)
	send     string
	want     string
	closed   bool
	log      []string
}{
	{"a poem", nil, "27:cummingsify.HERE IS MY POEM,", "15:here is my poem,", true, nil},
	{"no poem", nil, "12:cummingsify.,", "0:,", true, nil},
	{"a dot in the poem", nil, "9:shout.a.b,", "3:A.B,", true, nil},
	{"two at once", nil, "9:shout.one,9:shout.two,", "3:ONE,3:TWO,", true, nil},
	{"longer than before", nil, "14:cummingsify.İ,", "3:i\u0307,", true, nil},
	{"two of many", pipelined, "9:shout.one,9:shout.two,", "3:ONE,3:TWO,", false, nil},

	{"nothing", nil, "", "", false, nil},
	{"the beginning of a length", nil, "0", "", false, nil},
	{"a length", nil, "99999", "", false, nil},
	{"no comma yet", nil, "12:cummingsify.", "", false, nil},

	{"unknown", nil, "9:haiku.one,", "", true, []string{`\"haiku\": no such transformation`}},
	{"a method of the service", nil, "13:Cummingsify.A,", "", true, []string{"no such transformation"}},
	{"a method by the tutorial's name", nil, "19:xform_cummingsify.A,", "", true, []string{"no such transformation"}},
	{"no name", nil, "5:.poem,", "", true, []string{"no such transformation"}},
	{"a name without end", nil, "60:" + strings.Repeat("n", 59) + ".,", "", true, []string{`nnn...\": no such`}},
	{"no dot", nil, "5:shout,", "", true, []string{"no separator between"}},
	{"empty", nil, "0:,", "", true, []string{"no separator between"}},
	{"not UTF-8", nil, "7:shout.\xff,", "", true, []string{"not valid UTF-8"}},
	{"half a character", nil, "7:shout.\xc4,", "", true, []string{"not valid UTF-8"}},
	{"not UTF-8 behind a good one", nil, "9:shout.one,7:shout.\xff,", "3:ONE,", true, []string{`"answered":1`}},
	{"letters", nil, "abc:", "", true, []string{"malformed netstring"}},
	{"a colon", nil, ":", "", true, []string{"malformed netstring"}},
	{"a leading zero", nil, "05:", "", true, []string{"malformed netstring"}},
	{"two zeros", nil, "00", "", true, []string{"malformed netstring"}},
	{"a sign", nil, "-", "", true, []string{"malformed netstring"}},
	{"a space", nil, " ", "", true, []string{"malformed netstring"}},
	{"no comma, not executed", nil, "9:shout.one;", "", true, []string{"in place of the comma"}},
	{"malformed behind a good one", nil, "9:shout.one,x", "3:ONE,", true, []string{"malformed netstring"}},
	{"too long, before the colon", nil, "100000", "", true, []string{"too long"}},
	{"too long for this server", func(s *transform.Server) { s.MaxRequest = 9 }, "10:", "", true, []string{"more than 9 bytes"}},
	{"as long as may be", func(s *transform.Server) { s.MaxRequest = 9 }, "9:shout.one,", "3:ONE,", true, nil},
}

func TestNetstrings(t *testing.T) {
	for _, test := range netstringTests {
		for _, chunk := range []int{0, 1, 3} {
			if chunk > 0 && (strings.HasPrefix(test.name, "two at once") || strings.HasSuffix(test.name, "behind a good one")) {
				continue // in chunks there are not two
			}
			for _, way := range []func(s *transform.Server){nil, deferring} {
				t.Run(fmt.Sprintf("%s, in chunks of %d, short way %t", test.name, chunk, way == nil), func(t *testing.T) {
					c := converse(false, test.settings)
					if way != nil {
						way(c.server)
					}
					if chunk > 0 {
						c.pair.Chunk = protocoltest.Fixed(chunk)
					}
					c.send(test.send)
					c.sees(t, test.want, test.closed)
					c.logged(t, test.log...)
				})
			}
		}
	}
}

func TestAHalfClosedClientGetsItsAnswer(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		c := converse(false, nil)
		_, _ = c.client.Transport.Write([]byte("9:shout.one,"))
		c.halfClose()
		c.sees(t, "3:ONE,", true)
	})
	t.Run("later", func(t *testing.T) {
		c := converse(false, nil)
		c.send("10:slowly.ONE,")
		c.halfClose()
		c.sees(t, "", false)
		c.clock.Advance(transform.DefaultPause)
		c.pair.Pump()
		c.sees(t, "3:one,", true)
		c.logged(t)
	})
	t.Run("what was held back, too", func(t *testing.T) {
		clock := clock.NewFake()
		server, _ := newServer(clock)
		server.Pipeline, server.MaxPending = true, 1
		tr := &protocoltest.StringTransport{TB: t}
		p := (&transform.Factory{Server: server}).BuildProtocol(nil)
		p.MakeConnection(tr)
		p.ConnectionMade()
		p.DataReceived([]byte("8:slowly.A,7:shout.b,"))
		p.(protocol.HalfCloser).ReadConnectionLost()
		clock.Advance(transform.DefaultPause)
		if got := string(tr.Value()); got != "1:a,1:B," || !tr.Disconnecting() {
			t.Errorf("the answers are %q, closed %t", got, tr.Disconnecting())
		}
	})
	t.Run("with half a request", func(t *testing.T) {
		c := converse(false, nil)
		c.send("9:shout.o")
		c.halfClose()
		c.sees(t, "", true)
		c.logged(t, "the request was cut short")
	})
}

// Behind others, too, half a request has its line in the log, and the answers to
// the others arrive.
func TestASecondRequestCutShort(t *testing.T) {
	tests := []struct {
		name      string
		overLines bool
		send      string
		want      string
	}{
		{"netstrings", false, "8:shout.hi,8:shout.", "2:HI,"},
		{"the length of a netstring", false, "8:shout.hi,8", "2:HI,"},
		{"slow netstrings", false, "8:shout.hi,9:slowly.HI,8:shout.", "2:HI,2:hi,"},
		{"lines", true, "shout\nhi\n.\nshou", "HI\n.\n"},
		{"slow lines", true, "slowly\nHI\n.\nshou", "hi\n.\n"},
	}
	for _, test := range tests {
		for _, chunk := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s, in chunks of %d", test.name, chunk), func(t *testing.T) {
				c := converse(test.overLines, pipelined)
				if chunk > 0 {
					c.pair.Chunk = protocoltest.Fixed(chunk)
				}
				c.send(test.send)
				c.halfClose()
				c.clock.Advance(transform.DefaultPause)
				c.pair.Pump()
				c.sees(t, test.want, true)
				c.logged(t, transform.ErrCut.Error())
			})
		}
	}
}

func TestASlowAnswerIsCancelledWhenItsClientLeaves(t *testing.T) {
	c := converse(false, nil)
	c.send("10:slowly.ONE,")
	c.client.Transport.AbortConnection()
	c.pair.Pump()
	if n := c.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	c.logged(t, "A client has left.")
}

func TestAnswersKeepTheOrderOfTheRequests(t *testing.T) {
	c := converse(false, pipelined)
	c.send("8:slowly.A,7:shout.b,8:slowly.C,")
	c.sees(t, "", false)
	c.send("7:shout.d,") // while the others are worked on
	c.clock.Advance(transform.DefaultPause)
	c.pair.Pump()
	c.sees(t, "1:a,1:B,1:c,1:D,", false)
	c.send("7:haiku.e,")
	c.sees(t, "1:a,1:B,1:c,1:D,", true)
	c.logged(t, `"answered":4`)
}

func TestARefusalWaitsForTheAnswersBeforeIt(t *testing.T) {
	c := converse(false, pipelined)
	c.send("8:slowly.A,7:haiku.b,8:slowly.C,")
	c.sees(t, "", false)
	c.clock.Advance(transform.DefaultPause)
	c.pair.Pump()
	c.sees(t, "1:a,", true)
	c.logged(t, "no such transformation")
}

// Where the end of a request cannot be told, nothing is waited for.
func TestAFaultOfTheWireCancelsWhatIsWorkedOn(t *testing.T) {
	tests := []struct {
		name      string
		overLines bool
		send      string
		want      string
		log       string
	}{
		{"a malformed netstring", false, "8:shout.hi,9:slowly.HI,abc:", "2:HI,", "malformed netstring"},
		{"a long netstring", false, "8:shout.hi,9:slowly.HI,13:", "2:HI,", "too long"},
		{"a long line", true, "shout\nhi\n.\nslowly\nHI\n.\nshout\n" + strings.Repeat("a", 20), "HI\n.\n", "too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := converse(test.overLines, func(s *transform.Server) { s.Pipeline, s.MaxRequest = true, 12 })
			c.send(test.send)
			if n := c.clock.Pending(); n != 0 {
				t.Errorf("%d timers are left", n)
			}
			c.sees(t, test.want, true)
			c.logged(t, test.log)
		})
	}
}

// What is no netstring ends the session at once, though nothing is worked on: else the
// connection would stay open for its producer until the timer looks.
func TestAFaultOfTheWireEndsTheSession(t *testing.T) {
	for _, send := range []string{"x", "1x", "05:", "9:shout.one;", "8:shout.hi,x", "8:shout.hi,100000"} {
		for _, chunk := range []int{0, 1, 3} {
			c := converse(false, pipelined)
			if chunk > 0 {
				c.pair.Chunk = protocoltest.Fixed(chunk)
			}
			if c.send(send); c.clock.Pending() != 0 || !c.pair.Server.Disconnecting() {
				t.Errorf("%q in chunks of %d: %d timers are left, closed %t", send, chunk, c.clock.Pending(), c.pair.Server.Disconnecting())
			}
		}
	}
}

// Lines that are too many wait for their turn.
func TestAPoemThatIsTooLongIsRefusedInItsTurn(t *testing.T) {
	c := converse(true, func(s *transform.Server) { s.Pipeline, s.MaxRequest = true, 12 })
	c.send("slowly\nHI\n.\nshout\n" + strings.Repeat("a\n", 10))
	c.sees(t, "", false)
	c.clock.Advance(transform.DefaultPause)
	c.pair.Pump()
	c.sees(t, "hi\n.\n", true)
	c.logged(t, "a request of more than 12 bytes")
}

func TestATransformationThatFailsIsARefusal(t *testing.T) {
	tests := []struct {
		name  string
		begin transform.Transformation
	}{
		{"an error", func(string) *deferred.Deferred { return deferred.Fail(errors.New("no inspiration")) }},
		{"a panic", transform.Now(func(string) string { panic("no inspiration") })},
		{"a panic before the Deferred", func(string) *deferred.Deferred { panic("no inspiration") }},
		{"no Deferred", func(string) *deferred.Deferred { return nil }},
		{"no poem", func(string) *deferred.Deferred { return deferred.Succeed(42) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := converse(false, func(s *transform.Server) { s.Permitted["fail"] = test.begin })
			c.send("6:fail.a,")
			c.sees(t, "", true)
			c.logged(t, `\"fail\": `)
		})
	}
}

func TestASlowLorisIsCutOff(t *testing.T) {
	tests := []struct {
		name      string
		overLines bool
		begins    string
		goesOn    string
	}{
		{"in a netstring", false, "99999:", "x"},
		{"in a name", true, "s", "h"},
		{"in a poem", true, "shout\n", "x\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := converse(test.overLines, nil)
			c.send(test.begins)
			for second := 1; second < 30; second++ {
				c.clock.Advance(time.Second)
				c.send(test.goesOn)
			}
			c.sees(t, "", false)
			c.clock.Advance(time.Second)
			c.pair.Pump()
			c.sees(t, "", true)
			c.logged(t, transform.ErrSlowClient.Error())
		})
	}
}

func TestAnIdleClientIsCutOff(t *testing.T) {
	c := converse(false, func(s *transform.Server) { s.Pipeline, s.Timeout = true, time.Minute })
	c.send("9:shout.one,")
	c.clock.Advance(time.Minute)
	c.pair.Pump()
	c.sees(t, "3:ONE,", false) // it has taken an answer in this minute
	c.clock.Advance(time.Minute)
	c.pair.Pump()
	c.sees(t, "3:ONE,", true)
	c.logged(t) // it has all its answers
}

func TestASecondRequestThatNeverEndsIsCutOff(t *testing.T) {
	for _, overLines := range []bool{false, true} {
		c := converse(overLines, pipelined)
		whole, part, answer := "8:shout.hi,", "8:shou", "2:HI,"
		if overLines {
			whole, part, answer = "shout\nhi\n.\n", "shou", "HI\n.\n"
		}
		c.send(whole + part)
		c.clock.Advance(transform.DefaultTimeout)
		c.sees(t, answer, false)
		c.clock.Advance(transform.DefaultTimeout)
		c.pair.Pump()
		c.sees(t, answer, true)
		c.logged(t, transform.ErrSlowClient.Error())
	}
}

func TestTheServersTimeIsNotTheClients(t *testing.T) {
	c := converse(false, func(s *transform.Server) { s.Timeout = transform.DefaultPause / 4 })
	c.send("10:slowly.ONE,")
	for range 4 {
		c.sees(t, "", false)
		c.clock.Advance(transform.DefaultPause / 4)
		c.pair.Pump()
	}
	c.sees(t, "3:one,", true)
	c.logged(t)
}

// The timer may look in the very moment in which an answer has been written, and
// no byte of it can have left.
func TestAClientHasTimeToTakeItsAnswer(t *testing.T) {
	c := converse(false, func(s *transform.Server) { s.Pipeline, s.Timeout = true, transform.DefaultPause/4 })
	c.send("7:shout.a,10:slowly.ONE,")
	for range 4 {
		c.clock.Advance(transform.DefaultPause / 4)
		if c.pair.Server.Disconnecting() {
			t.Fatal("the server has closed")
		}
	}
	c.pair.Pump()
	c.sees(t, "1:A,3:one,", false)
}

// slowReader is the transport to a client that reads slowly: the system's memory
// empties, and the queue stands still.
type slowReader struct {
	*protocoltest.StringTransport
	system int
}

func (r *slowReader) Unacknowledged() int { return r.Backlog + r.system }

func TestAClientThatReadsSlowlyIsNotCutOff(t *testing.T) {
	clock := clock.NewFake()
	server, log := newServer(clock)
	server.Pipeline = true
	r := &slowReader{&protocoltest.StringTransport{TB: t}, 0}
	p := (&transform.Factory{Server: server}).BuildProtocol(nil)
	p.MakeConnection(r)
	p.ConnectionMade()
	poem := strings.Repeat("a", 1000)
	p.DataReceived([]byte(netstring("shout." + poem)))
	r.Backlog, r.system = 500, len(r.Value())-500
	for r.system > 0 {
		clock.Advance(transform.DefaultTimeout)
		if r.Disconnecting() {
			t.Fatalf("closed for %v while the system had %d bytes", r.Cause(), r.system)
		}
		r.system -= min(100, r.system)
	}
	clock.Advance(transform.DefaultTimeout)
	clock.Advance(transform.DefaultTimeout)
	if !r.Aborted() || !errors.Is(r.Cause(), transform.ErrSlowClient) {
		t.Errorf("a client that reads no more is aborted %t, for %v", r.Aborted(), r.Cause())
	}
	if n := clock.Pending(); n != 0 {
		t.Errorf("%d timers are left:\n%s", n, log)
	}
}

// A client that leaves its last answer in the system has not taken all of them.
func TestAClientThatLeavesTheLastAnswerIsRefused(t *testing.T) {
	clock := clock.NewFake()
	server, _ := newServer(clock)
	server.Pipeline = true
	r := &slowReader{&protocoltest.StringTransport{TB: t}, 0}
	p := (&transform.Factory{Server: server}).BuildProtocol(nil)
	p.MakeConnection(r)
	p.ConnectionMade()
	p.DataReceived([]byte("8:shout.hi,"))
	r.system = len(r.Value())
	clock.Advance(transform.DefaultTimeout)
	clock.Advance(transform.DefaultTimeout)
	if !r.Disconnecting() || r.Aborted() || !errors.Is(r.Cause(), transform.ErrSlowClient) {
		t.Errorf("closed %t, aborted %t, for %v", r.Disconnecting(), r.Aborted(), r.Cause())
	}
}

func TestNoMoreThanMaxPendingAreWorkedOn(t *testing.T) {
	c := converse(false, func(s *transform.Server) { s.Pipeline, s.MaxPending = true, 3 })
	c.send(strings.Repeat("8:slowly.A,", 10))
	c.send("7:shout.b,")
	for batch := range 3 {
		if n := c.clock.Pending() - 1; n != 3 { // one more is the timeout's
			t.Fatalf("%d are worked on, want 3", n)
		}
		c.clock.Advance(transform.DefaultPause)
		c.pair.Pump()
		c.sees(t, strings.Repeat("1:a,", 3*(batch+1)), false)
	}
	c.clock.Advance(transform.DefaultPause)
	c.pair.Pump()
	c.sees(t, strings.Repeat("1:a,", 10)+"1:B,", false)
}

// Long requests are bounded by their bytes: one of MaxRequest bytes, or two that
// have as many together, are work enough.
func TestNoMoreThanMaxRequestBytesAreWorkedOn(t *testing.T) {
	for size, atATime := range map[int]int{20: 1, 19: 2, 10: 2, 9: 3} {
		for _, overLines := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, over lines %t", size, overLines), func(t *testing.T) {
				c := converse(overLines, func(s *transform.Server) { s.Pipeline, s.MaxRequest = true, 20 })
				poem := strings.Repeat("A", size-len("slowly."))
				request, answer := netstring("slowly."+poem), netstring(strings.ToLower(poem))
				if overLines {
					poem = poem[1:] + "\n" // its line end counts
					request, answer = "slowly\n"+poem+".\n", strings.ToLower(poem)+".\n"
				}
				c.send(strings.Repeat(request, 6))
				for batch := range 6 / atATime {
					if n := c.clock.Pending() - 1; n != atATime { // one more is the timeout's
						t.Fatalf("%d are worked on, want %d", n, atATime)
					}
					c.clock.Advance(transform.DefaultPause)
					c.pair.Pump()
					c.sees(t, strings.Repeat(answer, atATime*(batch+1)), false)
				}
			})
		}
	}
}

// Of a request that is worked on there is one copy.
func TestMemoryOfWhatIsWorkedOn(t *testing.T) {
	const connections, most = 20, transform.DefaultMaxRequest * 2
	request := netstring("slowly." + strings.Repeat("A", transform.DefaultMaxRequest-len("slowly.")))
	before := heap()
	var all []*conversation
	for range connections {
		c := converse(false, pipelined)
		c.pair.Chunk = protocoltest.Fixed(len(request))
		c.send(request)
		all = append(all, c)
	}
	if each := (heap() - before) / connections; each > most {
		t.Errorf("a connection with a request of %d bytes keeps %d", len(request), each)
	}
	for _, c := range all {
		c.clock.Advance(transform.DefaultPause)
		c.pair.Pump()
		if n := len(c.client.Received()); n < transform.DefaultMaxRequest-len("slowly.") {
			t.Errorf("the client got %d bytes", n)
		}
	}
}

// heap returns the number of bytes that are in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestARefusalIsARequestError(t *testing.T) {
	s, _ := newServer(clock.NewFake())
	var err error
	s.Request("haiku.poem").AddErrback(func(e error) (any, error) { err = e; return nil, nil })
	var re *transform.RequestError
	if !errors.As(err, &re) || re.Name != "haiku" || !errors.Is(err, transform.ErrUnknown) {
		t.Errorf("the error is %#v", err)
	}
	if errors.Is(err, basic.ErrTooLong) {
		t.Error("it is anything")
	}
}

func TestTheLogOfTheLoopNamesTheWire(t *testing.T) {
	server, _ := newServer(clock.NewFake())
	for want, f := range map[string]protocol.Factory{
		"*transform.netstrings": &transform.Factory{Server: server},
		"*transform.lines":      &transform.LineFactory{Server: server},
	} {
		if got := f.BuildProtocol(nil).(protocol.LogPrefixer).LogPrefix(); got != want {
			t.Errorf("the name is %s, want %s", got, want)
		}
	}
}
