package reactor

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"skein/reactor/internal/kernel"
)

// Socket is a listening socket, or a UDP socket, on its way from one process to
// another. Both may serve it at once: connections wait in the socket and not in
// a process, so none is refused while one takes over from the other.
//
//	old process                             new process
//	r.Sockets() ──▶ files ──(inherited)──▶ New(WithSockets(...))
//	r.HandOver(), close the ports          ListenTCP takes instead of binding
type Socket struct {
	// Network is "tcp", "unix" or "udp".
	Network string
	// Address is what the socket was opened for, as it was written: the argument
	// of ListenTCP, ListenUNIX or ListenUDP. It is empty for a socket whose maker
	// does not know it, systemd for one: see [WithSockets].
	Address string
	// Lent says that the path of a UNIX socket belongs to somebody else, systemd
	// for one, who removes it. It need not be set where Address is empty.
	Lent bool
	// File holds the socket.
	File *os.File
}

// WithSockets gives the reactor sockets that another process has opened.
// ListenTCP, ListenUNIX and ListenUDP take one of them, instead of binding their
// own, when the request fits; each is taken once. A request takes the first that
// was opened for the same network and address; else, of those without an
// address, the first that is bound to what is asked for; else, without
// [OwnAddress], the first of the network. A socket that is taken keeps the
// backlog and the options that it has, but for SO_LINGER.
//
// A UNIX socket with an address is the reactor's in all, unless it is lent: its
// path is removed when its port closes. The path of one without an address is its
// maker's, and stays that when the socket goes on to another process.
//
// The files belong to the reactor from New on, even if New fails. They are made
// non-blocking, for everybody who shares them, and no child process inherits
// them. A file that does not hold such a socket makes New fail with a
// [*SocketError]. Those that nobody takes are closed at the end of Run, or by
// [Reactor.Close]; see [Reactor.UnclaimedSockets].
func WithSockets(s ...Socket) Option {
	return func(o *options) { o.sockets = append(o.sockets, s...) }
}

// WithReusePort opens every TCP and UDP port as if [ReusePort] had been given.
func WithReusePort() Option { return func(o *options) { o.reusePort = true } }

// ErrWrongSocket says that a file holds another socket than it should.
var ErrWrongSocket = errors.New("the wrong kind of socket")

// SocketError is the error of a file that was given to [WithSockets] and does
// not hold what it should.
type SocketError struct {
	// Descriptor is the number of the file's descriptor, or -1 if it is closed.
	Descriptor int
	// Network and Address are the socket's, as they were given.
	Network, Address string
	// Err is the cause: [ErrWrongSocket], syscall.EBADF, syscall.ENOTSOCK.
	Err error
}

// Error names the descriptor and the cause.
func (e *SocketError) Error() string {
	what := e.Network
	if e.Address != "" {
		what += " " + e.Address
	}
	return fmt.Sprintf("reactor: descriptor %d, given as the socket of %s: %v", e.Descriptor, what, e.Err)
}

// Unwrap returns the cause.
func (e *SocketError) Unwrap() error { return e.Err }

// given is a socket of WithSockets that nobody has taken yet.
type given struct {
	Socket
	bound kernel.Addr
}

// receive checks the sockets that were given. If one of them is wrong, all are
// closed.
func receive(k kernel.Kernel, sockets []Socket) ([]given, error) {
	var all []given
	for i, s := range sockets {
		bound, err := inspect(k, s)
		if err == nil && slices.ContainsFunc(sockets[:i], func(o Socket) bool { return o.File == s.File }) {
			err = errors.New("the same file was given twice")
		}
		if err != nil {
			err = &SocketError{Descriptor: number(s.File), Network: s.Network, Address: s.Address, Err: err}
			closeSockets(sockets)
			return nil, err
		}
		all = append(all, given{s, bound})
	}
	return all, nil
}

// inspect returns the address of a socket that is what it is said to be.
func inspect(k kernel.Kernel, s Socket) (kernel.Addr, error) {
	if !slices.Contains([]string{"tcp", "unix", "udp"}, s.Network) {
		return kernel.Addr{}, fmt.Errorf("network %q is none of tcp, unix and udp", s.Network)
	}
	if s.File == nil {
		return kernel.Addr{}, errors.New("the file is nil")
	}
	info, errno := k.Inspect(s.File)
	if errno != 0 {
		return kernel.Addr{}, errno
	}
	return info.Local, fits(info, s.Network)
}

// fits returns the error of a socket that is not a network's listening socket,
// or UDP socket.
func fits(info kernel.SocketInfo, network string) error {
	wanted := "a listening " + network + " socket is needed"
	if network == "udp" {
		wanted = "a bound udp socket without a peer is needed"
	}
	switch {
	case info.Network != network:
		return fmt.Errorf("%w: it is a %s socket, %s", ErrWrongSocket, info.Network, wanted)
	case info.Connected:
		return fmt.Errorf("%w: it is connected, %s", ErrWrongSocket, wanted)
	case network != "udp" && !info.Listening:
		return fmt.Errorf("%w: it does not listen, %s", ErrWrongSocket, wanted)
	case network == "udp" && info.Local.IP.Port() == 0:
		return fmt.Errorf("%w: it is not bound, %s", ErrWrongSocket, wanted)
	}
	return nil
}

// number returns the number of a file's descriptor, or -1 if it has none.
func number(f *os.File) int {
	n := -1
	if f == nil {
		return n
	}
	if c, err := f.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { n = int(fd) })
	}
	return n
}

// closeSockets closes the files, each once.
func closeSockets(sockets []Socket) {
	for _, s := range sockets {
		_ = s.File.Close() // nil, closed, or given twice: an error and no more
	}
}

// UnclaimedSockets returns the sockets of [WithSockets] that nobody has taken.
// Their files are still the reactor's, and are closed when somebody takes them or
// the reactor ends.
func (r *Reactor) UnclaimedSockets() []Socket {
	r.check("UnclaimedSockets")
	var left []Socket
	for _, g := range r.given {
		left = append(left, g.Socket)
	}
	return left
}

// claim returns a descriptor for the given socket that fits a request, with
// what it was given as; -1 if none does.
func (r *Reactor) claim(network, addr string, o listenOptions) (fd int, s Socket, err error) {
	if len(r.given) == 0 {
		return -1, Socket{}, nil
	}
	i, err := r.fitting(network, addr, o.exact)
	if i < 0 || err != nil {
		return -1, Socket{}, err
	}
	s = r.given[i].Socket
	fd, errno := r.kernel.Adopt(s.File)
	if errno != 0 {
		return -1, Socket{}, errno
	}
	r.given = slices.Delete(r.given, i, i+1)
	_ = s.File.Close() // the descriptor is a duplicate
	return fd, s, nil
}

// fitting returns the index of the given socket that fits a request, or -1. own
// is [OwnAddress].
func (r *Reactor) fitting(network, addr string, own bool) (int, error) {
	exact := func(g given) bool { return g.Network == network && g.Address == addr && addr != "" }
	if i := slices.IndexFunc(r.given, exact); i >= 0 {
		return i, nil
	}
	nameless := func(g given) bool { return g.Network == network && g.Address == "" }
	first := slices.IndexFunc(r.given, nameless)
	if first < 0 {
		return -1, nil
	}
	bound, err := boundTo(network, addr)
	if err != nil {
		return -1, err
	}
	if i := slices.IndexFunc(r.given, func(g given) bool { return nameless(g) && bound(g.bound) }); i >= 0 {
		return i, nil
	}
	if own {
		return -1, nil
	}
	return first, nil
}

// boundTo returns a function that tells whether a socket that is bound to an
// address serves a request. One that is bound to every address of the machine
// serves a request for a single one, and the other way round: who made the
// socket has decided that.
func boundTo(network, addr string) (func(kernel.Addr) bool, error) {
	if network == "unix" {
		return func(a kernel.Addr) bool { return samePath(a.Path, addr) }, nil
	}
	asked, err := listenAddrs(addr)
	if err != nil {
		return nil, err
	}
	return func(a kernel.Addr) bool {
		for _, want := range asked {
			ip := a.IP.Addr()
			if want.Port() == a.IP.Port() && (want.Addr() == ip || ip.IsUnspecified() || want.Addr().IsUnspecified()) {
				return true
			}
		}
		return false
	}, nil
}

// samePath reports whether two names of UNIX sockets are one.
func samePath(a, b string) bool {
	if a == b {
		return true
	}
	one, err := filepath.Abs(a)
	if err != nil || a == "" || a[0] == '@' || b == "" || b[0] == '@' {
		return false
	}
	other, err := filepath.Abs(b)
	return err == nil && one == other
}

// anyPort is a port of either kind, as Sockets sees it.
type anyPort interface {
	// asked returns the port's network and address as it was asked for, and its
	// place in the order of opening; false keeps it out.
	asked() (s Socket, place uint64, ok bool)
	File() (*os.File, error)
}

// Sockets returns the sockets of all open ports, in the order in which they were
// opened, to be given to another process: see [WithSockets]. Ports that accept
// nobody just now are among them; a UDP socket with a peer, a client's, is not.
// The files are duplicates, which the caller closes; as long as one is open,
// connections may wait in the socket, whatever becomes of the port.
func (r *Reactor) Sockets() ([]Socket, error) {
	r.check("Sockets")
	if r.closed {
		return nil, ErrStopped
	}
	type placed struct {
		Socket
		anyPort
		place uint64
	}
	var ports []placed
	for _, s := range r.table {
		if p, ok := s.(anyPort); ok {
			if socket, place, ok := p.asked(); ok {
				ports = append(ports, placed{socket, p, place})
			}
		}
	}
	slices.SortFunc(ports, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	var sockets []Socket
	for _, p := range ports {
		f, err := p.anyPort.File()
		if err != nil {
			closeSockets(sockets)
			return nil, err
		}
		p.Socket.File = f
		sockets = append(sockets, p.Socket)
	}
	return sockets, nil
}

// HandOver says that the sockets of this reactor live on in another process:
// from now on, a port that closes leaves the path of its UNIX socket where it
// is. It closes nothing.
func (r *Reactor) HandOver() {
	r.check("HandOver")
	r.handedOver = true
}

// TakeOver takes back what HandOver has said: the sockets are this reactor's in
// all. A process that succeeds another calls HandOver before it takes the sockets,
// and TakeOver when it accepts: if it does not come so far, the paths are still
// those of the process that goes on.
func (r *Reactor) TakeOver() {
	r.check("TakeOver")
	r.handedOver = false
}

// place returns the next place in the order of opening.
func (r *Reactor) place() uint64 {
	r.places++
	return r.places
}

// File returns a duplicate of the port's socket, which the caller closes.
//
// Twisted: Port.fileno.
func (p *Port) File() (*os.File, error) {
	p.r.check("File")
	return p.r.share(p.fd, p.open, p.addr)
}

// File returns a duplicate of the socket, which the caller closes.
func (d *DatagramPort) File() (*os.File, error) {
	d.r.check("File")
	return d.r.share(d.fd, d.open, d.addr)
}

// share duplicates the socket of a port.
func (r *Reactor) share(fd int, open bool, addr fmt.Stringer) (*os.File, error) {
	if !open || r.phase.Load() == stopped {
		return nil, net.ErrClosed
	}
	f, errno := r.kernel.Share(fd)
	if errno == syscall.EMFILE || errno == syscall.ENFILE {
		return nil, fmt.Errorf("reactor: duplicate the socket of %s: %w: raise the limit of open files", addr, errno)
	}
	if errno != 0 {
		return nil, fmt.Errorf("reactor: duplicate the socket of %s: %w", addr, errno)
	}
	return f, nil
}

// asked is what Sockets says of the port.
func (p *Port) asked() (Socket, uint64, bool) {
	return Socket{Network: p.network(), Address: p.request, Lent: p.lent}, p.place, true
}

// asked is what Sockets says of the socket.
func (d *DatagramPort) asked() (Socket, uint64, bool) {
	return Socket{Network: "udp", Address: d.request}, d.place, !d.connected
}
