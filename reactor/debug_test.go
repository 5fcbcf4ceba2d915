package reactor_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// misuse calls f on a foreign goroutine and returns the value of its panic.
func misuse(f func()) (value any) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { value = recover() }()
		f()
	}()
	<-done
	return value
}

// TestForeignGoroutineIsCaught calls methods from outside while the loop
// sleeps. Under the race detector it is the detector that speaks, so there this
// test has to keep silent.
func TestForeignGoroutineIsCaught(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector reports the same misuse in its own way, and fails the test")
	}
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		var transport protocol.Transport
		port, addr := listen(t, r, build(echo))
		connected := deferred.New()
		r.ConnectTCP(addr, &client{t: t, p: &proto{made: func(p *proto) {
			transport = p.Transport
			connected.Callback(nil)
		}}})
		call := r.CallLater(time.Hour, func() {})
		calls := map[string]func(){
			"Write":            func() { _, _ = transport.Write([]byte("x")) },
			"LoseConnection":   func() { transport.LoseConnection() },
			"PauseProducing":   func() { transport.PauseProducing() },
			"CallLater":        func() { r.CallLater(time.Second, func() {}) },
			"a timer's Cancel": func() { _ = call.Cancel() },
			"Stop":             func() { _ = r.Stop() },
			"ListenTCP":        func() { _, _ = r.ListenTCP("127.0.0.1:0", build(echo)) },
			"StopListening":    func() { port.StopListening() },
			"Stats":            func() { r.Stats() },
			"DeferToThread":    func() { r.DeferToThread(func() (any, error) { return nil, nil }) },
		}
		return closing(port, connected.AddCallback(func(any) (any, error) {
			return r.DeferToThread(func() (any, error) {
				for !reactor.Asleep(r) { // what would be caught while the loop works is a matter of luck
					runtime.Gosched()
				}
				for name, f := range calls {
					var wrong *reactor.AffinityError
					err, _ := misuse(f).(error)
					if !errors.As(err, &wrong) || !strings.Contains(wrong.Error(), "CallFromThread") {
						t.Errorf("%s from a foreign goroutine led to %v", name, err)
					}
				}
				return nil, nil
			}), nil
		}).AddBoth(func(_ any, err error) (any, error) {
			transport.AbortConnection()
			return nil, errors.Join(err, call.Cancel())
		}))
	})
}

// TestDebugCatchesAForeignGoroutineExactly calls from outside while the loop is
// at work, where only debug mode can tell.
func TestDebugCatchesAForeignGoroutineExactly(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector reports the same misuse in its own way, and fails the test")
	}
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		err, _ := misuse(func() { r.CallLater(0, func() {}) }).(error)
		var wrong *reactor.AffinityError
		if !errors.As(err, &wrong) {
			t.Errorf("CallLater beside a running callback led to %v", err)
		}
		return nil
	}, reactortest.With(reactor.WithDebug()))
}

// TestDebugOverwritesTheReadBuffer keeps a slice that was only lent.
func TestDebugOverwritesTheReadBuffer(t *testing.T) {
	for _, debug := range []bool{false, true} {
		var opts []reactor.Option
		if debug {
			opts = append(opts, reactor.WithDebug())
		}
		reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
			done := deferred.New()
			var kept []byte
			port, addr := listen(t, r, build(echo))
			r.ConnectTCP(addr, &client{t: t, p: &proto{
				made: func(p *proto) { _, _ = p.Transport.Write([]byte("skein")) },
				data: func(p *proto, data []byte) {
					kept = data
					p.Transport.AbortConnection()
				},
				lost: func(*proto, error) {
					if spoilt := string(kept) != "skein"; spoilt != debug {
						t.Errorf("debug %v: the kept slice holds %q", debug, kept)
					}
					done.Callback(nil)
				},
			}})
			return closing(port, done)
		}, reactortest.With(opts...))
	}
}

// TestWarnsOfSlowCallbacks holds the loop up, where callbacks are timed.
func TestWarnsOfSlowCallbacks(t *testing.T) {
	for name, opt := range map[string]reactor.Option{"debug": reactor.WithDebug(), "timing": reactor.WithTiming()} {
		t.Run(name, func(t *testing.T) { warnsOfSlowCallbacks(t, opt) })
	}
}

func warnsOfSlowCallbacks(t *testing.T, opt reactor.Option) {
	var log bytes.Buffer
	r, err := reactor.New(reactor.WithoutSignals(), opt, reactor.WithLogger(zerolog.New(&log)))
	if err != nil {
		t.Fatal(err)
	}
	r.CallLater(0, func() {
		for start := r.Now(); r.Now().Sub(start) < 110*time.Millisecond; {
		}
		r.Log().Info().Msg("from the callback")
	})
	r.CallLater(time.Millisecond, func() { _ = r.Stop() })
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	if got := r.Stats().SlowCallbacks; got != 1 {
		t.Errorf("%d slow callbacks were counted, want 1", got)
	}
	for _, want := range []string{`"message":"slow callback`, `"call":"a timer"`, `"owner":"timer","message":"from the callback"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}

// named is a protocol with a name; the empty one panics.
type named struct {
	proto
	name string
}

func (n *named) LogPrefix() string {
	if n.name == "" {
		panic("nameless")
	}
	return n.name
}

// TestLogNamesTheConnection logs from protocols with a name of their own, and
// with one that cannot be had.
func TestLogNamesTheConnection(t *testing.T) {
	for name, want := range map[string]string{"a poem": `"owner":"a poem,127.0.0.1:`, "": `"owner":"*reactor_test.named,127.0.0.1:`} {
		var log bytes.Buffer
		m := reactortest.NewMemory(reactor.WithLogger(zerolog.New(&log)))
		_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
			return &named{name: name, proto: proto{made: func(*proto) { m.Log().Info().Msg("made") }}}
		}))
		m.ConnectTCP(addr, &client{t: t, p: &proto{}})
		m.Advance(time.Second)
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}
