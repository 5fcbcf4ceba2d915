package reactor_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/producers"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// mess is one run of random traffic through throttles: replies that are written
// in each of the ways there are, to clients that pause as they like.
type mess struct {
	*reactortest.MemoryReactor
	g     *rand.Rand
	limit policies.ThrottlingFactory
	lines []*messLine

	request []byte
	total   int // the length of each reply
}

// messLine is one connection, with what should come and what did.
type messLine struct {
	way            int
	reply          []byte
	got, requested bytes.Buffer
	reason         error
}

// newMess draws a loop and its limits.
func newMess(seed uint64) *mess {
	g := rand.New(rand.NewPCG(seed, 7))
	low := 1 + g.IntN(60_000)
	m := &mess{g: g, total: 1 + g.IntN(200_000), request: bytes.Repeat([]byte("request "), g.IntN(5000))}
	m.MemoryReactor = reactortest.NewMemory(reactor.WithWatermarks(low, low+g.IntN(200_000)), reactor.WithCloseTimeout(10*time.Minute))
	m.Buffers(1+g.IntN(70_000), 1+g.IntN(70_000))
	m.limit = policies.ThrottlingFactory{Clock: m, Read: m.rate(), Write: m.rate(), ReadEach: m.rate(), WriteEach: m.rate(),
		Factory: build(m.server)}
	return m
}

// rate draws a rate: none, slow or not, with any burst.
func (m *mess) rate() policies.Rate {
	switch m.g.IntN(3) {
	case 0:
		return policies.Rate{}
	case 1:
		return policies.Rate{BytesPerSecond: 1 + m.g.IntN(200_000)}
	}
	return policies.Rate{BytesPerSecond: 1000 + m.g.IntN(200_000), Burst: 1 + m.g.IntN(100_000)}
}

// server draws a reply and a way to write it.
func (m *mess) server() protocol.Protocol {
	line := &messLine{way: m.g.IntN(3), reply: make([]byte, m.total)}
	for i := range line.reply {
		line.reply[i] = byte(m.g.Uint32())
	}
	m.lines = append(m.lines, line)
	return &halfProto{&proto{
		made: func(p *proto) { m.answer(p.Transport, line) },
		data: func(p *proto, data []byte) {
			line.requested.Write(data)
			m.mayPause(p.Transport, 3, time.Second)
		},
		lost: func(_ *proto, reason error) { line.reason = reason },
	}, func(*proto) {}}
}

// mayPause pauses one time in some, for up to a while.
func (m *mess) mayPause(t protocol.Transport, oneIn int, while time.Duration) {
	if m.g.IntN(oneIn) == 0 {
		t.PauseProducing()
		m.CallLater(time.Duration(m.g.Int64N(int64(while))), t.ResumeProducing)
	}
}

// answer writes the reply in the line's way, and the end.
func (m *mess) answer(t protocol.Transport, line *messLine) {
	rest := line.reply
	next := func() []byte {
		n := min(len(rest), 1+m.g.IntN(50_000))
		piece := rest[:n]
		rest = rest[n:]
		return piece
	}
	switch line.way {
	case 0:
		for len(rest) > 0 {
			switch m.g.IntN(3) {
			case 0:
				_, _ = t.Write(next())
			case 1:
				_ = t.WriteShared(next())
			case 2:
				_ = t.WriteSequence([][]byte{next(), next()})
			}
		}
		t.LoseWriteConnection()
	case 1:
		d := producers.FileSender{Chunk: 1 + m.g.IntN(40_000)}.Send(bytes.NewReader(rest), t)
		d.AddBoth(func(any, error) (any, error) { t.LoseWriteConnection(); return nil, nil })
	case 2:
		pushAll(t, next)
	}
}

// pushAll writes what next returns, as a push producer, until that is empty.
func pushAll(t protocol.Transport, next func() []byte) {
	paused, pushing := false, false
	push := func() {
		if pushing {
			return
		}
		pushing = true
		defer func() { pushing = false }()
		for !paused {
			piece := next()
			if len(piece) == 0 {
				t.UnregisterProducer()
				t.LoseWriteConnection()
				return
			}
			_, _ = t.Write(piece)
		}
	}
	_ = t.RegisterProducer(producers.Funcs{Pause: func() { paused = true }, Resume: func() { paused = false; push() }}, true)
	push()
}

// connect lets three clients come; they are accepted in this order.
func (m *mess) connect(t *testing.T) {
	addr := serveMemory(t, m.MemoryReactor, &m.limit)
	for k := range 3 {
		m.ConnectTCP(addr, &client{t: t, p: &halfProto{&proto{made: func(p *proto) {
			_, _ = p.Transport.Write(m.request)
			p.Transport.LoseWriteConnection()
		}, data: func(p *proto, data []byte) {
			m.lines[k].got.Write(data)
			m.mayPause(p.Transport, 5, 3*time.Second)
		}}, func(*proto) {}}})
	}
}

// TestThrottledTrafficArrivesWhole tries any rates, watermarks, buffers, pauses
// and ways to write.
func TestThrottledTrafficArrivesWhole(t *testing.T) {
	seeds := uint64(150)
	if raceEnabled {
		seeds = 40
	}
	for seed := range seeds {
		m := newMess(seed)
		m.connect(t)
		for range 12 {
			m.Pump(16 * time.Hour)
		}
		for _, line := range m.lines {
			up, down := line.requested.Bytes(), line.got.Bytes()
			if !bytes.Equal(up, m.request) || !bytes.Equal(down, line.reply) || !errors.Is(line.reason, protocol.ErrConnectionDone) {
				t.Errorf("seed %d, way %d: %d of %d bytes up, %d of %d down, then %v", seed, line.way,
					len(up), len(m.request), len(down), m.total, line.reason)
			}
		}
	}
}
