package reactor

import (
	"fmt"
	"os"

	"skein/protocol"
)

// AdoptStreamPort makes a port of a listening TCP or UNIX socket that something
// else has opened. The socket is duplicated: f stays the caller's, who may close
// it at once. It is made non-blocking, for everybody who shares it, and without
// SO_LINGER. Clients that wait in it already are accepted. The port keeps the
// backlog and the other options that the socket has, and removes a UNIX socket's
// path when it closes, as the one that has made it would. The error is a [*protocol.CannotListenError]; its
// cause may be [ErrWrongSocket].
//
// Twisted: reactor.adoptStreamPort.
func (r *Reactor) AdoptStreamPort(f *os.File, factory protocol.Factory) (*Port, error) {
	if factory == nil {
		panic(errNilFunc("AdoptStreamPort"))
	}
	r.check("AdoptStreamPort")
	p, err := r.adoptStreamPort(f, factory)
	if err != nil {
		return nil, &protocol.CannotListenError{Addr: fmt.Sprintf("descriptor %d", number(f)), Err: err}
	}
	return p, nil
}

// adoptStreamPort is AdoptStreamPort with the bare error.
func (r *Reactor) adoptStreamPort(f *os.File, factory protocol.Factory) (*Port, error) {
	if r.closed {
		return nil, ErrStopped
	}
	info, errno := r.kernel.Inspect(f)
	if errno != 0 {
		return nil, errno
	}
	network := "tcp"
	if info.Network == "unix" {
		network = "unix"
	}
	if err := fits(info, network); err != nil {
		return nil, err
	}
	fd, errno := r.kernel.Adopt(f)
	if errno != 0 {
		return nil, errno
	}
	addr := netAddr(network, info.Local).String()
	return r.newPort(fd, network, addr, factory, removal(info.Local.Path))
}
