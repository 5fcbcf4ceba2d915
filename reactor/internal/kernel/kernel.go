package kernel

import (
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Events says what an edge of a descriptor's readiness was about. The reactor keeps the
// first three as they are, in the lowest bits of a connection's flags.
type Events uint8

const (
	// Readable: there is input, or its end, or an error to collect.
	Readable Events = 1 << iota
	// Writable: there is room for output, or a connection attempt is over.
	Writable
	// Hangup: the peer has sent its last byte, or urgent data. A read that comes
	// back short no longer means that the input is used up: read on to EAGAIN or
	// the end.
	Hangup
	// Failed: the descriptor may be in error, as after a reset: SocketError knows.
	Failed
)

// Handler is the loop that a kernel drives.
type Handler interface {
	// Ready is called for each ready descriptor of a batch. tag is AddTagged's, or 0.
	Ready(fd int, ev Events, tag uint32)
	// Served is called behind each few calls of Ready, and before Turn and the next
	// wait.
	Served()
	// Turn is called after a batch when Wake or the timer asked for it. A true
	// answer ends Poll. A descriptor closed in Turn is safe from events of its
	// own past: none is left in the batch.
	Turn() (stop bool)
	// More is called after Turn. A true answer asks for another Turn, after the
	// other descriptors have had theirs. It must see everything for which
	// somebody called Wake while Turn ran.
	More() bool
}

// Addr is a socket's address: an IP address with a port, or a path.
type Addr struct {
	IP   netip.AddrPort // TCP
	Path string         // UNIX; a leading @ stands for Linux's abstract names
}

// Unix reports whether the address belongs to a UNIX socket.
func (a Addr) Unix() bool { return !a.IP.IsValid() }

// ListenOptions are the choices of a listening socket, or of a UDP socket, which
// has no backlog.
type ListenOptions struct {
	Backlog   int  // 0: as large as the system allows
	ReusePort bool // share the port with other sockets that set it
}

// SocketInfo is what a kernel knows of a socket that somebody else has made.
type SocketInfo struct {
	Network   string // tcp, udp, unix, or another kind's name for people
	Listening bool
	Connected bool
	Local     Addr
}

// Kernel is an operating system as the reactor sees it. An Errno of 0 means
// success. All methods but Wake belong to the goroutine that runs Poll; before
// Poll, to any one goroutine.
type Kernel interface {
	// Attach sets the loop that the kernel drives: once, before all else.
	Attach(h Handler)
	// Poll waits for events and passes them on until Turn says to stop.
	Poll() error
	// Wake asks for a Turn after the current or next batch. Any goroutine may
	// call it; calls made before that Turn ends are one.
	Wake()
	// SetTimer asks for one Turn in d, or at once if d is not positive; it
	// replaces the request before. An expiry counts as a call to Wake: one that
	// comes during Turn is for More to see.
	SetTimer(d time.Duration)
	// Now returns the time by this kernel's clock, and Since how much of it has
	// passed since then, for which it need not know the time of day.
	Now() time.Time
	Since(then time.Time) time.Duration
	// Add watches a descriptor in both directions, by edges, until Remove.
	Add(fd int) syscall.Errno
	// AddTagged is Add with a mark, not 0, that comes with each edge: it tells whether
	// the edge is meant for what the number stands for now, or stood for before. A
	// kernel that has no place for it says 0.
	AddTagged(fd int, tag uint32) syscall.Errno
	// AddInput is Add for one that most often has room for output: edges tell of
	// input, of the end and of errors. AddOutput makes it the same as Add, from now
	// on, and tells at once if there is room.
	AddInput(fd int) syscall.Errno
	AddOutput(fd int) syscall.Errno
	// Remove ends the watch. Events of fd that stand in the current batch still
	// come.
	Remove(fd int)
	// Close releases the kernel's own descriptors, after Poll has returned.
	Close() error

	// Read and Write move bytes; (0, 0) of Read is the end of input, EAGAIN
	// means that an edge will tell when to try again. last promises that, once
	// all is written, ShutdownWrite or CloseSocket follows in this turn: the end
	// may then go in the packet of the last bytes.
	Read(fd int, p []byte) (int, syscall.Errno)
	Write(fd int, p []byte, last bool) (int, syscall.Errno)
	// Writev writes several slices in one call. It keeps no reference.
	Writev(fd int, bufs [][]byte, last bool) (int, syscall.Errno)

	// Listen returns a bound, listening socket.
	Listen(a Addr, o ListenOptions) (int, syscall.Errno)
	// Accept takes one waiting connection.
	Accept(fd int) (int, Addr, syscall.Errno)
	// Connect returns a socket whose connection attempt has begun; a Writable
	// edge says that it is over, SocketError how it went. local may be zero. Nagle's
	// algorithm is on: it is for who writes to turn it off.
	Connect(a, local Addr) (int, syscall.Errno)
	// ListenUDP returns a bound UDP socket.
	ListenUDP(a Addr, o ListenOptions) (int, syscall.Errno)
	// Inspect tells what socket a file holds: EBADF says that the file is closed,
	// ENOTSOCK that it holds something else. From then on no child process
	// inherits the file.
	Inspect(f *os.File) (SocketInfo, syscall.Errno)
	// Adopt returns a descriptor of its own for the socket that a file holds, in
	// the mode of the kernel's own. The file stays the caller's.
	Adopt(f *os.File) (int, syscall.Errno)
	// Share returns a file of its own for a socket, to be given to another process
	// or to Adopt. It is the caller's.
	Share(fd int) (*os.File, syscall.Errno)
	// ConnectUDP sets the one peer of a UDP socket.
	ConnectUDP(fd int, a Addr) syscall.Errno
	// ReadFrom reads one datagram; the end is EAGAIN.
	ReadFrom(fd int, p []byte) (int, Addr, syscall.Errno)
	// WriteTo sends one datagram; a zero address stands for ConnectUDP's.
	WriteTo(fd int, p []byte, to Addr) syscall.Errno
	// SocketError collects the pending error of a socket.
	SocketError(fd int) syscall.Errno
	// LocalAddr returns the socket's own address.
	LocalAddr(fd int) (Addr, syscall.Errno)
	// Connected tells how the connection attempt of a socket stands: 0 is a peer.
	// ENOTCONN says that it is not over, or that SocketError has the reason.
	Connected(fd int) syscall.Errno
	// Itself reports whether a connected socket is its own peer: the system may give
	// one the very port that it asks for, if nobody listens there. to is that port,
	// and from the port that Connect was told to use, or 0: those of a UNIX socket
	// are 0.
	Itself(fd int, to, from uint16) bool
	// ShutdownWrite sends the end of output.
	ShutdownWrite(fd int) syscall.Errno
	// Unsent returns the number of bytes that the kernel holds and the peer has
	// not acknowledged.
	Unsent(fd int) int
	// SetNoDelay turns Nagle's algorithm off or on.
	SetNoDelay(fd int, on bool) syscall.Errno
	// SetKeepAlive sets the period of probes; 0 turns them off.
	SetKeepAlive(fd int, period time.Duration) syscall.Errno
	// CloseSocket closes a descriptor; with reset, the peer gets a reset and
	// unsent bytes are dropped.
	CloseSocket(fd int, reset bool)
	// Pending tells, without waiting, which directions of any descriptor would
	// not block.
	Pending(fd int) Events
}
