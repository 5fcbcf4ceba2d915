package protocoltest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

// newPair connects two recorders and lets them hear of it.
func newPair() (pair *protocoltest.Pair, client, server *protocoltest.Recorder) {
	client, server = &protocoltest.Recorder{}, &protocoltest.Recorder{}
	pair = protocoltest.NewPair(client, server)
	pair.Pump()
	return pair, client, server
}

// write queues text at one end and fails the test if it is not taken.
func write(t *testing.T, tr protocol.Transport, text string) {
	t.Helper()
	if n, err := tr.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write(%q) = %d, %v", text, n, err)
	}
}

// made is what every recorder begins with.
var made = []string{"MakeConnection", "ConnectionMade"}

// afterMade prepends it.
func afterMade(calls ...string) []string { return append(made[:2:2], calls...) }

func TestNothingHappensBeforeThePump(t *testing.T) {
	client, server := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	pair := protocoltest.NewPair(client, server)
	expectCalls(t, "client", client)

	if steps := pair.Pump(); steps != 2 {
		t.Errorf("connecting took %d steps, want one for each end", steps)
	}
	expectCalls(t, "client", client, made...)
	expectCalls(t, "server", server, made...)
	write(t, client.Transport, "hello")
	expectCalls(t, "server", server, made...)
	pair.Pump()
	expectCalls(t, "server", server, afterMade(`DataReceived("hello")`)...)
	if steps := pair.Pump(); steps != 0 {
		t.Errorf("an idle pair took %d steps", steps)
	}
}

func TestAddresses(t *testing.T) {
	pair, client, server := newPair()
	if client.Transport.LocalAddr() != server.Transport.RemoteAddr() ||
		client.Transport.RemoteAddr() != server.Transport.LocalAddr() ||
		client.Transport.LocalAddr().String() == client.Transport.RemoteAddr().String() {
		t.Error("the addresses of the two ends do not mirror each other")
	}
	unix := &net.UnixAddr{Name: "/poetry", Net: "unix"}
	pair.Server.Addr = unix
	if client.Transport.RemoteAddr() != net.Addr(unix) {
		t.Errorf("the client sees %v", client.Transport.RemoteAddr())
	}
}

func TestWritesArriveInOrderInTheChunksAskedFor(t *testing.T) {
	calls := 0
	tests := []struct {
		name  string
		chunk func(int) int
		want  []string
	}{
		{"all at once", nil, []string{"abcdefgh"}},
		{"one byte each", protocoltest.Fixed(1), []string{"a", "b", "c", "d", "e", "f", "g", "h"}},
		{"three, across the borders of writes", protocoltest.Fixed(3), []string{"abc", "def", "gh"}},
		{"growing", func(int) int { calls++; return calls }, []string{"a", "bc", "def", "gh"}},
		{"all but one", func(pending int) int { return pending - 1 }, []string{"abcdefg", "h"}},
		{"none is taken for one", func(pending int) int { return pending - 7 }, []string{"a", "b", "c", "d", "e", "f", "g", "h"}},
		{"too many is taken for all", func(int) int { return 1 << 30 }, []string{"abcdefgh"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pair, client, server := newPair()
			pair.Chunk = test.chunk
			write(t, client.Transport, "ab")
			if err := client.Transport.WriteSequence([][]byte{[]byte("c"), {}, []byte("de")}); err != nil {
				t.Fatal(err)
			}
			if err := client.Transport.WriteShared([]byte("fgh")); err != nil {
				t.Fatal(err)
			}
			if client.Transport.Buffered() != 8 {
				t.Errorf("Buffered = %d", client.Transport.Buffered())
			}
			pair.Pump()
			want := afterMade()
			for _, chunk := range test.want {
				want = append(want, fmt.Sprintf("DataReceived(%q)", chunk))
			}
			expectCalls(t, "server", server, want...)
			if client.Transport.Buffered() != 0 {
				t.Errorf("Buffered = %d after the pump", client.Transport.Buffered())
			}
		})
	}
}

func TestOneReadIsAtMost64KiB(t *testing.T) {
	pair, client, server := newPair()
	poem := bytes.Repeat([]byte("poetry. "), 20_000)
	if err := client.Transport.WriteShared(poem); err != nil {
		t.Fatal(err)
	}
	pair.Pump()
	for _, e := range server.Events() {
		if len(e.Data) > 65_536 {
			t.Errorf("one DataReceived got %d bytes", len(e.Data))
		}
	}
	if !bytes.Equal(server.Received(), poem) {
		t.Error("the poem arrived changed")
	}
}

func TestWriteCopiesAndWriteSharedDoesNot(t *testing.T) {
	pair, client, server := newPair()
	copied, shared := []byte("copied "), []byte("shared")
	_, _ = client.Transport.Write(copied)
	_ = client.Transport.WriteShared(shared)
	copy(copied, "#######")
	copy(shared, "SHARED") // forbidden; here it shows that no copy was made
	pair.Pump()
	if got := string(server.Received()); got != "copied SHARED" {
		t.Errorf("received %q", got)
	}
}

func TestAKeptSliceIsPoisoned(t *testing.T) {
	pair, client, server := newPair()
	var kept []byte
	server.OnData = func(data []byte) { kept = data }
	write(t, client.Transport, "line")
	pair.Pump()
	if strings.ContainsAny(string(kept), "line") {
		t.Errorf("a slice kept after DataReceived still reads %q", kept)
	}
	_ = client.Transport.WriteShared([]byte("shared"))
	shared := []byte("promised")
	_ = client.Transport.WriteShared(shared)
	pair.Pump()
	if string(shared) != "promised" {
		t.Errorf("poisoning reached the writer's own slice: %q", shared)
	}
}

func TestPausedReaderGetsNothingUntilItResumes(t *testing.T) {
	pair, client, server := newPair()
	pair.Chunk = protocoltest.Fixed(2)
	server.OnData = func([]byte) { server.Transport.PauseProducing() }
	write(t, client.Transport, "abcd")
	client.Transport.LoseConnection()
	pair.Pump()
	expectCalls(t, "server", server, afterMade(`DataReceived("ab")`)...)
	if pair.Server.Reading() || client.Transport.Buffered() != 2 {
		t.Errorf("reading %t, %d bytes wait", pair.Server.Reading(), client.Transport.Buffered())
	}

	server.OnData = nil
	server.Transport.ResumeProducing()
	expectCalls(t, "server", server, afterMade(`DataReceived("ab")`)...) // never from inside
	pair.Pump()
	expectCalls(t, "server", server, afterMade(`DataReceived("ab")`, `DataReceived("cd")`,
		"ConnectionLost(connection was closed cleanly)")...)
}

func TestThePeersEndWaitsForAPausedReader(t *testing.T) {
	pair, client, server := newPair()
	server.Transport.PauseProducing()
	client.Transport.LoseConnection()
	pair.Pump()
	if server.Lost() || client.Lost() {
		t.Error("a paused reader saw the end of input")
	}
	server.Transport.ResumeProducing()
	pair.Pump()
	if !server.Lost() || !client.Lost() {
		t.Error("the end of input did not come after ResumeProducing")
	}
}

func TestOnlyTheTestMayPump(t *testing.T) {
	pair, client, server := newPair()
	server.OnData = func([]byte) { pair.Pump() }
	write(t, client.Transport, "x")
	expectMisuse(t, func() { pair.Pump() })

	server.OnData = nil // the pair has survived the panic
	write(t, client.Transport, "y")
	pair.Pump()
	if got := string(server.Received()); got != "xy" {
		t.Errorf("received %q", got)
	}
}

func TestEndlessConversationIsReported(t *testing.T) {
	pair, client, server := newPair()
	pair.MaxSteps = 100
	client.OnData = func(data []byte) { _, _ = client.Transport.Write(data) }
	server.OnData = func(data []byte) { _, _ = server.Transport.Write(data) }
	write(t, client.Transport, "ping")
	expectMisuse(t, func() { pair.Pump() })
}

func TestAPanicPassesToTheCaller(t *testing.T) {
	pair, client, server := newPair()
	server.OnData = func([]byte) { panic("broken protocol") }
	write(t, client.Transport, "x")
	func() {
		defer func() {
			if got := recover(); got != "broken protocol" {
				t.Errorf("recovered %v", got)
			}
		}()
		pair.Pump()
	}()
}

// TestAnyChunkingGivesTheSameBytes sends random writes both ways at once under
// random chunk sizes, with pauses, and compares both streams.
func TestAnyChunkingGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pair, client, server := newPair()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		pair.Chunk = func(pending int) int { return 1 + rng.IntN(pending) }
		for _, r := range []*protocoltest.Recorder{client, server} {
			r.OnData = func([]byte) {
				if rng.IntN(4) == 0 {
					r.Transport.PauseProducing()
				}
			}
		}
		var sent [2]bytes.Buffer
		for i, text := range rapid.SliceOf(rapid.StringN(1, 20, 50)).Draw(t, "writes") {
			from := []protocol.Transport{client.Transport, server.Transport}[i%2]
			sent[i%2].WriteString(text)
			if i%3 == 0 {
				_ = from.WriteShared([]byte(text))
			} else {
				_, _ = from.Write([]byte(text))
			}
			if rng.IntN(2) == 0 {
				pair.Step()
			}
		}
		client.Transport.LoseWriteConnection()
		for !client.Lost() || !server.Lost() {
			pair.Pump()
			client.Transport.ResumeProducing()
			server.Transport.ResumeProducing()
		}
		if server.Err() != nil || client.Err() != nil {
			t.Fatalf("the contract was broken: %v, %v", server.Err(), client.Err())
		}
		if !bytes.Equal(server.Received(), sent[0].Bytes()) || !bytes.Equal(client.Received(), sent[1].Bytes()) {
			t.Fatalf("sent %q and %q, received %q and %q", &sent[0], &sent[1], server.Received(), client.Received())
		}
	})
}
