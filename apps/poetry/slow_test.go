package poetry_test

import (
	"testing"
	"time"

	"skein/apps/poetry"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/protocoltest"
)

// slowFactory sends the test's poem, 10 bytes a second.
func slowFactory(c clock.Scheduler) *poetry.SlowFactory {
	return &poetry.SlowFactory{Poem: testPoem, Clock: c, NumBytes: 10, Delay: time.Second}
}

// served is a slow server's protocol with one client.
type served struct {
	protocol.Protocol
	*protocoltest.StringTransport
	clock *clock.Fake
}

// serve connects a client to what make makes.
func serve(t *testing.T, make func(c clock.Scheduler) *poetry.SlowFactory) *served {
	s := &served{StringTransport: &protocoltest.StringTransport{TB: t}, clock: clock.NewFake()}
	s.Protocol = make(s.clock).BuildProtocol(nil)
	s.MakeConnection(s.StringTransport)
	s.ConnectionMade()
	return s
}

// sees checks what the client has got so far.
func (s *served) sees(t *testing.T, want string, closed bool) {
	t.Helper()
	if got := string(s.Value()); got != want {
		t.Errorf("the client has %q, want %q", got, want)
	}
	if s.Disconnecting() != closed {
		t.Errorf("the connection is being closed: %t, want %t", s.Disconnecting(), closed)
	}
}

func TestSlowServerSendsPieceByPiece(t *testing.T) {
	s := serve(t, slowFactory)
	s.sees(t, "twenty-six", false) // the first piece does not wait
	s.clock.Advance(999 * time.Millisecond)
	s.sees(t, "twenty-six", false)
	s.clock.Advance(time.Millisecond)
	s.sees(t, "twenty-six bytes of ", false)
	s.clock.Advance(time.Second)
	s.sees(t, "twenty-six bytes of poetry", true)
	if n := s.clock.Pending(); n != 0 {
		t.Errorf("%d timers wait after the poem's end", n)
	}
}

func TestSlowServerDefaults(t *testing.T) {
	text := make([]byte, 25)
	s := serve(t, func(c clock.Scheduler) *poetry.SlowFactory {
		return &poetry.SlowFactory{Poem: poetry.Poem{Text: text}, Clock: c}
	})
	for _, want := range []int{10, 20, 25} {
		if got := len(s.Value()); got != want {
			t.Errorf("the client has %d bytes, want %d", got, want)
		}
		s.clock.Advance(700 * time.Millisecond)
	}
}

func TestSlowServerPieces(t *testing.T) {
	tests := []struct {
		name            string
		length, pieceBy int
		delay           time.Duration
		pieces          int
		took            time.Duration
	}{
		{"one byte", 1, 10, time.Second, 1, 0},
		{"exact multiple", 30, 10, time.Second, 3, 2 * time.Second},
		{"one more", 31, 10, time.Second, 4, 3 * time.Second},
		{"a piece longer than the poem", 9, 10, time.Second, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, func(c clock.Scheduler) *poetry.SlowFactory {
				return &poetry.SlowFactory{
					Poem:     poetry.Poem{Text: make([]byte, test.length)},
					Clock:    c,
					NumBytes: test.pieceBy,
					Delay:    test.delay,
				}
			})
			start := s.clock.Now()
			pieces := 1
			for at, ok := s.clock.Next(); ok; at, ok = s.clock.Next() {
				had := len(s.Value())
				s.clock.Advance(at.Sub(s.clock.Now()))
				if len(s.Value()) == had {
					t.Fatal("a timer ran and sent nothing")
				}
				pieces++
			}
			if took := s.clock.Now().Sub(start); pieces != test.pieces || took != test.took {
				t.Errorf("%d pieces in %v, want %d in %v", pieces, took, test.pieces, test.took)
			}
			if len(s.Value()) != test.length || !s.Disconnecting() {
				t.Errorf("the client has %d bytes, closing: %t", len(s.Value()), s.Disconnecting())
			}
		})
	}
}

func TestSlowServerWithoutDelay(t *testing.T) {
	s := serve(t, func(c clock.Scheduler) *poetry.SlowFactory {
		return &poetry.SlowFactory{Poem: testPoem, Clock: c, Delay: poetry.NoDelay}
	})
	s.sees(t, "twenty-six", false) // the other pieces wait for the loop, not for time
	s.clock.Advance(0)
	s.sees(t, "twenty-six bytes of poetry", true)
}

func TestSlowServerStopsForAClientThatLeaves(t *testing.T) {
	s := serve(t, slowFactory)
	s.ConnectionLost(protocol.ErrConnectionLost)
	if n := s.clock.Pending(); n != 0 {
		t.Errorf("%d timers still wait", n)
	}
	s.clock.Advance(time.Hour)
	s.sees(t, "twenty-six", false)
}

func TestSlowServerGoesOnForAHalfClosedClient(t *testing.T) {
	client := &protocoltest.Recorder{}
	client.OnMade = func() { client.Transport.LoseWriteConnection() }
	c := clock.NewFake()
	pair := protocoltest.NewPair(client, slowFactory(c).BuildProtocol(nil))
	for pair.Pump(); !client.Lost(); pair.Pump() {
		if c.Pending() != 1 {
			t.Fatalf("the server has stopped after %q", client.Received())
		}
		c.Advance(time.Second)
	}
	if got := string(client.Received()); got != string(testPoem.Text) {
		t.Errorf("the client got %q", got)
	}
}

func TestSlowServerQueuesNothingForAClientThatDoesNotRead(t *testing.T) {
	s := serve(t, slowFactory)
	s.Backlog = 10
	s.clock.Advance(time.Second)
	s.sees(t, "twenty-six", false) // the piece that is due waits
	s.clock.Advance(time.Second)
	s.sees(t, "twenty-six bytes of poetry", true) // the end does not
}
