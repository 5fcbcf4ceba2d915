package reactor_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
	"skein/reactor/internal/kernel"
	"skein/reactor/reactortest"
)

// refusal is a way in which the kernel takes less than is written.
type refusal struct {
	name   string
	pieces []int           // lengths of writes, a millisecond between them
	errs   []syscall.Errno // of the kernel's calls for the first; 0 lets one pass
}

const roomSize = 2000 // of both ends' buffers together

var refusals = []refusal{
	{"a part", []int{3 * roomSize}, nil},
	{"what comes when it is full", []int{roomSize, 1}, nil},
	{"many times", []int{20 * roomSize}, nil},
	{"by EAGAIN", []int{10}, []syscall.Errno{syscall.EAGAIN}},
	{"for want of memory", []int{10}, []syscall.Errno{syscall.ENOBUFS}},
	{"for want of memory, then of room", []int{3 * roomSize}, []syscall.Errno{syscall.ENOBUFS, syscall.EAGAIN}},
	{"for want of room, then of memory", []int{3 * roomSize}, []syscall.Errno{0, syscall.EAGAIN, syscall.ENOBUFS}},
}

// TestRoomIsHeardOf has the kernel refuse the output of an accepted connection, in
// several ways, before the connection is watched and after. All arrives when the
// peer reads.
func TestRoomIsHeardOf(t *testing.T) {
	ends := map[string]func(protocol.Transport){
		"stays open":          func(protocol.Transport) {},
		"LoseConnection":      protocol.Transport.LoseConnection,
		"LoseWriteConnection": protocol.Transport.LoseWriteConnection,
	}
	for _, when := range []string{"made", "asked", "later"} {
		for _, f := range refusals {
			for name, end := range ends {
				t.Run(fmt.Sprintf("%s/%s/%s", when, f.name, name), func(t *testing.T) {
					sent, got := refuse(t, when, f, end)
					if !bytes.Equal(sent, got) {
						t.Errorf("%d of %d bytes have arrived", len(got), len(sent))
					}
				})
			}
		}
	}
}

// refuse returns what a server has written to a peer that reads a second later, and
// what the peer has read then.
func refuse(t *testing.T, when string, f refusal, end func(protocol.Transport)) (sent, got []byte) {
	m := reactortest.NewMemory()
	defer func() { _ = m.Close() }()
	m.Buffers(roomSize/2, roomSize/2)
	server, peer := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	write := func() {
		m.FailNext(reactortest.Write, f.errs...)
		for i, n := range f.pieces {
			piece := bytes.Repeat([]byte{byte('a' + i)}, n)
			sent = append(sent, piece...)
			put := func() {
				_ = server.Transport.WriteShared(piece)
				if i == len(f.pieces)-1 {
					end(server.Transport)
				}
			}
			if i == 0 {
				put()
			} else {
				m.CallLater(time.Duration(i)*time.Millisecond, put)
			}
		}
	}
	switch when {
	case "made":
		server.OnMade = write
	case "asked":
		server.OnData = func([]byte) { write() }
		peer.OnMade = func() { _, _ = peer.Transport.Write([]byte("?")) }
	case "later":
		m.CallLater(time.Millisecond, write)
	}
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol { return server }))
	m.ConnectTCP(addr, &client{t: t, p: peer})
	m.Pump()
	peer.Transport.PauseProducing()
	m.Advance(time.Second)
	peer.Transport.ResumeProducing()
	m.Advance(time.Second)
	return sent, peer.Received()
}

// TestWantOfMemoryIsWaitedFor has the kernel be short of memory for long: it is asked
// again when time has passed, and not before.
func TestWantOfMemoryIsWaitedFor(t *testing.T) {
	m := reactortest.NewMemory()
	defer func() { _ = m.Close() }()
	server, peer := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol { return server }))
	m.ConnectTCP(addr, &client{t: t, p: peer})
	m.Pump()
	m.FailNext(reactortest.Write, slices.Repeat([]syscall.Errno{syscall.ENOBUFS}, 20)...)
	_, _ = server.Transport.Write([]byte("x"))
	m.Pump()
	if got := peer.Received(); len(got) > 0 {
		t.Errorf("%q has arrived in no time", got)
	}
	m.Advance(time.Minute)
	if got := peer.Received(); string(got) != "x" {
		t.Errorf("%q has arrived after a minute", got)
	}
}

// TestAConnectionThatCannotBeWatched fails the watch of an accepted connection at
// once, and that of its output when it is full. It is lost, by what the kernel says.
func TestAConnectionThatCannotBeWatched(t *testing.T) {
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprintf("full %v", full), func(t *testing.T) {
			m := reactortest.NewMemory(reactor.WithLogger(zerolog.Nop()))
			defer func() { _ = m.Close() }()
			server, peer := &protocoltest.Recorder{}, &protocoltest.Recorder{}
			server.OnMade = func() {
				if !full {
					m.FailNext(reactortest.Add, syscall.ENOMEM)
				}
			}
			_, addr := listen(t, m.Reactor, build(func() protocol.Protocol { return server }))
			m.ConnectTCP(addr, &client{t: t, p: peer})
			m.Pump()
			if full {
				peer.Transport.PauseProducing()
				m.FailNext(reactortest.Add, syscall.ENOMEM)
				_ = server.Transport.WriteShared(make([]byte, 1<<20))
				m.Pump()
				peer.Transport.ResumeProducing()
				m.Pump()
			}
			if !errors.Is(server.Reason(), syscall.ENOMEM) || !errors.Is(server.Reason(), protocol.ErrConnectionLost) {
				t.Errorf("the server's reason is %v", server.Reason())
			}
			if !errors.Is(peer.Reason(), syscall.ECONNRESET) || server.Err() != nil {
				t.Errorf("the peer's reason is %v, breach %v", peer.Reason(), server.Err())
			}
		})
	}
}

// registering is the machine's kernel, which notes how connections are watched.
type registering struct {
	kernel.Kernel
	conns map[int]bool
	calls []string
	full  int // how often the kernel did not take all
}

// note notes a call for a connection.
func (k *registering) note(call string, fd int) {
	if k.conns[fd] {
		k.calls = append(k.calls, call)
	}
}

func (k *registering) Accept(port int) (int, kernel.Addr, syscall.Errno) {
	fd, from, errno := k.Kernel.Accept(port)
	k.conns[fd] = errno == 0
	return fd, from, errno
}

func (k *registering) Connect(a, local kernel.Addr) (int, syscall.Errno) {
	fd, errno := k.Kernel.Connect(a, local)
	k.conns[fd] = errno == 0
	return fd, errno
}

func (k *registering) Add(fd int) syscall.Errno {
	k.note("both", fd)
	return k.Kernel.Add(fd)
}

func (k *registering) AddTagged(fd int, tag uint32) syscall.Errno {
	k.note("both", fd)
	return k.Kernel.AddTagged(fd, tag)
}

func (k *registering) AddInput(fd int) syscall.Errno {
	k.note("input", fd)
	return k.Kernel.AddInput(fd)
}

func (k *registering) AddOutput(fd int) syscall.Errno {
	k.note("output", fd)
	return k.Kernel.AddOutput(fd)
}

func (k *registering) Write(fd int, p []byte, last bool) (int, syscall.Errno) {
	n, errno := k.Kernel.Write(fd, p, last)
	if n < len(p) {
		k.full++
	}
	return n, errno
}

// TestEachDirectionIsRegisteredOnce counts the calls by which connections come to be
// watched, however often their buffers are full.
func TestEachDirectionIsRegisteredOnce(t *testing.T) {
	poem := bigPoem()[:1<<20]
	// narrowly sends through a small buffer: the socket is full again and again.
	narrowly := func(poem []byte) func(*proto) {
		return func(p *proto) {
			_ = syscall.SetsockoptInt(reactor.FD(p.Transport), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 16<<10)
			send(poem)(p)
		}
	}
	asked := func(poem []byte) *proto {
		return &proto{data: func(p *proto, _ []byte) { narrowly(poem)(p) }}
	}
	tests := []struct {
		name   string
		server *proto
		poem   []byte
		calls  []string
		full   int // at least
	}{
		{"a line, when asked", asked(poem[:80]), poem[:80], []string{"input"}, 0},
		{"a long poem, when asked", asked(poem), poem, []string{"input", "output"}, 3},
		{"a long poem at once", &proto{made: narrowly(poem)}, poem, []string{"both"}, 3},
		{"a long poem at once, and paused", &proto{made: func(p *proto) { p.Transport.PauseProducing(); narrowly(poem)(p) }}, poem, []string{"both"}, 3},
		{"a long poem at once, and resumed", &proto{made: func(p *proto) { p.Transport.ResumeProducing(); narrowly(poem)(p) }}, poem, []string{"both"}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k, r := newRegistering(t)
			_, addr := listen(t, r, build(func() protocol.Protocol { return test.server }))
			r.DeferToThread(func() (any, error) {
				return nil, fetch(addr, func(c *net.TCPConn) error {
					if _, err := c.Write([]byte("?")); err != nil {
						return err
					}
					return readPoem(c, test.poem, 256<<10, nap)
				})
			}).AddBoth(func(_ any, err error) (any, error) {
				if err != nil {
					t.Error(err)
				}
				return nil, r.Stop()
			})
			k.run(t, r, test.calls, test.full)
		})
	}
	t.Run("a client", func(t *testing.T) {
		k, r := newRegistering(t)
		server := serveOne(t, func(c *net.TCPConn) error { return readPoem(c, poem, 256<<10, nap) })
		r.ConnectTCP(server.addr, &client{t: t, p: &proto{made: narrowly(poem), lost: func(*proto, error) { _ = r.Stop() }}})
		k.run(t, r, []string{"both"}, 3)
		if err := <-server.result; err != nil {
			t.Error(err)
		}
	})
}

// newRegistering returns a reactor on such a kernel.
func newRegistering(t *testing.T) (*registering, *reactor.Reactor) {
	t.Helper()
	machine, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	k := &registering{Kernel: machine, conns: make(map[int]bool)}
	return k, reactor.NewOn(k, reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop()))
}

// run runs the reactor to its end, and looks at the calls.
func (k *registering) run(t *testing.T, r *reactor.Reactor, calls []string, full int) {
	t.Helper()
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(k.calls, calls) || k.full < full {
		t.Errorf("watched by %v, want %v; %d times full, want %d at least", k.calls, calls, k.full, full)
	}
}
