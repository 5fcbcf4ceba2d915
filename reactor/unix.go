package reactor

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// UnixMode sets the permissions of a UNIX socket's path; 0666 by default, less
// nothing: the umask does not count.
func UnixMode(mode fs.FileMode) ListenOption {
	return func(o *listenOptions) { o.mode = uint32(mode.Perm()) }
}

// ListenUNIX listens on a UNIX socket at path. A leading @ means one of Linux's
// abstract names, without a file. A socket that a dead process has left at
// path is replaced; one that somebody listens on, or a file that is no socket,
// is not. The path is removed when the port closes. The error is a
// [*protocol.CannotListenError].
//
// Twisted: reactor.listenUNIX.
func (r *Reactor) ListenUNIX(path string, f protocol.Factory, opts ...ListenOption) (*Port, error) {
	if f == nil {
		panic(errNilFunc("ListenUNIX"))
	}
	r.check("ListenUNIX")
	p, err := r.listenUNIX(path, f, r.chooseListen(opts))
	if err != nil {
		return nil, &protocol.CannotListenError{Addr: path, Err: err}
	}
	return p, nil
}

// ConnectUNIX begins to connect to the UNIX socket at path. All else is as in
// [Reactor.ConnectTCP].
//
// Twisted: reactor.connectUNIX.
func (r *Reactor) ConnectUNIX(path string, f protocol.ClientFactory, opts ...ConnectOption) protocol.Connector {
	return r.newConnector("unix", path, f, opts)
}

// errEmptyPath says that a UNIX socket needs a name.
var errEmptyPath = errors.New("the path of a UNIX socket is empty")

// errNotSocket says what stands in the way.
var errNotSocket = errors.New("a file that is not a socket is at the path: remove it or choose another")

// listenUNIX is ListenUNIX with the bare error.
func (r *Reactor) listenUNIX(path string, f protocol.Factory, o listenOptions) (*Port, error) {
	if r.closed {
		return nil, ErrStopped
	}
	if path == "" {
		return nil, errEmptyPath
	}
	if fd, s, err := r.claim("unix", path, o); err != nil {
		return nil, err
	} else if fd >= 0 {
		return r.newGivenPort(fd, path, f, s)
	}
	a := kernel.Addr{Path: path}
	fd, errno := r.kernel.Listen(a, o.ListenOptions)
	if errno == syscall.EADDRINUSE {
		if err := removeStale(r.kernel, a); err != nil {
			return nil, err
		}
		fd, errno = r.kernel.Listen(a, o.ListenOptions)
	}
	if errno != 0 {
		return nil, errno
	}
	if strings.HasPrefix(path, "@") {
		return r.newPort(fd, "unix", path, f, nil)
	}
	if err := os.Chmod(path, fs.FileMode(o.mode)); err != nil {
		r.kernel.CloseSocket(fd, false)
		_ = os.Remove(path)
		return nil, err
	}
	cleanup := removal(path)
	p, err := r.newPort(fd, "unix", path, f, cleanup)
	if err != nil {
		cleanup()
	}
	return p, err
}

// newGivenPort makes a port of a UNIX socket that was given.
func (r *Reactor) newGivenPort(fd int, path string, f protocol.Factory, s Socket) (*Port, error) {
	lent := s.Lent || s.Address == ""
	var cleanup func()
	if !lent {
		cleanup = removal(s.Address)
	}
	p, err := r.newPort(fd, "unix", path, f, cleanup)
	if err == nil {
		p.lent = lent
	}
	return p, err
}

// removeStale removes a socket that nobody listens on.
func removeStale(k kernel.Kernel, a kernel.Addr) error {
	info, err := os.Lstat(a.Path)
	if err != nil {
		return syscall.EADDRINUSE // an abstract name, or gone just now
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errNotSocket
	}
	fd, errno := k.Connect(a, kernel.Addr{})
	if errno == 0 {
		k.CloseSocket(fd, false)
	}
	if errno != syscall.ECONNREFUSED {
		return syscall.EADDRINUSE
	}
	return os.Remove(a.Path)
}

// removal returns the function that removes the path of a UNIX socket, unless
// another file has taken its place meanwhile. It does nothing for a name without
// a file.
func removal(path string) func() {
	ours, err := os.Lstat(path)
	if err != nil || strings.HasPrefix(path, "@") {
		return func() {}
	}
	return func() {
		if now, err := os.Lstat(path); err == nil && os.SameFile(ours, now) {
			_ = os.Remove(path)
		}
	}
}

// removePath removes the path of a port that closes, unless the socket lives on
// in another process.
func (p *Port) removePath() {
	if p.cleanup != nil && !p.r.handedOver {
		p.cleanup()
	}
}
