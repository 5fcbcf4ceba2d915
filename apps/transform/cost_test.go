package transform_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"skein/apps/transform"
	"skein/deferred/clock"
	"skein/protocol"
)

// connected returns the protocol of a client that has connected.
func connected(s *transform.Server) (protocol.Protocol, *sink) {
	p, t := (&transform.Factory{Server: s}).BuildProtocol(nil), &sink{}
	p.MakeConnection(t)
	p.ConnectionMade()
	return p, t
}

// A request that has an answer at once costs no allocation, however it is cut,
// and whatever letters are in it.
func TestARequestCostsNoAllocation(t *testing.T) {
	for _, poem := range []string{"", "HERE IS My Poem", strings.Repeat("A Poem ", 60), "ΟΔΟΣ É İ", strings.Repeat("A", 10_000)} {
		for _, name := range []string{"cummingsify", "shout"} {
			if name == "shout" && strings.Contains(poem, "Σ") {
				continue // what is not ASCII costs nothing with cummingsify only
			}
			request := []byte(netstring(name + "." + poem))
			for _, depth := range []int{1, 16} {
				t.Run(fmt.Sprintf("%d of %d bytes of %s", depth, len(request), name), func(t *testing.T) {
					p, out := connected(quiet(clock.NewFake()))
					chunk := []byte(strings.Repeat(string(request), depth))
					if n := testing.AllocsPerRun(20, func() { p.DataReceived(chunk) }); n > 0 && !raceEnabled {
						t.Errorf("%v allocations", n)
					}
					if out.taken == 0 || out.closed {
						t.Errorf("%d bytes came, closed: %t", out.taken, out.closed)
					}
				})
			}
		}
	}
}

func TestARequestInPiecesCostsNoAllocation(t *testing.T) {
	request := []byte(netstring("cummingsify." + strings.Repeat("A Poem ", 20)))
	p, out := connected(quiet(clock.NewFake()))
	runs := 0
	for cut := 1; cut < len(request); cut++ {
		n := testing.AllocsPerRun(20, func() {
			runs++
			p.DataReceived(request[:cut])
			p.DataReceived(request[cut:])
		})
		if n > 0 && !raceEnabled {
			t.Errorf("%v allocations for a request that is cut after %d bytes", n, cut)
		}
	}
	n := testing.AllocsPerRun(20, func() {
		runs++
		for i := range request {
			p.DataReceived(request[i : i+1])
		}
	})
	if n > 0 && !raceEnabled {
		t.Errorf("%v allocations for a request in single bytes", n)
	}
	if want := runs * (len(request) - len("cummingsify.")); out.taken != want {
		t.Errorf("%d bytes came, want %d", out.taken, want)
	}
}

// A factory that has answered long poems gives the memory back when nobody asks.
func TestAnIdleFactoryKeepsLittle(t *testing.T) {
	const factories, most = 100, 8 << 10
	request := []byte(netstring("cummingsify." + strings.Repeat("A", 50_000)))
	held := make([]protocol.Protocol, factories)
	collect := func() int { heap(); return heap() } // what is pooled survives one collection
	before := collect()
	for i := range held {
		p, out := connected(quiet(clock.NewFake()))
		if p.DataReceived(request); out.taken < 50_000 {
			t.Fatalf("%d bytes came", out.taken)
		}
		held[i] = p
	}
	if kept := (collect() - before) / factories; kept > most {
		t.Errorf("each factory keeps %d bytes", kept)
	}
	runtime.KeepAlive(held)
}

// Sixteen answers are one write.
func TestTheAnswersToAChunkAreOneWrite(t *testing.T) {
	p, out := connected(quiet(clock.NewFake()))
	p.DataReceived([]byte(strings.Repeat(netstring("shout.hello"), 16)))
	if out.writes != 1 || out.taken != 16*len("5:HELLO,") {
		t.Errorf("%d writes of %d bytes together", out.writes, out.taken)
	}
}

// What a connection of one request takes: its protocol, and a timer with its
// function. (The sink is the test's.)
func TestAConnectionCostsThreeAllocations(t *testing.T) {
	server := quiet(clock.NewFake())
	server.Pipeline = false
	f, out := &transform.Factory{Server: server}, &sink{}
	request := []byte(netstring("cummingsify.HERE IS My Poem"))
	n := testing.AllocsPerRun(100, func() {
		*out = sink{}
		p := f.BuildProtocol(nil)
		p.MakeConnection(out)
		p.ConnectionMade()
		p.DataReceived(request)
		p.ConnectionLost(protocol.ErrConnectionDone)
		if !out.closed {
			t.Error("the connection was not closed")
		}
	})
	if n > 3 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}
