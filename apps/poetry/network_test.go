package poetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// listen opens a port of the test's own choice.
func listen(t *testing.T, r *reactor.Reactor, f protocol.Factory) (port *reactor.Port, addr string) {
	t.Helper()
	port, err := r.ListenTCP("localhost:0", f)
	if err != nil {
		t.Fatal(err)
	}
	return port, port.Addr().String()
}

// closing closes a port when d has its outcome, which stays what it is.
func closing(d *deferred.Deferred, p *reactor.Port) *deferred.Deferred {
	return d.AddBoth(func(v any, err error) (any, error) {
		return p.StopListening().AddCallback(func(any) (any, error) { return v, err }), nil
	})
}

// wants makes a Deferred fail whose poem is not the one that was served.
func wants(d *deferred.Deferred, poem []byte) *deferred.Deferred {
	return deferred.Tap(d, func(got []byte) error {
		if !bytes.Equal(got, poem) {
			return fmt.Errorf("got %d bytes, want the poem of %d bytes", len(got), len(poem))
		}
		return nil
	})
}

// wantsError makes a Deferred fail that succeeds or fails with another error.
func wantsError(d *deferred.Deferred, cause error, received int) *deferred.Deferred {
	return d.AddBoth(func(v any, err error) (any, error) {
		var fe *poetry.FetchError
		if !errors.As(err, &fe) || !errors.Is(err, cause) || fe.Bytes != received {
			return nil, fmt.Errorf("got %d bytes and the error %w, want %w after %d bytes", v, err, cause, received)
		}
		return nil, nil
	})
}

func TestGetPoem(t *testing.T) {
	tests := []struct {
		name    string
		factory func(r *reactor.Reactor) protocol.Factory
	}{
		{"fast", func(*reactor.Reactor) protocol.Factory { return &poetry.Factory{Poem: testPoem} }},
		{"slow", func(r *reactor.Reactor) protocol.Factory {
			return &poetry.SlowFactory{Poem: testPoem, Clock: r, NumBytes: 1, Delay: time.Millisecond}
		}},
		{"slow without delay", func(r *reactor.Reactor) protocol.Factory {
			return &poetry.SlowFactory{Poem: testPoem, Clock: r, NumBytes: 1, Delay: poetry.NoDelay}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				port, addr := listen(t, r, test.factory(r))
				return closing(wants(poetry.GetPoem(r, addr, poetry.Options{}), testPoem.Text), port)
			})
		})
	}
}

func TestGetPoemTwoHundredAtOnce(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r, &poetry.SlowFactory{Poem: testPoem, Clock: r, Delay: 10 * time.Millisecond})
		all := make([]*deferred.Deferred, 200)
		for i := range all {
			all[i] = wants(poetry.GetPoem(r, addr, poetry.Options{}), testPoem.Text)
		}
		return closing(deferred.GatherResults(all), port)
	})
}

func TestGetPoemRefused(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r, &poetry.Factory{Poem: testPoem})
		return port.StopListening().AddCallback(func(any) (any, error) {
			return wantsError(poetry.GetPoem(r, addr, poetry.Options{}), syscall.ECONNREFUSED, 0), nil
		})
	})
}

// cutter sends half a poem and then ends the connection in its own way.
type cutter struct {
	protocol.Base
	half []byte
	end  func(t protocol.Transport)
}

func (c *cutter) DataReceived([]byte) {}
func (c *cutter) ConnectionMade() {
	_, _ = c.Transport.Write(c.half)
	if c.end != nil {
		c.end(c.Transport)
	}
}

func TestGetPoemFromBadServers(t *testing.T) {
	tests := []struct {
		name  string
		half  string
		end   func(t protocol.Transport)
		cause error
	}{
		{"empty", "", func(t protocol.Transport) { t.LoseConnection() }, poetry.ErrNoBytes},
		{"silent from the start", "", nil, deferred.ErrTimeout},
		{"silent in the middle", "half", nil, deferred.ErrTimeout},
		{"reset at once", "", func(t protocol.Transport) { t.AbortConnection() }, syscall.ECONNRESET},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				port, addr := listen(t, r, protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
					return &cutter{half: []byte(test.half), end: test.end}
				}))
				d := poetry.GetPoem(r, addr, poetry.Options{IdleTimeout: 50 * time.Millisecond})
				return closing(wantsError(d, test.cause, len(test.half)), port)
			})
		})
	}
}

func TestGetPoemResetInTheMiddle(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		server := &cutter{half: []byte("half")}
		port, addr := listen(t, r, protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return server }))
		d := poetry.GetPoem(r, addr, poetry.Options{
			// The client has the half for certain before the reset is sent.
			OnData: func([]byte) { server.Transport.AbortConnection() },
		})
		return closing(wantsError(d, syscall.ECONNRESET, 4), port)
	})
}

func TestGetPoemCancelled(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		f := &leaving{SlowFactory: &poetry.SlowFactory{Poem: testPoem, Clock: r, Delay: time.Hour}, left: deferred.New()}
		port, addr := listen(t, r, f)
		var d *deferred.Deferred
		d = poetry.GetPoem(r, addr, poetry.Options{OnData: func([]byte) { r.CallLater(0, d.Cancel) }})
		both := []*deferred.Deferred{wantsError(d, deferred.ErrCancelled, 10), wantsReset(f.left)}
		return closing(deferred.GatherResults(both), port)
	})
}

// leaving is a slow server that tells why its client's connection ended.
type leaving struct {
	*poetry.SlowFactory
	left *deferred.Deferred
}

func (l *leaving) BuildProtocol(a net.Addr) protocol.Protocol {
	return &leavingProtocol{l.SlowFactory.BuildProtocol(a).(*poetry.SlowProtocol), l.left}
}

type leavingProtocol struct {
	*poetry.SlowProtocol
	left *deferred.Deferred
}

func (l *leavingProtocol) ConnectionLost(reason error) {
	l.SlowProtocol.ConnectionLost(reason)
	l.left.Errback(reason)
}

// wantsReset makes a Deferred succeed that fails with a lost connection.
func wantsReset(d *deferred.Deferred) *deferred.Deferred {
	return deferred.CatchIs(d, protocol.ErrConnectionLost, func(error) (any, error) { return nil, nil })
}

func TestSlowServerNoticesAClientThatLeaves(t *testing.T) {
	tests := []struct {
		name  string
		delay time.Duration
		leave func(c *net.TCPConn) error
	}{
		// A reset is noticed whatever the pause: reactortest.Run fails if the
		// timer were left behind.
		{"by a reset", time.Hour, func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) }},
		// A close looks like a half-close until the next piece is answered.
		{"by a close", 10 * time.Millisecond, func(c *net.TCPConn) error { return c.Close() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				f := &leaving{left: deferred.New(), SlowFactory: &poetry.SlowFactory{
					Poem: poetry.Poem{Text: make([]byte, 1<<20)}, Clock: r, NumBytes: 1, Delay: test.delay,
				}}
				port, addr := listen(t, r, f)
				client := r.DeferToThread(func() (any, error) {
					c, err := net.Dial("tcp", addr)
					if err != nil {
						return nil, err
					}
					if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
						return nil, err
					}
					return nil, test.leave(c.(*net.TCPConn))
				})
				return closing(deferred.GatherResults([]*deferred.Deferred{client, wantsReset(f.left)}), port)
			})
		})
	}
}
