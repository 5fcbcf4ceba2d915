package transform_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"skein/apps/transform"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/protocoltest"
)

// deferring makes a server answer everything by a Deferred.
func deferring(s *transform.Server) { s.Direct = nil }

// appending makes a server know a transformation by its short way only: the long
// one fails, so an answer tells which was taken.
func appending(name string, f transform.Append) func(s *transform.Server) {
	return func(s *transform.Server) {
		pipelined(s)
		s.Permitted[name] = func(string) *deferred.Deferred { return deferred.Fail(deferred.ErrCancelled) }
		s.Direct = transform.Direct{name: f}
	}
}

// poems are what both ways must make the same of.
var poems = []string{
	"", "A", "HERE IS My Poem", "@[`{ AZ az 09", "seven77", "eight888", "NINE99999", strings.Repeat("Aa", 49), strings.Repeat("Z", 99),
	"Straße, ΐ, ẞ", "ΟΔΟΣ", "ΣΙΣΥΦΟΣ ΣΟΣ Α.Σ Α.Σ.Α ΑΣ'Α", "𐐀𐐨", "eight88É", "ÉIGHT888", "\x00\x7f",
	"İ", "12345678İ", strings.Repeat("İ", 33), strings.Repeat("İ", 334), strings.Repeat("ß", 50), strings.Repeat("Ⱥ", 4), // longer than before
	strings.Repeat("K", 4), strings.Repeat("K", 34), // the Kelvin sign: shorter than before
	strings.Repeat("A Poem\n", 700),
}

func TestTheShortWayAnswersAsTheLongOne(t *testing.T) {
	for _, name := range []string{"cummingsify", "shout"} {
		for _, poem := range poems {
			for _, chunk := range []int{0, 1, 7} {
				t.Run(fmt.Sprintf("%s of %.20q, in chunks of %d", name, poem, chunk), func(t *testing.T) {
					request := netstring(name + "." + poem)
					short, long := converse(false, pipelined), converse(false, pipelined)
					deferring(long.server)
					for _, c := range []*conversation{short, long} {
						if chunk > 0 {
							c.pair.Chunk = protocoltest.Fixed(chunk)
						}
						c.send(request + request)
						c.halfClose()
					}
					want := string(long.client.Received())
					if !strings.HasSuffix(want, ",") {
						t.Fatalf("the long way answers %.80q", want)
					}
					short.sees(t, want, true)
					if got, want := short.log.String(), long.log.String(); got != want {
						t.Errorf("the log is\n%s, want\n%s", got, want)
					}
				})
			}
		}
	}
}

// Every letter at every place of a word, and behind its end; and those next to the
// letters' ends at every place of a line. With room behind dst and without, and with
// something that must stay as it is behind the room.
func TestCaseOfEveryASCIILetter(t *testing.T) {
	direct, service := (&transform.Service{}).Direct(), &transform.Service{}
	before, behind := "before ", "BEHIND it"
	try := func(poem []byte) {
		for name, want := range map[string]string{
			"cummingsify": strings.ToLower(string(poem)), "shout": service.Shout(string(poem)),
		} {
			if got := direct[name]([]byte(before), poem); string(got) != before+want {
				t.Fatalf("%s of %q is %q, want %q", name, poem, got, want)
			}
			end := len(before) + len(want)
			room := []byte(before + strings.Repeat("-", len(want)) + behind)
			got := direct[name](room[:len(before):end], poem)
			if string(got) != before+want || string(room[end:]) != behind {
				t.Fatalf("%s of %q is %q, want %q; behind it is %q", name, poem, got, want, room[end:])
			}
		}
	}
	put := func(c, size, at int) {
		poem := []byte(strings.Repeat("xY", size)[:size])
		poem[at] = byte(c)
		if c >= 0x80 { // a character of two bytes
			poem = []byte(string(poem[:at]) + string(rune(c)) + string(poem[at+1:]))
		}
		try(poem)
	}
	for c := range 256 {
		for size := 1; size <= 17; size++ {
			for at := range size {
				put(c, size, at)
			}
		}
	}
	for _, c := range []byte("\x00@AZ[`az{\x7f\x80\xe9") {
		for _, size := range []int{24, 31, 32, 33, 39, 40, 48, 63, 64, 65, 72, 95, 96, 97, 128} {
			for at := range size {
				put(int(c), size, at)
			}
		}
	}
}

func TestWhatIsNotUTF8IsRefusedWhereverItStands(t *testing.T) {
	for _, size := range []int{1, 7, 8, 31, 32, 33, 63, 64, 65, 96, 97, 100} {
		for at := range size {
			poem := []byte(strings.Repeat("x", size))
			poem[at] = 0xC4 // the first byte of two
			c := converse(false, pipelined)
			c.send("9:shout.one," + netstring("cummingsify."+string(poem)) + "9:shout.two,")
			c.sees(t, "3:ONE,", true)
			c.logged(t, "not valid UTF-8")
		}
	}
}

// What a function returns counts, wherever it lies: the answers before it are
// safe from it.
func TestAnAppendThatReturnsOtherMemory(t *testing.T) {
	tests := []struct {
		name string
		f    transform.Append
		want func(poem string) string
	}{
		{"dst", func(dst, _ []byte) []byte { return dst }, func(string) string { return "" }},
		{"nil", func(_, _ []byte) []byte { return nil }, func(string) string { return "" }},
		{"the poem", func(_, poem []byte) []byte { return poem }, func(poem string) string { return poem }},
		{"memory of its own", func(_, _ []byte) []byte { return []byte("own") }, func(string) string { return "own" }},
		{"half", func(dst, poem []byte) []byte { return append(dst, poem[:len(poem)/2]...) },
			func(poem string) string { return poem[:len(poem)/2] }},
		{"one more", func(dst, poem []byte) []byte { return append(append(dst, poem...), '!') },
			func(poem string) string { return poem + "!" }},
		{"much more", func(dst, poem []byte) []byte { return append(dst, bytes.Repeat(poem, 30)...) },
			func(poem string) string { return strings.Repeat(poem, 30) }},
		{"behind dst", func(dst, poem []byte) []byte { return append(append(dst, '!'), poem...)[1:] },
			func(poem string) string { return poem }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := converse(false, appending("odd", test.f))
			var requests, want strings.Builder
			for _, size := range []int{0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 1001, 5} {
				poem := strings.Repeat("abc", size)[:size]
				requests.WriteString(netstring("odd." + poem))
				want.WriteString(netstring(test.want(poem)))
			}
			c.send(requests.String())
			c.sees(t, want.String(), false)
		})
	}
}

func TestTheShortWayPermitsNothing(t *testing.T) {
	c := converse(false, func(s *transform.Server) { delete(s.Permitted, "shout") })
	c.send("9:shout.one,")
	c.sees(t, "", true)
	c.logged(t, "no such transformation")
}

func TestTheShortWayWaitsForTheLongOne(t *testing.T) {
	c := converse(false, pipelined)
	c.send("7:shout.a,8:slowly.B,7:shout.c,9:reverse.d,7:shout.e,")
	c.sees(t, "1:A,", false)
	c.send("7:shout.f,")
	c.clock.Advance(transform.DefaultPause)
	c.pair.Pump()
	c.sees(t, "1:A,1:b,1:C,1:d,1:E,1:F,", false)
	c.send("7:shout.g,9:reverse.h,7:shout.i,9:haiku.one,7:shout.k,")
	c.sees(t, "1:A,1:b,1:C,1:d,1:E,1:F,1:G,1:h,1:I,", true)
	c.logged(t, `"answered":9`)
}

// narrow is a transport with a high-water mark.
type narrow struct {
	*protocoltest.StringTransport
	high, taken int
}

func (n *narrow) Write(p []byte) (int, error) {
	if n.taken += len(p); n.taken > n.high {
		producer, _ := n.Producer()
		producer.(protocol.PushProducer).PauseProducing()
	}
	return n.StringTransport.Write(p)
}

// A chunk of short requests with long answers stops at the high-water mark, not
// at its end.
func TestTheShortWayHeedsTheHighWaterMark(t *testing.T) {
	const high, each, requests, gathered = 64 << 10, 10_000, 1000, 16 << 10
	server, _ := newServer(clock.NewFake())
	appending("fill", func(dst, _ []byte) []byte { return append(dst, make([]byte, each)...) })(server)
	n := &narrow{StringTransport: &protocoltest.StringTransport{TB: t}, high: high}
	p := (&transform.Factory{Server: server}).BuildProtocol(nil)
	p.MakeConnection(n)
	p.ConnectionMade()
	p.DataReceived([]byte(strings.Repeat("5:fill.,", requests)))
	if n.taken <= high || n.taken > high+gathered+each+10 {
		t.Errorf("%d bytes were written, and the high-water mark is at %d", n.taken, high)
	}
	for n.ProducerState() == protocoltest.Paused {
		n.high += high
		producer, _ := n.Producer()
		producer.ResumeProducing()
	}
	if want := requests * len(netstring(string(make([]byte, each)))); n.taken != want {
		t.Errorf("%d bytes were written in the end, want %d", n.taken, want)
	}
	p.ConnectionLost(protocol.ErrConnectionDone)
}

// hasty is a transport that has room again before Write returns.
type hasty struct{ *protocoltest.StringTransport }

func (h hasty) Write(p []byte) (int, error) {
	producer, _ := h.Producer()
	producer.(protocol.PushProducer).PauseProducing()
	defer producer.ResumeProducing()
	return h.StringTransport.Write(p)
}

// What has paused inside a chunk goes on behind it, also if nothing is held back.
func TestTheShortWayGoesOnWhenThereIsRoomAgain(t *testing.T) {
	server, _ := newServer(clock.NewFake())
	appending("fill", func(dst, _ []byte) []byte { return append(dst, make([]byte, 10_000)...) })(server)
	for requests := 1; requests <= 5; requests++ {
		h := hasty{&protocoltest.StringTransport{TB: t}}
		p := (&transform.Factory{Server: server}).BuildProtocol(nil)
		p.MakeConnection(h)
		p.ConnectionMade()
		p.DataReceived([]byte(strings.Repeat("5:fill.,", requests)))
		if n := len(h.Value()) / 10_000; n != requests || h.ProducerState() != protocoltest.Producing {
			t.Errorf("%d answers to %d requests; the transport is %v", n, requests, h.ProducerState())
		}
		p.ConnectionLost(protocol.ErrConnectionDone)
	}
}

// A transformation may do anything, even feed its own connection, or another of
// the same server.
func TestAnAppendThatCallsBackIn(t *testing.T) {
	for name, factories := range map[string]int{"of the same factory": 1, "of another factory": 2} {
		t.Run(name, func(t *testing.T) { callBackIn(t, factories) })
	}
}

func callBackIn(t *testing.T, factories int) {
	_, _ = heap(), heap() // nothing is left of other tests, which have gathered more
	var feed []protocol.Protocol
	inner := netstring(strings.Repeat("inner", 20))
	server, _ := newServer(clock.NewFake())
	appending("feed", func(dst, poem []byte) []byte {
		dst = append(dst, poem...)
		if string(poem) == "again" {
			for _, p := range feed {
				p.DataReceived([]byte(netstring("feed." + strings.Repeat("inner", 20))))
			}
		}
		return dst
	})(server)
	transports := make([]*protocoltest.StringTransport, 2)
	made := []*transform.Factory{{Server: server}, {Server: server}}
	for i := range transports {
		transports[i] = &protocoltest.StringTransport{TB: t}
		feed = append(feed, made[i%factories].BuildProtocol(nil))
		feed[i].MakeConnection(transports[i])
		feed[i].ConnectionMade()
	}
	feed[0].DataReceived([]byte("10:feed.first,10:feed.again,9:feed.last,"))
	feed[1].DataReceived([]byte("9:feed.then,"))
	for i, want := range []string{"5:first,5:again,4:last," + inner, inner + "4:then,"} {
		if got := string(transports[i].Value()); got != want {
			t.Errorf("connection %d got %q, want %q", i, got, want)
		}
		feed[i].ConnectionLost(protocol.ErrConnectionDone)
	}
}

// What a transformation feeds its own connection belongs to the chunk that it is
// called from, of which all is answered, whatever the way and the wire.
func TestATransformationThatFeedsItsOwnConnection(t *testing.T) {
	for _, wire := range []struct{ name, send, fed, want string }{
		{"short", "6:feed.a,9:reverse.b,7:shout.c,", "7:shout.d,", "1:a,1:b,1:C,1:D,"},
		{"long", "6:feed.a,9:reverse.b,7:shout.c,", "7:shout.d,", "1:a,1:b,1:C,1:D,"},
		{"lines", "feed\na\n.\nreverse\nb\n.\nshout\nc\n.\n", "shout\nd\n.\n", "a\n.\nb\n.\nC\n.\nD\n.\n"},
	} {
		for _, pipeline := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pipeline: %t", wire.name, pipeline), func(t *testing.T) {
				var own protocol.Protocol
				server, _ := newServer(clock.NewFake())
				server.Pipeline = pipeline
				feed := func(poem string) string { own.DataReceived([]byte(wire.fed)); return poem }
				server.Permitted["feed"] = transform.Now(feed)
				if wire.name == "short" {
					server.Direct["feed"] = func(dst, poem []byte) []byte { return append(dst, feed(string(poem))...) }
				}
				var f protocol.Factory = &transform.Factory{Server: server}
				if wire.name == "lines" {
					f = &transform.LineFactory{Server: server}
				}
				transport := &protocoltest.StringTransport{TB: t}
				own = f.BuildProtocol(nil)
				own.MakeConnection(transport)
				own.ConnectionMade()
				own.DataReceived([]byte(wire.send))
				if got := string(transport.Value()); got != wire.want {
					t.Errorf("the answers are %q, want %q", got, wire.want)
				}
				if closed := transport.Disconnecting(); closed == pipeline {
					t.Errorf("the server has closed: %t", closed)
				}
				own.ConnectionLost(protocol.ErrConnectionDone)
			})
		}
	}
}

// What a name means is for each factory to say, also when another has used the
// same memory before it: what has gathered long answers is lent to all.
func TestANameMeansWhatItsOwnFactorySays(t *testing.T) {
	for _, size := range []int{1, 10_000} {
		protocols, transports := make([]protocol.Protocol, 3), make([]*protocoltest.StringTransport, 3)
		answer := func(i int) string { return strings.Repeat(string(rune('a'+i)), size) }
		for i := range protocols {
			server, _ := newServer(clock.NewFake())
			appending("what", func(dst, _ []byte) []byte { return append(dst, answer(i)...) })(server)
			protocols[i] = (&transform.Factory{Server: server}).BuildProtocol(nil)
			transports[i] = &protocoltest.StringTransport{TB: t}
			protocols[i].MakeConnection(transports[i])
			protocols[i].ConnectionMade()
		}
		for round := range 10 {
			for i, p := range protocols {
				p.DataReceived([]byte("5:what.,"))
				if got, want := string(transports[i].Value()), netstring(answer(i)); got != want {
					t.Fatalf("round %d: the answer is %.20q, want %.20q", round, got, want)
				}
				transports[i].Clear()
			}
		}
	}
}
