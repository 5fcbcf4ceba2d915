package reactor_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// bigPoem is 64 MiB that differ from place to place, so that a piece that is
// missing or moved shows.
var bigPoem = sync.OnceValue(func() []byte {
	poem := make([]byte, 64<<20)
	state := uint32(1)
	for i := range poem {
		state = state*1664525 + 1013904223
		poem[i] = byte(state >> 24)
	}
	return poem
})

// servePoem returns a factory whose protocols send the poem and close.
func servePoem(poem []byte, prepare func(protocol.Transport)) protocol.Factory {
	return build(func() protocol.Protocol {
		return &proto{made: func(p *proto) {
			if prepare != nil {
				prepare(p.Transport)
			}
			_ = p.Transport.WriteShared(poem)
			p.Transport.LoseConnection()
		}}
	})
}

// readPoem reads to the end and compares; between reads it calls pause.
func readPoem(c io.Reader, poem []byte, size int, pause func()) error {
	buf := make([]byte, size)
	at := 0
	for {
		n, err := c.Read(buf)
		if n > len(poem)-at || !bytes.Equal(buf[:n], poem[at:at+n]) {
			return fmt.Errorf("the bytes from %d on are not the poem's", at)
		}
		at += n
		if err == io.EOF {
			return want("bytes before the end", at, len(poem))
		}
		if err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", at, len(poem), err)
		}
		pause()
	}
}

// nap makes a reader slow.
func nap() {
	time.Sleep(time.Millisecond) // sleeps: a reader that sleeps is what is tested
}

func TestNothingIsLost(t *testing.T) {
	poem := bigPoem()
	small := poem[:8<<20]
	cases := []struct {
		name    string
		poem    []byte
		prepare func(protocol.Transport)
		fetch   func(c *net.TCPConn, poem []byte) error
	}{
		{"to a reader that sleeps", poem, nil, func(c *net.TCPConn, poem []byte) error {
			return readPoem(c, poem, 256<<10, nap)
		}},
		{"to a reader with a small window", small[:1<<20], nil, func(c *net.TCPConn, poem []byte) error {
			_ = c.SetReadBuffer(32 << 10)
			return readPoem(c, poem, 64<<10, func() {})
		}},
		{"to one whose input nobody reads", poem, protocol.Transport.PauseProducing, func(c *net.TCPConn, poem []byte) error {
			if _, err := c.Write([]byte("please")); err != nil {
				return err
			}
			return readPoem(c, poem, 256<<10, nap)
		}},
		{"to one that never stops sending", small, nil, func(c *net.TCPConn, poem []byte) error {
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for block := make([]byte, 64<<10); ; {
					if _, err := c.Write(block); err != nil {
						return
					}
				}
			}()
			err := readPoem(c, poem, 256<<10, nap)
			_ = c.Close()
			<-sent
			return err
		}},
		{"to one that half-closed first", poem, nil, func(c *net.TCPConn, poem []byte) error {
			if err := c.CloseWrite(); err != nil {
				return err
			}
			return readPoem(c, poem, 256<<10, nap)
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				port, addr := listen(t, r, servePoem(tc.poem, tc.prepare))
				return closing(port, r.DeferToThread(func() (any, error) {
					return nil, fetch(addr, func(c *net.TCPConn) error { return tc.fetch(c, tc.poem) })
				}))
			})
		})
	}
}

// fetch dials, lets f talk, and closes.
func fetch(addr string, f func(c *net.TCPConn) error) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c.(*net.TCPConn))
}

// TestNothingIsLostToManyAtOnce sends the big poem to 200 readers at once.
func TestNothingIsLostToManyAtOnce(t *testing.T) {
	poem := bigPoem()
	if testing.Short() {
		poem = poem[:1<<20]
	}
	const readers = 200
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r, servePoem(poem, nil))
		return closing(port, r.DeferToThread(func() (any, error) {
			results := make(chan error, readers)
			for range readers {
				go func() {
					results <- fetch(addr, func(c *net.TCPConn) error { return readPoem(c, poem, 256<<10, func() {}) })
				}()
			}
			var all []error
			for range readers {
				all = append(all, <-results)
			}
			return nil, errors.Join(all...)
		}))
	})
}

// TestAReaderThatStopsIsAborted lets the close deadline pass.
func TestAReaderThatStopsIsAborted(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		lost := deferred.New()
		var began time.Time
		port, addr := listen(t, r, build(func() protocol.Protocol {
			return &proto{
				made: func(p *proto) {
					began = r.Now()
					_ = p.Transport.WriteShared(bigPoem())
					p.Transport.LoseConnection()
				},
				lost: func(_ *proto, reason error) { lost.Callback(reason) },
			}
		}))
		done := make(chan struct{})
		held := r.DeferToThread(func() (any, error) {
			return nil, fetch(addr, func(c *net.TCPConn) error {
				<-done
				_, err := io.Copy(io.Discard, c)
				if err == nil {
					return errors.New("the reader took a poem that was cut for a whole one")
				}
				return nil
			})
		})
		lost.AddCallback(func(reason any) (any, error) {
			close(done)
			err := reason.(error)
			if !errors.Is(err, protocol.ErrConnectionAborted) || !errors.Is(err, reactor.ErrCloseTimeout) {
				return nil, fmt.Errorf("the reason is %v", err)
			}
			if took := r.Now().Sub(began); took < 200*time.Millisecond || took > 20*time.Second {
				return nil, fmt.Errorf("aborted after %v", took)
			}
			return nil, nil
		})
		return closing(port, deferred.GatherResults([]*deferred.Deferred{lost, held}))
	}, reactortest.With(reactor.WithCloseTimeout(200*time.Millisecond)))
}
