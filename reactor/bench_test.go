package reactor_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// onLoop runs f on the goroutine of a running reactor, and then stops it.
func onLoop(b *testing.B, f func(r *reactor.Reactor) *deferred.Deferred) {
	b.Helper()
	r, err := reactor.New(reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop()))
	if err != nil {
		b.Fatal(err)
	}
	r.CallWhenRunning(func() {
		deferred.MaybeDeferred(func() (any, error) {
			if d := f(r); d != nil {
				return d, nil
			}
			return nil, nil
		}).
			AddErrback(func(err error) (any, error) { b.Error(err); return nil, nil }).
			AddBoth(func(any, error) (any, error) { return nil, r.Stop() })
	})
	if err := r.Run(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCallLaterCancel sets and cancels a timer while others wait.
func BenchmarkCallLaterCancel(b *testing.B) {
	for _, pending := range []struct {
		name string
		n    int
	}{{"0 pending", 0}, {"100000 pending", 100_000}} {
		b.Run(pending.name, func(b *testing.B) {
			onLoop(b, func(r *reactor.Reactor) *deferred.Deferred {
				for i := range pending.n {
					r.CallLater(time.Hour+time.Duration(i*7919%pending.n)*time.Second, func() {})
				}
				b.ReportAllocs()
				for b.Loop() {
					_ = r.CallLater(2*time.Hour, func() {}).Cancel()
				}
				return nil
			})
		})
	}
	b.Run("set 100000 and cancel them", func(b *testing.B) {
		onLoop(b, func(r *reactor.Reactor) *deferred.Deferred {
			const n = 100_000
			calls := make([]interface{ Cancel() error }, n)
			for b.Loop() {
				for i := range calls {
					calls[i] = r.CallLater(time.Hour+time.Duration(i*7919%n)*time.Millisecond, func() {})
				}
				for _, c := range calls {
					_ = c.Cancel()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/timer")
			return nil
		})
	})
}

// BenchmarkCallLaterRun runs timers that set the next one.
func BenchmarkCallLaterRun(b *testing.B) {
	onLoop(b, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		left := 0
		var tick func()
		tick = func() {
			if left--; left <= 0 {
				done.Callback(nil)
				return
			}
			r.CallLater(0, tick)
		}
		b.ReportAllocs()
		b.ResetTimer()
		left = b.N
		r.CallLater(0, tick)
		return done
	})
}

// BenchmarkCallFromThread posts calls from another goroutine: singly, each
// waited for, and as fast as they go.
func BenchmarkCallFromThread(b *testing.B) {
	b.Run("round trip", func(b *testing.B) {
		onLoop(b, func(r *reactor.Reactor) *deferred.Deferred {
			return r.DeferToThread(func() (any, error) {
				ran := make(chan struct{})
				call := func() { ran <- struct{}{} }
				b.ReportAllocs()
				for b.Loop() {
					r.CallFromThread(call)
					<-ran
				}
				return nil, nil
			})
		})
	})
	b.Run("stream", func(b *testing.B) {
		onLoop(b, func(r *reactor.Reactor) *deferred.Deferred {
			return r.DeferToThread(func() (any, error) {
				nop := func() {}
				b.ReportAllocs()
				for b.Loop() {
					r.CallFromThread(nop)
				}
				_, err := r.BlockingCallFromThread(func() (any, error) { return nil, nil })
				return nil, err
			})
		})
	})
}

// BenchmarkEcho sends 64 bytes to and fro: with both ends on the loop, and with
// a blocking client of Go's net, beside Go's net alone. The second is the price
// of going from one thread to another and back, twice a round trip: the loop
// sleeps in the kernel, where Go's scheduler finds both ends of the third on one
// thread. A client in another process pays that with either.
func BenchmarkEcho(b *testing.B) {
	message := make([]byte, 64)
	b.Run("both ends on the loop", func(b *testing.B) {
		onLoop(b, func(r *reactor.Reactor) *deferred.Deferred {
			done := deferred.New()
			port, addr := listen(b, r, build(echo))
			left := b.N
			r.ConnectTCP(addr, &client{t: b, p: &proto{
				made: func(p *proto) {
					b.ReportAllocs()
					b.ResetTimer()
					_, _ = p.Transport.Write(message)
				},
				data: func(p *proto, _ []byte) {
					if left--; left > 0 {
						_, _ = p.Transport.Write(message)
						return
					}
					b.StopTimer()
					p.Transport.LoseConnection()
				},
				lost: func(*proto, error) { done.Callback(nil) },
			}})
			return closing(port, done)
		})
	})
	b.Run("a blocking client", func(b *testing.B) {
		onLoop(b, func(r *reactor.Reactor) *deferred.Deferred {
			port, addr := listen(b, r, build(echo))
			return closing(port, r.DeferToThread(func() (any, error) { return nil, fetch(addr, echoClient(b, message)) }))
		})
	})
	b.Run("Go net", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		}()
		if err := fetch(l.Addr().String(), echoClient(b, message)); err != nil {
			b.Fatal(err)
		}
	})
}

// echoClient sends the message and waits for it, b.N times.
func echoClient(b *testing.B, message []byte) func(c *net.TCPConn) error {
	return func(c *net.TCPConn) error {
		buf := make([]byte, len(message))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Write(message); err != nil {
				return err
			}
			if _, err := io.ReadFull(c, buf); err != nil {
				return err
			}
		}
		return nil
	}
}

var _ protocol.Protocol = (*proto)(nil)
