package reactor_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/producers"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// forwarder is a port's factory: it joins each connection by a pipe to one with
// another address.
type forwarder struct {
	protocol.ClientFactoryBase
	r    *reactor.Reactor
	to   string
	wrap func(e, peer *producers.PipeEnd) protocol.Protocol // nil: nothing

	pipe *producers.Pipe // the latest
}

func (f *forwarder) port() protocol.Factory {
	return build(func() protocol.Protocol {
		f.pipe = producers.NewPipe()
		f.r.ConnectTCP(f.to, f)
		return f.end(f.pipe.A, f.pipe.B)
	})
}

func (f *forwarder) end(e, peer *producers.PipeEnd) protocol.Protocol {
	if f.wrap == nil {
		return e
	}
	return f.wrap(e, peer)
}

func (f *forwarder) BuildProtocol(net.Addr) protocol.Protocol { return f.end(f.pipe.B, f.pipe.A) }

func (f *forwarder) ClientConnectionFailed(_ protocol.Connector, reason error) { f.pipe.B.Fail(reason) }

// gauge is the end of a pipe that measures what the pipe holds.
type gauge struct {
	*producers.PipeEnd
	peer  *producers.PipeEnd
	moved func(buffered int)
}

func (g *gauge) DataReceived(data []byte) {
	g.PipeEnd.DataReceived(data)
	g.moved(g.Transport.Buffered() + g.peer.Transport.Buffered())
}

// TestPipeMovesALotInLittleMemory sends 1 GiB from a fast writer through a pipe
// to a slow reader, which then answers with the length.
func TestPipeMovesALotInLittleMemory(t *testing.T) {
	size := 1 << 30
	if testing.Short() || raceEnabled {
		size = 64 << 20
	}
	const block = 1 << 20
	poem := bytes.Clone(bigPoem()[:block])
	server := serveOne(t, func(c *net.TCPConn) error { return readSlowly(c, poem, make([]byte, block), size) })

	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		most, moved, base, grown := 0, 0, uint64(0), uint64(0)
		measure := func(buffered int) {
			most = max(most, buffered)
			if moved++; moved%256 != 1 { // of at most 64 KiB each
				return
			}
			if now := heap(); base == 0 {
				base = now
			} else if now > base {
				grown = max(grown, now-base)
			}
		}
		f := &forwarder{r: r, to: server.addr, wrap: func(e, peer *producers.PipeEnd) protocol.Protocol {
			return &gauge{PipeEnd: e, peer: peer, moved: measure}
		}}
		port, addr := listen(t, r, f.port())
		return closing(port, r.DeferToThread(func() (any, error) {
			err := fetch(addr, func(c *net.TCPConn) error { return sendFast(c, poem, size) })
			return nil, errors.Join(err, <-server.result)
		}).AddCallback(func(any) (any, error) {
			t.Logf("%d MiB: at most %d bytes queued, the heap grew by at most %d", size>>20, most, grown)
			if most > 256<<10 || grown > 1<<20 {
				return nil, fmt.Errorf("the pipe held %d bytes, and the heap grew by %d", most, grown)
			}
			return nil, want("bytes that the pipe has counted", f.pipe.A.Moved(), int64(size))
		}))
	})
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// sendFast writes the poem again and again, half-closes, and expects the length
// as the answer.
func sendFast(c *net.TCPConn, poem []byte, size int) error {
	for sent := 0; sent < size; sent += len(poem) {
		if _, err := c.Write(poem); err != nil {
			return fmt.Errorf("after %d bytes: %w", sent, err)
		}
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err != nil || len(answer) != 8 {
		return fmt.Errorf("the answer is %x, %w", answer, err)
	}
	return want("the answer", int(binary.BigEndian.Uint64(answer)), size)
}

// readSlowly takes a nap before each poem, and answers with the number of bytes.
func readSlowly(c *net.TCPConn, poem, buf []byte, size int) error {
	total := 0
	for {
		nap()
		n, err := io.ReadFull(c, buf)
		if !bytes.Equal(buf[:n], poem[:n]) {
			return fmt.Errorf("the bytes from %d on are not the poem's", total)
		}
		if total += n; err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", total, err)
		}
	}
	if _, err := c.Write(binary.BigEndian.AppendUint64(nil, uint64(total))); err != nil {
		return err
	}
	return want("bytes that came", total, size)
}

// oneServer is a server without a loop, for one connection.
type oneServer struct {
	addr   string
	result chan error
}

// serveOne accepts one connection and lets serve deal with it.
func serveOne(t *testing.T, serve func(c *net.TCPConn) error) oneServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := oneServer{l.Addr().String(), make(chan error, 1)}
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = serve(c.(*net.TCPConn))
			_ = c.Close()
		}
		s.result <- err
	}()
	return s
}

// TestPipePassesEndsOn ends the server's side in several ways and looks at what
// the client sees.
func TestPipePassesEndsOn(t *testing.T) {
	cases := []struct {
		name   string
		serve  func(c *net.TCPConn) error // nil: nobody listens
		client error                      // what reading ends with
		reason error                      // what the pipe says
	}{
		{"a close", func(c *net.TCPConn) error { return c.CloseWrite() }, nil, protocol.ErrConnectionDone},
		{"a reset", func(c *net.TCPConn) error { return c.SetLinger(0) }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"no server", nil, nil, syscall.ECONNREFUSED},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			server := serveOne(t, func(c *net.TCPConn) error {
				if _, err := io.ReadFull(c, make([]byte, 8)); err != nil {
					return err
				}
				return tc.serve(c)
			})
			to := server.addr
			if tc.serve == nil {
				to = "127.0.0.1:1"
			}
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				f := &forwarder{r: r, to: to}
				port, addr := listen(t, r, f.port())
				return closing(port, r.DeferToThread(func() (any, error) {
					return nil, fetch(addr, func(c *net.TCPConn) error {
						if _, err := c.Write([]byte("question")); err != nil {
							return err
						}
						_, err := io.ReadAll(c)
						return want("what the client sees", errors.Is(err, tc.client), true)
					})
				}).AddCallback(func(any) (any, error) {
					return deferred.Then(f.pipe.Done(), func(result producers.PipeResult) (any, error) {
						return nil, want("the reason "+result.Reason.Error(), errors.Is(result.Reason, tc.reason), true)
					}), nil
				}))
			})
		})
	}
}

// sender begins to send and closes, which waits.
type sender struct {
	protocol.Base
	begin func(t protocol.Transport) *deferred.Deferred
	sent  *deferred.Deferred
}

func (s *sender) DataReceived([]byte) {}

func (s *sender) ConnectionMade() {
	s.begin(s.Transport).ChainDeferred(s.sent)
	s.Transport.LoseConnection()
}

// TestSendingToAReaderThatHasHalfClosed sends to a reader that sleeps, too: a
// real file, and what a push producer makes.
func TestSendingToAReaderThatHasHalfClosed(t *testing.T) {
	poem := bigPoem()[:4<<20]
	name := filepath.Join(t.TempDir(), "poem")
	if err := os.WriteFile(name, poem, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]func(r *reactor.Reactor, file io.Reader, tr protocol.Transport) *deferred.Deferred{
		"FileSender": func(_ *reactor.Reactor, file io.Reader, tr protocol.Transport) *deferred.Deferred {
			return producers.FileSender{}.Send(file, tr)
		},
		"Push": func(r *reactor.Reactor, file io.Reader, tr protocol.Transport) *deferred.Deferred {
			buf := make([]byte, 10_000)
			return producers.Push(tr, r, func() ([]byte, error) {
				n, err := file.Read(buf)
				return buf[:n], err
			})
		},
	}
	for way, send := range cases {
		t.Run(way, func(t *testing.T) {
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				s := &sender{sent: deferred.New()}
				s.begin = func(tr protocol.Transport) *deferred.Deferred { return send(r, file, tr) }
				port, addr := listen(t, r, build(func() protocol.Protocol { return s }))
				fetched := r.DeferToThread(func() (any, error) {
					return nil, fetch(addr, func(c *net.TCPConn) error {
						if err := c.CloseWrite(); err != nil {
							return err
						}
						return readPoem(c, poem, 64<<10, nap)
					})
				})
				deferred.Then(s.sent, func(n int64) (any, error) { return nil, want("bytes sent", n, int64(len(poem))) })
				return closing(port, deferred.GatherResults([]*deferred.Deferred{fetched, s.sent}))
			})
		})
	}
}
