package reactortest_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// nobody is a factory whose connections do nothing.
var nobody = protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &protocoltest.Recorder{} })

// client is a client factory for one protocol.
type client struct {
	protocol.ClientFactoryBase
	p protocol.Protocol
}

func (c *client) BuildProtocol(net.Addr) protocol.Protocol { return c.p }

func TestRunPassesWhatIsGood(t *testing.T) {
	tests := map[string]func(r *reactor.Reactor) *deferred.Deferred{
		"nil":     func(*reactor.Reactor) *deferred.Deferred { return nil },
		"at once": func(*reactor.Reactor) *deferred.Deferred { return deferred.Succeed(1) },
		"later": func(r *reactor.Reactor) *deferred.Deferred {
			d := deferred.New()
			r.CallLater(time.Millisecond, func() { d.Callback(nil) })
			return d
		},
		"a port that closes": func(r *reactor.Reactor) *deferred.Deferred {
			p, err := r.ListenTCP("127.0.0.1:0", nobody)
			if err != nil {
				return deferred.Fail(err)
			}
			return p.StopListening()
		},
		"an error that is handled": func(*reactor.Reactor) *deferred.Deferred {
			return deferred.Fail(io.EOF).AddErrback(func(error) (any, error) { return nil, nil })
		},
		"stopped by the test itself": func(r *reactor.Reactor) *deferred.Deferred {
			return deferred.MaybeDeferred(func() (any, error) { return nil, r.Stop() })
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) { runFake(f).wantErrors(t) })
	}
}

func TestRunRunsOnALoop(t *testing.T) {
	ran := false
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		ran = true
		if !r.Running() {
			t.Error("the reactor does not run")
		}
		if err := r.Run(); !errors.Is(err, reactor.ErrAlreadyRunning) {
			t.Errorf("Run inside Run: %v", err)
		}
		return nil
	})
	if !ran {
		t.Error("the function was not called")
	}
}

func TestRunFailsFor(t *testing.T) {
	tests := map[string]struct {
		f    func(r *reactor.Reactor) *deferred.Deferred
		opts []reactortest.Option
		want []string
	}{
		"an error": {
			f:    func(*reactor.Reactor) *deferred.Deferred { return deferred.Fail(io.ErrUnexpectedEOF) },
			want: []string{"the test's Deferred failed: unexpected EOF"},
		},
		"a panic, with its stack": {
			f:    func(*reactor.Reactor) *deferred.Deferred { panic("oops") },
			want: []string{"run_test.go"},
		},
		"a timeout, with what is pending": {
			f: func(r *reactor.Reactor) *deferred.Deferred {
				r.CallLater(time.Hour, func() {})
				return deferred.New()
			},
			opts: []reactortest.Option{reactortest.Timeout(time.Millisecond)},
			want: []string{"has not fired within 1ms. Pending now:\n\t1 delayed calls"},
		},
		"a timeout with nothing pending": {
			f:    func(r *reactor.Reactor) *deferred.Deferred { return deferred.New() },
			opts: []reactortest.Option{reactortest.Timeout(time.Millisecond)},
			want: []string{"nothing that the loop knows of"},
		},
		"a timer left": {
			f: func(r *reactor.Reactor) *deferred.Deferred {
				r.CallLater(time.Hour, func() {})
				return nil
			},
			want: []string{"left behind:\n\t1 delayed calls"},
		},
		"a port left": {
			f: func(r *reactor.Reactor) *deferred.Deferred {
				_, err := r.ListenTCP("127.0.0.1:0", nobody)
				return deferred.MaybeDeferred(func() (any, error) { return nil, err })
			},
			want: []string{"left behind:\n\ta port that listens on 127.0.0.1:"},
		},
		"an unhandled error": {
			f: func(*reactor.Reactor) *deferred.Deferred {
				deferred.Fail(io.ErrClosedPipe)
				return nil
			},
			want: []string{"Unhandled error in Deferred: " + io.ErrClosedPipe.Error()},
		},
		"a panic that the loop contains": {
			f: func(r *reactor.Reactor) *deferred.Deferred {
				d := deferred.New()
				r.CallLater(0, func() { defer d.Callback(nil); panic("contained") })
				return d
			},
			want: []string{"1 callbacks panicked, want 0"},
		},
		"a panic that does not come": {
			f:    func(*reactor.Reactor) *deferred.Deferred { return nil },
			opts: []reactortest.Option{reactortest.Panics(1)},
			want: []string{"0 callbacks panicked, want 1"},
		},
		"a reactor that stops too early": {
			f: func(r *reactor.Reactor) *deferred.Deferred {
				_ = r.Stop()
				return deferred.New()
			},
			want: []string{"stopped before the test's Deferred fired"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { runFake(test.f, test.opts...).wantErrors(t, test.want...) })
	}
}

func TestRunFailsForAConnectionLeft(t *testing.T) {
	tb := runFake(func(r *reactor.Reactor) *deferred.Deferred {
		p, err := r.ListenTCP("127.0.0.1:0", nobody)
		if err != nil {
			return deferred.Fail(err)
		}
		made := deferred.New()
		c := &protocoltest.Recorder{OnMade: func() { made.Callback(nil) }}
		r.ConnectTCP(p.Addr().String(), &client{p: c})
		return made.AddCallback(func(any) (any, error) { return p.StopListening(), nil })
	}, reactortest.SettleTime(10*time.Millisecond))
	tb.wantErrors(t, "left behind:\n\ta client's connection to 127.0.0.1:")
}

func TestRunWaitsForConnectionsThatClose(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		p, err := r.ListenTCP("127.0.0.1:0", nobody)
		if err != nil {
			return deferred.Fail(err)
		}
		made := deferred.New()
		c := &protocoltest.Recorder{}
		c.OnMade = func() {
			c.Transport.LoseConnection()
			made.Callback(nil)
		}
		r.ConnectTCP(p.Addr().String(), &client{p: c})
		return made.AddCallback(func(any) (any, error) { return p.StopListening(), nil })
	})
}

func TestRunTellsAFailedTestsLeftoversAsALog(t *testing.T) {
	tb := runFake(func(r *reactor.Reactor) *deferred.Deferred {
		r.CallLater(time.Hour, func() {})
		return deferred.Fail(io.EOF)
	})
	tb.wantErrors(t, "the test's Deferred failed: EOF")
	if all := strings.Join(tb.logs, "\n"); !strings.Contains(all, "left behind:\n\t1 delayed calls") {
		t.Errorf("the log is %q", all)
	}
}

func TestFailNowEndsTheTest(t *testing.T) {
	tests := map[string]func(tb testing.TB, r *reactor.Reactor) *deferred.Deferred{
		"in the function": func(tb testing.TB, r *reactor.Reactor) *deferred.Deferred {
			tb.Fatal("enough")
			return nil
		},
		"in a timer": func(tb testing.TB, r *reactor.Reactor) *deferred.Deferred {
			r.CallLater(0, func() { tb.Fatal("enough") })
			return deferred.New()
		},
		"in a Deferred's callback": func(tb testing.TB, r *reactor.Reactor) *deferred.Deferred {
			d := deferred.New().AddCallback(func(any) (any, error) { tb.Fatal("enough"); return nil, nil })
			r.CallLater(0, func() { d.Callback(nil) })
			return d
		},
		"in an inline body": func(tb testing.TB, r *reactor.Reactor) *deferred.Deferred {
			return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
				d := deferred.New()
				r.CallLater(0, func() { d.Callback(nil) })
				_, _ = in.Yield(d)
				tb.Fatal("enough")
				return nil, nil
			})
		},
		"while another body waits": func(tb testing.TB, r *reactor.Reactor) *deferred.Deferred {
			r.CallLater(0, func() { tb.Fatal("enough") })
			return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) { return in.Yield(deferred.New()) })
		},
		"in a protocol": func(tb testing.TB, r *reactor.Reactor) *deferred.Deferred {
			p, err := r.ListenTCP("127.0.0.1:0", nobody)
			if err != nil {
				return deferred.Fail(err)
			}
			r.ConnectTCP(p.Addr().String(), &client{p: &protocoltest.Recorder{OnMade: func() { tb.Fatal("enough") }}})
			return deferred.New()
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			returned := false
			tb := onFake(func(tb testing.TB) {
				reactortest.Run(tb, func(r *reactor.Reactor) *deferred.Deferred { return f(tb, r) })
				returned = true
			})
			tb.wantErrors(t, "enough")
			if returned {
				t.Error("Run returned after FailNow")
			}
			runFake(func(*reactor.Reactor) *deferred.Deferred { return nil }).wantErrors(t) // the next test is not disturbed
		})
	}
}

func TestAShutdownThatHangsEndsTheTest(t *testing.T) {
	tb := runFake(func(r *reactor.Reactor) *deferred.Deferred {
		r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, deferred.New)
		return deferred.New()
	}, reactortest.Timeout(time.Millisecond), reactortest.SettleTime(time.Millisecond))
	tb.wantErrors(t, "has not fired within 1ms", "did not stop within another 1ms")
}

func TestRunInsideRunIsRefused(t *testing.T) {
	tb := onFake(func(tb testing.TB) {
		reactortest.Run(tb, func(*reactor.Reactor) *deferred.Deferred {
			reactortest.Run(tb, func(*reactor.Reactor) *deferred.Deferred { return nil })
			return nil
		})
	})
	tb.wantErrors(t, "a Run inside a Run")
}

func TestRunLogsToTheTest(t *testing.T) {
	tb := runFake(func(r *reactor.Reactor) *deferred.Deferred {
		r.Log().Info().Str("colour", "red").Msg("hello")
		return nil
	})
	if want := "info: hello colour=red owner=call"; !strings.Contains(strings.Join(tb.logs, "\n"), want) {
		t.Errorf("the log is %q, want %q in it", tb.logs, want)
	}
}

func TestNothingIsLoggedAfterTheTest(t *testing.T) {
	var late *reactor.Reactor
	tb := runFake(func(r *reactor.Reactor) *deferred.Deferred { late = r; return nil })
	before := len(tb.logs)
	late.Log().Info().Msg("too late")
	if len(tb.logs) != before {
		t.Errorf("logged after the end: %q", tb.logs[before:])
	}
}
