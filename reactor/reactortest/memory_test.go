package reactortest_test

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// wire is a connection on a reactor in memory that the test drives by hand.
type wire struct {
	m              *reactortest.MemoryReactor
	port           *reactor.Port
	client, server *protocoltest.Recorder
	connector      protocol.Connector
}

// newWire connects two recorders.
func newWire(t *testing.T, prepare func(m *reactortest.MemoryReactor), opts ...reactor.Option) *wire {
	t.Helper()
	w := &wire{m: reactortest.NewMemory(opts...), client: &protocoltest.Recorder{}, server: &protocoltest.Recorder{}}
	if prepare != nil {
		prepare(w.m)
	}
	t.Cleanup(func() { _ = w.m.Close() })
	var err error
	w.port, err = w.m.ListenTCP("127.0.0.1:0", protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return w.server }))
	if err != nil {
		t.Fatal(err)
	}
	w.connector = w.m.ConnectTCP(w.port.Addr().String(), &client{p: w.client})
	w.m.Pump()
	if !w.client.Made() || !w.server.Made() {
		t.Fatalf("not connected: client %v, server %v", w.client.Calls(), w.server.Calls())
	}
	return w
}

func TestMemoryConnects(t *testing.T) {
	w := newWire(t, nil)
	if got := w.m.Listening(); len(got) != 1 || got[0].String() != "127.0.0.1:40000" {
		t.Errorf("listening on %v", got)
	}
	ends := w.m.Connections()
	if len(ends) != 2 || ends[0].Connecting || ends[0].Local.String() != ends[1].Remote.String() || ends[0].Remote.String() != ends[1].Local.String() {
		t.Errorf("connections %v, want the two ends of one", ends)
	}
	if got := w.server.Transport.RemoteAddr().String(); got != w.client.Transport.LocalAddr().String() {
		t.Errorf("the server's peer is %v, the client is %v", got, w.client.Transport.LocalAddr())
	}
	_, _ = w.client.Transport.Write([]byte("hello"))
	if len(w.server.Received()) > 0 {
		t.Error("bytes were delivered before Pump")
	}
	w.m.Pump()
	if got := string(w.server.Received()); got != "hello" {
		t.Errorf("the server got %q", got)
	}
	w.client.Transport.LoseConnection()
	w.m.Pump()
	for _, r := range []*protocoltest.Recorder{w.client, w.server} {
		if !errors.Is(r.Reason(), protocol.ErrConnectionDone) || r.Err() != nil {
			t.Errorf("reason %v, breach %v", r.Reason(), r.Err())
		}
	}
	if got := w.m.Connections(); len(got) != 0 {
		t.Errorf("left open: %v", got)
	}
}

func TestMemoryBuffersAreBounded(t *testing.T) {
	w := newWire(t, func(m *reactortest.MemoryReactor) { m.Buffers(1000, 100) })
	w.server.Transport.PauseProducing()
	_, _ = w.client.Transport.Write(make([]byte, 5000))
	w.m.Pump()
	if got := w.client.Transport.Buffered(); got != 3900 {
		t.Errorf("%d bytes wait, want all but the two buffers' 1100", got)
	}
	w.server.Transport.ResumeProducing()
	w.m.Pump()
	if got := len(w.server.Received()); got != 5000 {
		t.Errorf("%d bytes arrived", got)
	}
	for _, e := range w.server.Events() {
		if len(e.Data) > 100 {
			t.Errorf("a read returned %d bytes of a buffer of 100", len(e.Data))
		}
	}
}

func TestMemoryChunks(t *testing.T) {
	w := newWire(t, func(m *reactortest.MemoryReactor) { m.Chunk(1) })
	_, _ = w.client.Transport.Write([]byte("abc"))
	w.client.Transport.LoseConnection()
	w.m.Pump()
	want := []string{"MakeConnection", "ConnectionMade", `DataReceived("a")`, `DataReceived("b")`, `DataReceived("c")`,
		"ConnectionLost(connection was closed cleanly)"}
	if got := w.server.Calls(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestMemoryTimeStandsStillUntilAdvanced(t *testing.T) {
	m := reactortest.NewMemory()
	defer m.Close()
	var ran []string
	start := m.Now()
	m.CallLater(3*time.Second, func() { ran = append(ran, "3s") })
	m.CallLater(time.Second, func() {
		ran = append(ran, "1s")
		m.CallLater(time.Second, func() { ran = append(ran, m.Now().Sub(start).String()) })
	})
	m.Pump()
	if len(ran) != 0 || !m.Now().Equal(start) {
		t.Errorf("without Advance, %v ran and the time is %v later", ran, m.Now().Sub(start))
	}
	m.Advance(2500 * time.Millisecond)
	if want := []string{"1s", "2s"}; !slices.Equal(ran, want) || m.Now().Sub(start) != 2500*time.Millisecond {
		t.Errorf("after 2.5 s %v ran, the time is %v later", ran, m.Now().Sub(start))
	}
	m.Pump(250*time.Millisecond, 250*time.Millisecond)
	if want := []string{"1s", "2s", "3s"}; !slices.Equal(ran, want) {
		t.Errorf("after 3 s %v ran", ran)
	}
}

func TestMemoryMisuseOfTheClockPanics(t *testing.T) {
	m := reactortest.NewMemory()
	defer m.Close()
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s did not panic", name)
			}
		}()
		f()
	}
	panics("a negative step", func() { m.Advance(-1) })
	panics("a wrong address", func() { m.BlackHole("nowhere") })
	m.CallLater(0, func() { panics("Advance in a callback", func() { m.Advance(0) }) })
	m.Pump()
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		panics("Advance while it runs", func() { m.Advance(0) })
		return nil
	})
}

func TestMemoryRunJumpsToTheNextTimer(t *testing.T) {
	started := time.Now()
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		d, from := deferred.New(), m.Now()
		m.CallLater(2*time.Hour, func() { d.Callback(m.Now().Sub(from)) })
		return d.AddCallback(func(took any) (any, error) {
			if took.(time.Duration).Round(time.Second) != 2*time.Hour {
				t.Errorf("the clock moved by %v", took)
			}
			return nil, nil
		})
	})
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("two hours took %v", took)
	}
}

func TestMemoryRunWaitsForOtherGoroutines(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		d := deferred.New()
		go m.CallFromThread(func() { d.Callback(nil) })
		return d
	})
}

func TestMemoryTimeDoesNotJumpWhileFunctionsRunElsewhere(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		release := make(chan struct{})
		d := m.DeferToThread(func() (any, error) { <-release; return nil, nil })
		m.CallLater(5*time.Millisecond, func() { close(release) }) // it comes, though not by a jump
		return d.AddTimeout(time.Hour, m)
	})
}

func TestMemoryWaitByHand(t *testing.T) {
	m := reactortest.NewMemory()
	defer m.Close()
	start, got := m.Now(), 0
	for i := range 10 {
		m.DeferToThread(func() (any, error) { return i, nil }).AddCallback(func(v any) (any, error) {
			got += v.(int)
			return nil, nil
		})
	}
	m.Wait()
	if got != 45 || !m.Now().Equal(start) {
		t.Errorf("the results add up to %d, want 45; the clock moved by %v", got, m.Now().Sub(start))
	}
	m.Wait() // with nothing to wait for
}

func TestMemoryTimePassesForABusyLoop(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		over, d := false, deferred.New()
		var again func()
		again = func() {
			if !over {
				m.CallFromThread(again)
			}
		}
		again()
		m.CallLater(time.Millisecond, func() { over = true; d.Callback(nil) })
		return d
	})
}

func TestRunMemoryFailsForWhatIsLeft(t *testing.T) {
	tb := onFake(func(tb testing.TB) {
		reactortest.RunMemory(tb, func(m *reactortest.MemoryReactor) *deferred.Deferred {
			_, err := m.ListenTCP("127.0.0.1:7", nobody)
			return deferred.MaybeDeferred(func() (any, error) { return nil, err })
		})
	})
	tb.wantErrors(t, "left behind:\n\ta port that listens on 127.0.0.1:7")
}

func TestRunMemoryTimesOutInRealTime(t *testing.T) {
	tb := onFake(func(tb testing.TB) {
		reactortest.RunMemory(tb, func(m *reactortest.MemoryReactor) *deferred.Deferred {
			return deferred.New()
		}, reactortest.Timeout(time.Millisecond))
	})
	tb.wantErrors(t, "has not fired within 1ms")
}

func TestMemoryBlackHole(t *testing.T) {
	for _, hole := range []string{"10.1.2.3", "10.0.0.0/8"} {
		m := reactortest.NewMemory()
		m.BlackHole(hole)
		f := &attempts{}
		c := m.ConnectTCP("10.1.2.3:80", f, reactor.ConnectTimeout(time.Minute))
		m.Advance(time.Minute - 1)
		if c.State() != protocol.Connecting || f.failed != nil || len(m.Connections()) != 1 || !m.Connections()[0].Connecting {
			t.Errorf("just before the timeout: %v, %v, %v", c.State(), f.failed, m.Connections())
		}
		m.Advance(1)
		if !errors.Is(f.failed, protocol.ErrConnectTimeout) || len(m.Connections()) != 0 {
			t.Errorf("after the timeout: %v, %v", f.failed, m.Connections())
		}
		_ = m.Close()
	}
}

// attempts is a client factory that notes how its attempt fails.
type attempts struct {
	client
	failed error
}

func (a *attempts) ClientConnectionFailed(_ protocol.Connector, reason error) { a.failed = reason }

func TestMemoryFaults(t *testing.T) {
	tests := []struct {
		name  string
		call  reactortest.Call
		errno syscall.Errno
		then  func(w *wire)
		check func(w *wire) bool
	}{
		{"a read", reactortest.Read, syscall.ETIMEDOUT, func(w *wire) { w.client.Transport.Write([]byte("x")) },
			func(w *wire) bool { return errors.Is(w.server.Reason(), syscall.ETIMEDOUT) }},
		{"a write", reactortest.Write, syscall.EHOSTUNREACH, func(w *wire) { w.client.Transport.Write([]byte("x")) },
			func(w *wire) bool { return errors.Is(w.client.Reason(), syscall.EHOSTUNREACH) }},
		{"a write to be tried again", reactortest.Write, syscall.ENOBUFS, func(w *wire) { w.client.Transport.Write([]byte("x")) },
			func(w *wire) bool { return bytes.Equal(w.server.Received(), []byte("x")) }},
		{"an accept", reactortest.Accept, syscall.ECONNABORTED, func(w *wire) { w.m.ConnectTCP(w.port.Addr().String(), &client{p: w.client}) },
			func(w *wire) bool { return w.m.Stats().Accepted == 2 }},
		{"a connect", reactortest.Connect, syscall.ENETUNREACH, func(w *wire) { w.m.ConnectTCP(w.port.Addr().String(), &client{p: w.client}) },
			func(w *wire) bool { return w.m.Stats().Connections == 2 }},
		{"a listen", reactortest.Listen, syscall.EACCES, func(w *wire) {},
			func(w *wire) bool {
				_, err := w.m.ListenTCP("127.0.0.1:1", nobody)
				return errors.Is(err, syscall.EACCES)
			}},
		{"an add", reactortest.Add, syscall.ENOSPC, func(w *wire) {},
			func(w *wire) bool {
				_, err := w.m.ListenTCP("127.0.0.1:1", nobody)
				return errors.Is(err, syscall.ENOSPC) && len(w.m.Listening()) == 1
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWire(t, nil)
			w.m.FailNext(test.call, test.errno)
			test.then(w)
			w.m.Pump()
			if !test.check(w) {
				t.Errorf("after %v of %v: client %v, server %v, %+v", test.errno, test.call, w.client.Calls(), w.server.Calls(), w.m.Stats())
			}
		})
	}
}

func TestMemoryReset(t *testing.T) {
	w := newWire(t, nil)
	if w.m.Reset(&net.TCPAddr{Port: 1}) {
		t.Error("reset a connection that is not there")
	}
	if !w.m.Reset(w.client.Transport.LocalAddr()) {
		t.Error("did not find the connection")
	}
	w.m.Pump()
	for _, r := range []*protocoltest.Recorder{w.client, w.server} {
		if !errors.Is(r.Reason(), syscall.ECONNRESET) || !errors.Is(r.Reason(), protocol.ErrConnectionLost) {
			t.Errorf("the reason is %v", r.Reason())
		}
	}
}

func TestMemoryRunsOutOfDescriptors(t *testing.T) {
	w := newWire(t, func(m *reactortest.MemoryReactor) { m.LimitDescriptors(4) })
	second := &protocoltest.Recorder{}
	w.m.ConnectTCP(w.port.Addr().String(), &client{p: second})
	w.m.Pump()
	if !second.Made() || w.m.Stats().Accepted != 1 || w.m.Stats().Starved == 0 {
		t.Errorf("with four descriptors and the fourth a client's: made %v, %+v", second.Made(), w.m.Stats())
	}
	w.client.Transport.AbortConnection()
	w.m.Pump()
	if got := w.m.Stats().Accepted; got != 2 {
		t.Errorf("%d accepted after two descriptors came free", got)
	}
}
