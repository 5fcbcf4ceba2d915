package reactor_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/producers"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// quietMemory returns a loop in memory that logs no panic.
func quietMemory() *reactortest.MemoryReactor {
	return reactortest.NewMemory(reactor.WithLogger(zerolog.Nop()))
}

// TestSwitchLeavesAProducersEndToTheLoop has the peer's end stop a push
// producer that never ends, as without a Switch.
func TestSwitchLeavesAProducersEndToTheLoop(t *testing.T) {
	for _, switched := range []bool{false, true} {
		m := reactortest.NewMemory()
		var lost error
		ps := &pusher{left: 10, piece: 10, stays: true}
		addr := serveMemory(t, m, build(func() protocol.Protocol {
			p := pushes(ps, &lost).BuildProtocol(nil)
			if switched {
				return policies.NewSwitch(p)
			}
			return p
		}))
		m.ConnectTCP(addr, &client{t: t, p: &halfProto{&proto{made: func(p *proto) {
			p.Transport.LoseWriteConnection()
		}}, func(*proto) {}}})
		m.Pump(time.Hour)
		if !errors.Is(lost, protocol.ErrConnectionDone) {
			t.Errorf("switched %v: the reason is %v", switched, lost)
		}
	}
}

// TestSniffedEndFollowsTheBytes has the client's end come before the choice, and
// a throttle hold the bytes back: the end does not overtake them.
func TestSniffedEndFollowsTheBytes(t *testing.T) {
	for _, half := range []bool{false, true} {
		m := reactortest.NewMemory()
		got, gotAtEnd := 0, -1
		slow := &policies.ThrottlingFactory{Clock: m, ReadEach: policies.Rate{BytesPerSecond: 100},
			Factory: build(func() protocol.Protocol {
				p := counter(&got)
				p.lost = func(*proto, error) { gotAtEnd = got }
				if half {
					return &halfProto{p, func(p *proto) { gotAtEnd = got; p.Transport.LoseConnection() }}
				}
				return p
			})}
		addr := serveMemory(t, m, &policies.Sniffer{Clock: m, Choose: func(_ []byte, last bool) (protocol.Factory, bool) {
			if last {
				return slow, false
			}
			return nil, true
		}})
		m.ConnectTCP(addr, &client{t: t, p: &halfProto{&proto{made: func(p *proto) {
			_, _ = p.Transport.Write(make([]byte, 1000))
			p.Transport.LoseWriteConnection()
		}}, func(*proto) {}}})
		m.Pump(time.Hour)
		if gotAtEnd != 1000 {
			t.Errorf("half %v: %d of 1000 bytes came, %d before the end", half, got, gotAtEnd)
		}
	}
}

// writeEnds counts the ends of its write side.
type writeEnds struct {
	proto
	n int
}

func (w *writeEnds) ReadConnectionLost()  {}
func (w *writeEnds) WriteConnectionLost() { w.n++ }

// TestWriteSidesEndIsToldToTheNext hands over after LoseWriteConnection.
func TestWriteSidesEndIsToldToTheNext(t *testing.T) {
	m := reactortest.NewMemory()
	next := &writeEnds{}
	addr := serveMemory(t, m, build(func() protocol.Protocol {
		var s *policies.Switch
		s = policies.NewSwitch(&halfProto{&proto{made: func(p *proto) {
			p.Transport.LoseWriteConnection()
			m.CallLater(time.Second, func() { _ = s.To(next, nil) })
		}}, func(*proto) {}})
		return s
	}))
	m.ConnectTCP(addr, &client{t: t, p: &halfProto{&proto{}, func(*proto) {}}})
	m.Pump(time.Minute)
	if next.n != 1 {
		t.Errorf("the next was told %d times, want once", next.n)
	}
}

// TestLimitCountsOffAProtocolThatNeverTookOver panics after To.
func TestLimitCountsOffAProtocolThatNeverTookOver(t *testing.T) {
	m := quietMemory()
	limit := &policies.TotalLimit{Max: 1, Factory: build(func() protocol.Protocol { return &proto{} })}
	addr := serveMemory(t, m, build(func() protocol.Protocol {
		var s *policies.Switch
		s = policies.NewSwitch(&proto{data: func(p *proto, _ []byte) {
			_ = s.To(limit.BuildProtocol(p.Transport.RemoteAddr()), nil)
			panic("after To")
		}})
		return s
	}))
	m.ConnectTCP(addr, &client{t: t, p: &proto{made: func(p *proto) { _, _ = p.Transport.Write([]byte("x")) }}})
	m.Pump(time.Minute)
	if n := limit.Open(); n != 0 {
		t.Errorf("%d are open after the end", n)
	}
}

// TestLimitCountsOffWhenALogPanics panics in the function of a TrafficLog at the
// connection's end.
func TestLimitCountsOffWhenALogPanics(t *testing.T) {
	m := quietMemory()
	told := false
	limit := &policies.TotalLimit{Max: 1, Factory: build(func() protocol.Protocol {
		return &proto{lost: func(*proto, error) { told = true }}
	})}
	addr := serveMemory(t, m, &policies.TrafficLog{Factory: limit, Func: func(tr policies.Traffic) {
		if tr.Kind == policies.TrafficClosed {
			panic("log")
		}
	}})
	m.ConnectTCP(addr, &client{t: t, p: &proto{made: func(p *proto) { p.Transport.LoseConnection() }}})
	m.Pump(time.Minute)
	if limit.Open() != 0 || !told {
		t.Errorf("%d are open; the protocol was told %v", limit.Open(), told)
	}
}

// TestRefusedWritesAreNoSignOfLife writes after LoseWriteConnection, for ever.
func TestRefusedWritesAreNoSignOfLife(t *testing.T) {
	m := reactortest.NewMemory()
	var lost error
	var tick func(p *proto)
	tick = func(p *proto) {
		if lost == nil {
			_, _ = p.Transport.Write([]byte("x"))
			m.CallLater(time.Second, func() { tick(p) })
		}
	}
	addr := serveMemory(t, m, &policies.TimeoutFactory{Clock: m, Idle: 10 * time.Second, Factory: build(func() protocol.Protocol {
		return &halfProto{&proto{
			made: func(p *proto) { p.Transport.LoseWriteConnection(); tick(p) },
			lost: func(_ *proto, reason error) { lost = reason },
		}, func(*proto) {}}
	})})
	m.ConnectTCP(addr, &client{t: t, p: &halfProto{&proto{}, func(*proto) {}}})
	m.Pump(time.Hour)
	var timeout *policies.TimeoutError
	if !errors.As(lost, &timeout) {
		t.Errorf("after an hour of silence the reason is %v", lost)
	}
}

// impatient panics when its time is up.
type impatient struct {
	protocol.Base
	policies.TimeoutMixin
	m    *reactortest.MemoryReactor
	lost bool
}

func (p *impatient) ConnectionMade() {
	p.BindTimeout(p.m, p.Transport, p)
	p.SetTimeout(time.Second)
}

func (p *impatient) DataReceived([]byte)     {}
func (p *impatient) TimeoutConnection(error) { panic("my timeout") }

func (p *impatient) ConnectionLost(reason error) {
	p.lost = true
	p.TimeoutMixin.ConnectionLost(reason)
}

// TestPanicInTimeoutConnectionCostsTheConnection leaves none without a timeout.
func TestPanicInTimeoutConnectionCostsTheConnection(t *testing.T) {
	p := &impatient{m: quietMemory()}
	p.m.ConnectTCP(serveMemory(t, p.m, build(func() protocol.Protocol { return p })), &client{t: t, p: &proto{}})
	p.m.Pump(time.Hour)
	if !p.lost {
		t.Error("the connection lives on, without a timeout")
	}
}

// TestPipeEndsWhenOnLostPanics lets neither the other side nor Done wait.
func TestPipeEndsWhenOnLostPanics(t *testing.T) {
	m := quietMemory()
	pipe := producers.NewPipe()
	pipe.A.OnLost = func(error) { panic("x") }
	var first protocol.Transport
	var lost error
	done := false
	pipe.Done().AddCallback(func(any) (any, error) { done = true; return nil, nil })
	a := serveMemory(t, m, build(func() protocol.Protocol { return pipe.A }))
	b := serveMemory(t, m, build(func() protocol.Protocol { return pipe.B }))
	m.ConnectTCP(a, &client{t: t, p: &proto{made: func(p *proto) { first = p.Transport }}})
	m.ConnectTCP(b, &client{t: t, p: &proto{lost: func(_ *proto, reason error) { lost = reason }}})
	m.Pump(time.Second)
	m.CallLater(0, func() { first.AbortConnection() })
	m.Pump(time.Hour)
	if lost == nil || !done {
		t.Errorf("after an hour the other side's reason is %v, done %v", lost, done)
	}
}

// TestPipeEndThatFailedBeforeItStood closes the connection that comes too late.
func TestPipeEndThatFailedBeforeItStood(t *testing.T) {
	m := reactortest.NewMemory()
	pipe := producers.NewPipe()
	var lost error
	a := serveMemory(t, m, build(func() protocol.Protocol { return pipe.A }))
	b := serveMemory(t, m, build(func() protocol.Protocol {
		pipe.B.Fail(errors.New("too slow"))
		return pipe.B
	}))
	m.ConnectTCP(a, &client{t: t, p: &proto{}})
	m.Pump(time.Second)
	m.ConnectTCP(b, &client{t: t, p: &proto{lost: func(_ *proto, reason error) { lost = reason }}})
	m.Pump(time.Hour)
	if lost == nil {
		t.Error("the late connection is open after an hour")
	}
}

// TestATransformThatDropsPiecesOnALoop goes on over pieces without a byte,
// whether or not a throttle is between.
func TestATransformThatDropsPiecesOnALoop(t *testing.T) {
	for _, rate := range []int{0, 100} {
		m := reactortest.NewMemory()
		got, pieces := 0, 0
		addr := serveMemory(t, m, &policies.ThrottlingFactory{Clock: m, WriteEach: policies.Rate{BytesPerSecond: rate},
			Factory: build(func() protocol.Protocol {
				return &proto{made: func(p *proto) {
					sender := producers.FileSender{Chunk: 10, Transform: func(piece []byte) []byte {
						if pieces++; pieces%200 != 0 {
							return nil
						}
						return piece
					}}
					sender.Send(bytes.NewReader(make([]byte, 10_000)), p.Transport)
					p.Transport.LoseConnection()
				}}
			})})
		m.ConnectTCP(addr, &client{t: t, p: counter(&got)})
		m.Pump(time.Hour)
		if got != 50 {
			t.Errorf("rate %d: %d bytes came of 50; %d pieces were read", rate, got, pieces)
		}
	}
}
