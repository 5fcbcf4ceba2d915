package reactortest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/reactor"
	"skein/reactor/internal/kernel"
)

// MemoryReactor is a reactor whose sockets are buffers in memory and whose time
// is a fake clock's. All else is the very code that runs in production: its
// kernel is what differs.
//
// It is driven in one of two ways. Run runs it as any reactor: when nothing is
// ready, the clock jumps to the next delayed call, so that two hours take
// microseconds; but while functions run off the loop, it goes no faster than the
// clock on the wall. Or a test drives it by hand, without Run:
// [MemoryReactor.Pump] and [MemoryReactor.Advance] do what there is to do and
// return. By hand there is no startup and no shutdown.
//
// UNIX sockets need an abstract name, with a leading @.
//
// Its own methods belong to the reactor's goroutine.
//
// Twisted: test.proto_helpers.MemoryReactorClock.
type MemoryReactor struct {
	*reactor.Reactor
	k *memory
}

// NewMemory returns a reactor in memory. It leaves signals alone, and logs
// warnings and errors to standard error.
func NewMemory(opts ...reactor.Option) *MemoryReactor {
	k := newMemory()
	quiet := zerolog.New(os.Stderr).Level(zerolog.WarnLevel)
	own := []reactor.Option{reactor.WithoutSignals(), reactor.WithLogger(quiet)}
	return &MemoryReactor{Reactor: reactor.NewOn(k, append(own, opts...)...), k: k}
}

// RunMemory is [Run] on a [MemoryReactor]. Only the timeout is real time.
func RunMemory(t testing.TB, f func(m *MemoryReactor) *deferred.Deferred, opts ...Option) {
	t.Helper()
	k := newMemory()
	w := watch(k)
	tr := newTrial(t, opts)
	m := &MemoryReactor{Reactor: reactor.NewOn(w, tr.reactorOptions()...), k: k}
	tr.loop = m.Reactor
	tr.open = w.open
	tr.run(func() *deferred.Deferred { return f(m) })
}

// Pump does what there is to do now and then, for each of the steps, advances
// by it. Work that adds work at once, for ever, keeps it for ever.
//
// Twisted: task.Clock.pump.
func (m *MemoryReactor) Pump(steps ...time.Duration) {
	m.Advance(0)
	for _, d := range steps {
		m.Advance(d)
	}
}

// Advance lets d go by: from one delayed call to the next, with all that
// follows from each, as if the time had really passed. It panics if the reactor
// is running, which moves the clock itself, and for a negative d.
//
// Twisted: task.Clock.advance.
func (m *MemoryReactor) Advance(d time.Duration) {
	if m.Running() {
		panic("reactortest: Advance on a reactor that runs: its clock moves by itself")
	}
	if d < 0 {
		panic(fmt.Sprintf("reactortest: Advance(%v): time does not go back", d))
	}
	k := m.k
	if k.driven {
		panic("reactortest: Advance from inside a callback: it runs until nothing is ready, and something is")
	}
	k.driven = true
	defer func() { k.driven = false }()
	until := k.now.Load() + int64(d)
	k.woken.Store(true) // for what the test has set since
	for {
		for worked := true; worked; {
			worked, _ = k.step()
		}
		switch {
		case k.alarm != 0 && k.alarm <= until:
			k.pass(k.alarm - k.now.Load())
		case k.now.Load() < until:
			k.pass(until - k.now.Load())
		default:
			return
		}
	}
}

// Wait waits, in real time, until no function of DeferToThread and no name
// lookup is under way, and does what follows from them. The clock stands still
// meanwhile. Run needs no such call.
func (m *MemoryReactor) Wait() {
	for m.Advance(0); m.k.away(); m.Advance(0) {
		<-m.k.bell
	}
}

// LimitDescriptors bounds how many sockets can be open, ports included; more
// fail with EMFILE.
func (m *MemoryReactor) LimitDescriptors(n int) { m.k.limit = n }

// Buffers sets the sizes, in bytes, of the two buffers in each direction of the
// connections made from now on; 64 KiB each by default.
func (m *MemoryReactor) Buffers(send, receive int) {
	m.k.network.send, m.k.network.receive = send, receive
}

// Chunk makes the bytes of the connections made from now on arrive n at a time,
// each chunk when the one before has been read; 0 lets them come as they are.
func (m *MemoryReactor) Chunk(n int) { m.k.network.chunk = n }

// BlackHole makes an IP address, a network such as "10.0.0.0/8", or a UNIX
// socket's name such as "@hole", never answer: an attempt to connect takes until
// its timeout.
func (m *MemoryReactor) BlackHole(addr string) {
	if strings.HasPrefix(addr, "@") {
		m.k.network.deaf[addr] = true
		return
	}
	p, err := netip.ParsePrefix(addr)
	if err != nil {
		ip, err := netip.ParseAddr(addr)
		if err != nil {
			panic(fmt.Sprintf("reactortest: BlackHole(%q): %v", addr, err))
		}
		p = netip.PrefixFrom(ip, ip.BitLen())
	}
	m.k.network.holes = append(m.k.network.holes, p)
}

// FailNext makes the next such calls fail, one for each of the errors; 0 lets
// one pass.
func (m *MemoryReactor) FailNext(c Call, errs ...syscall.Errno) {
	for _, errno := range errs {
		m.k.faults[c] = append(m.k.faults[c], fault{errno})
	}
}

// Connection is one end of a connection, or of an attempt to make one.
type Connection struct {
	Local, Remote net.Addr
	Connecting    bool
}

// Connections returns what is connected or connecting, in the order in which it
// came to be. A connection has two ends here.
//
// Twisted: MemoryReactor.tcpClients.
func (m *MemoryReactor) Connections() []Connection {
	all := make([]Connection, len(m.k.network.open))
	for i, s := range m.k.network.open {
		all[i] = Connection{Local: netAddr(s.local, s), Remote: netAddr(s.peer, s), Connecting: s.connecting}
	}
	return all
}

// Listening returns the addresses of the ports that are open, oldest first, and
// then those of the UDP sockets. A socket that has several holders stands there
// once, as long as one is left: a file of it, say, that was given to somebody.
//
// Twisted: MemoryReactor.tcpServers, udpPorts.
func (m *MemoryReactor) Listening() (all []net.Addr) {
	m.k.network.sweep()
	for _, s := range m.k.network.listening {
		all = append(all, netAddr(s.local, s))
	}
	for _, s := range m.k.network.mailboxes {
		all = append(all, net.UDPAddrFromAddrPort(s.local.IP))
	}
	return all
}

// Reset resets the connection that has an end with this local address, as a
// network does that has lost its memory of it: both ends hear of it. It reports
// whether there was one.
func (m *MemoryReactor) Reset(local net.Addr) bool {
	for _, s := range m.k.network.open {
		if s.other != nil && netAddr(s.local, s).String() == local.String() {
			other := s.other
			s.reset()
			other.reset()
			return true
		}
	}
	return false
}

// netAddr returns an address of a socket in the form of Go's net.
func netAddr(a kernel.Addr, s *socket) net.Addr {
	if s.local.Unix() {
		return &net.UnixAddr{Name: a.Path, Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(a.IP)
}
