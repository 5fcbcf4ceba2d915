package reactor_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"skein/protocol"
	"skein/protocol/policies"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// pusher is a push producer that writes pieces until it is paused.
type pusher struct {
	t       protocol.Transport
	left    int
	piece   int
	stays   bool   // registered, when it has written all
	onPause func() // nil: nothing

	paused, stopped, pushing bool
	sent                     int // what the transport took
}

func (p *pusher) PauseProducing() {
	p.paused = true
	if p.onPause != nil {
		p.onPause()
	}
}

func (p *pusher) ResumeProducing() { p.paused = false; p.push() }
func (p *pusher) StopProducing()   { p.stopped = true }

// start registers the producer and has it begin.
func (p *pusher) start(t protocol.Transport) {
	p.t = t
	_ = t.RegisterProducer(p, true)
	p.push()
}

// push writes while it may, and closes after the last piece.
func (p *pusher) push() {
	if p.pushing {
		return
	}
	p.pushing = true
	defer func() { p.pushing = false }()
	for !p.paused && !p.stopped && p.left > 0 {
		n := min(p.piece, p.left)
		p.left -= n
		sent, _ := p.t.Write(make([]byte, n))
		p.sent += sent
	}
	if p.left == 0 && !p.stays && !p.stopped {
		p.t.UnregisterProducer()
		p.t.LoseConnection()
	}
}

// pushes is the factory of a connection that ps writes to.
func pushes(ps *pusher, lost *error) protocol.Factory {
	return build(func() protocol.Protocol {
		return &proto{
			made: func(p *proto) { ps.start(p.Transport) },
			lost: func(_ *proto, reason error) { *lost = reason },
		}
	})
}

// serveMemory listens for f in memory and returns the address.
func serveMemory(t *testing.T, m *reactortest.MemoryReactor, f protocol.Factory) string {
	t.Helper()
	_, addr := listen(t, m.Reactor, f)
	return addr
}

// counter is a client's protocol that counts what comes.
func counter(n *int) *proto { return &proto{data: func(_ *proto, data []byte) { *n += len(data) }} }

// TestThrottledPushProducerDoesNotStall has pieces that are larger than the
// marks and than a burst.
func TestThrottledPushProducerDoesNotStall(t *testing.T) {
	for _, n := range []int{100_000, 110_000, 130_000} {
		m := reactortest.NewMemory()
		var lost error
		got, ps := 0, &pusher{left: 4 * n, piece: n}
		addr := serveMemory(t, m, &policies.ThrottlingFactory{Clock: m,
			WriteEach: policies.Rate{BytesPerSecond: 400_000}, Factory: pushes(ps, &lost)})
		m.ConnectTCP(addr, &client{t: t, p: counter(&got)})
		m.Pump(10*time.Minute, time.Hour)
		if got != 4*n {
			t.Errorf("pieces of %d: %d of %d came in an hour; paused %v, lost %v", n, got, 4*n, ps.paused, lost)
		}
	}
}

// TestThrottleStandsOnAnyWatermarks has a loop whose marks are above, below and
// about those of the throttle.
func TestThrottleStandsOnAnyWatermarks(t *testing.T) {
	for _, marks := range [][2]int{{16 << 10, 64 << 10}, {40 << 10, 64 << 10}, {16 << 10, 1 << 20}} {
		m := reactortest.NewMemory(reactor.WithWatermarks(marks[0], marks[1]))
		var lost error
		got, ps := 0, &pusher{left: 1 << 20, piece: 10_000}
		addr := serveMemory(t, m, &policies.ThrottlingFactory{Clock: m,
			WriteEach: policies.Rate{BytesPerSecond: 1 << 30}, Factory: pushes(ps, &lost)})
		m.ConnectTCP(addr, &client{t: t, p: counter(&got)})
		m.Pump(10 * time.Minute)
		if got != 1<<20 {
			t.Errorf("marks %v: %d of %d came; paused %v, lost %v", marks, got, 1<<20, ps.paused, lost)
		}
	}
}

// TestCloseDeadlineLeavesAThrottleItsTime has a reply that takes longer than the
// loop waits for a peer that takes nothing.
func TestCloseDeadlineLeavesAThrottleItsTime(t *testing.T) {
	m := reactortest.NewMemory()
	var lost error
	got := 0
	addr := serveMemory(t, m, &policies.ThrottlingFactory{Clock: m,
		WriteEach: policies.Rate{BytesPerSecond: 1000, Burst: 50_000},
		Factory: build(func() protocol.Protocol {
			return &proto{made: func(p *proto) {
				_, _ = p.Transport.Write(make([]byte, 120_000))
				p.Transport.LoseConnection()
			}, lost: func(_ *proto, reason error) { lost = reason }}
		})})
	m.ConnectTCP(addr, &client{t: t, p: counter(&got)})
	m.Pump(time.Hour)
	if got != 120_000 {
		t.Errorf("%d of 120000 came, reason %v", got, lost)
	}
}

// TestCloseDeadlineLeavesACrowdItsTime has many that share one rate: most wait
// for minutes before their first byte.
func TestCloseDeadlineLeavesACrowdItsTime(t *testing.T) {
	const crowd, each = 400, 4000
	m := reactortest.NewMemory()
	cut, whole := map[string]int{}, 0
	addr := serveMemory(t, m, &policies.ThrottlingFactory{Clock: m,
		Write: policies.Rate{BytesPerSecond: 5000},
		Factory: build(func() protocol.Protocol {
			return &proto{made: func(p *proto) {
				_, _ = p.Transport.Write(make([]byte, each))
				p.Transport.LoseConnection()
			}, lost: func(_ *proto, reason error) {
				if !errors.Is(reason, protocol.ErrConnectionDone) {
					cut[reason.Error()]++
				}
			}}
		})})
	for range crowd {
		got := 0
		m.ConnectTCP(addr, &client{t: t, p: &proto{data: func(_ *proto, data []byte) {
			if got += len(data); got == each {
				whole++
			}
		}}})
	}
	m.Pump(time.Hour)
	if whole != crowd {
		t.Errorf("%d of %d got everything; reasons %v", whole, crowd, cut)
	}
}

// TestPeersEndDoesNotCutAPausedPushProducer has a client that reads nothing
// until it has sent its end: what was accepted arrives, throttled or not.
func TestPeersEndDoesNotCutAPausedPushProducer(t *testing.T) {
	for _, throttled := range []bool{false, true} {
		m := reactortest.NewMemory(reactor.WithCloseTimeout(10 * time.Minute))
		var lost error
		got, ps := 0, &pusher{left: 700_000, piece: 350_000}
		f := pushes(ps, &lost)
		if throttled {
			f = &policies.ThrottlingFactory{Clock: m, WriteEach: policies.Rate{BytesPerSecond: 20_000, Burst: 400_000}, Factory: f}
		}
		p := counter(&got)
		p.made = func(p *proto) {
			p.Transport.PauseProducing()
			m.CallLater(time.Second, p.Transport.LoseWriteConnection)
			m.CallLater(2*time.Second, p.Transport.ResumeProducing)
		}
		m.ConnectTCP(serveMemory(t, m, f), &client{t: t, p: &halfProto{p, func(p *proto) { p.Transport.LoseConnection() }}})
		m.Pump(time.Hour)
		if got != ps.sent {
			t.Errorf("throttled %v: accepted %d, delivered %d, reason %v", throttled, ps.sent, got, lost)
		}
	}
}

// TestWriteInsideAPauseKeepsItsPlace has a producer write while it is being
// paused by another write: its bytes come behind.
func TestWriteInsideAPauseKeepsItsPlace(t *testing.T) {
	for _, throttled := range []bool{false, true} {
		m := reactortest.NewMemory()
		var got bytes.Buffer
		f := build(func() protocol.Protocol {
			return &proto{made: func(p *proto) {
				ps := &pusher{}
				ps.onPause = func() { ps.onPause = nil; _, _ = p.Transport.Write([]byte("PAUSE")) }
				_ = p.Transport.RegisterProducer(ps, true)
				_, _ = p.Transport.Write(append(bytes.Repeat([]byte("a"), 150_000), '.'))
				p.Transport.UnregisterProducer()
				p.Transport.LoseConnection()
			}}
		})
		if throttled {
			f = &policies.ThrottlingFactory{Clock: m, WriteEach: policies.Rate{BytesPerSecond: 100_000, Burst: 100_000}, Factory: f}
		}
		m.ConnectTCP(serveMemory(t, m, f), &client{t: t, p: &proto{data: func(_ *proto, data []byte) { got.Write(data) }}})
		m.Pump(time.Hour)
		if !bytes.HasSuffix(got.Bytes(), []byte(".PAUSE")) {
			t.Errorf("throttled %v: PAUSE is at %d of %d bytes", throttled, bytes.Index(got.Bytes(), []byte("PAUSE")), got.Len())
		}
	}
}
