package reactor_test

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestTheEndRidesOnTheLastBytes counts the segments that a client receives: the
// answer to its SYN, and one with the whole poem and the end of it.
func TestTheEndRidesOnTheLastBytes(t *testing.T) {
	poem := []byte("Tyger Tyger, burning bright, in the forests of the night")
	write := map[string]func(protocol.Transport){
		"one write":     func(tr protocol.Transport) { _, _ = tr.Write(poem) },
		"shared pieces": func(tr protocol.Transport) { _ = tr.WriteShared(poem[:7]); _ = tr.WriteShared(poem[7:]) },
	}
	end := map[string]func(protocol.Transport){
		"LoseConnection":      protocol.Transport.LoseConnection,
		"LoseWriteConnection": protocol.Transport.LoseWriteConnection,
	}
	for writeName, write := range write {
		for endName, end := range end {
			t.Run(writeName+", "+endName, func(t *testing.T) {
				reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
					port, addr := listen(t, r, build(func() protocol.Protocol {
						return &proto{made: func(p *proto) { write(p.Transport); end(p.Transport) }}
					}))
					return closing(port, r.DeferToThread(func() (any, error) {
						return nil, fetch(addr, func(c *net.TCPConn) error {
							err := readPoem(c, poem, 1000, func() {})
							return errors.Join(err, wantSegments(c, 2))
						})
					}))
				})
			})
		}
	}
}

// wantSegments compares the number of segments that have come with what it
// should be.
func wantSegments(c *net.TCPConn, n uint32) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var info *unix.TCPInfo
	failed := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	return want("segments", info.Segs_in, n)
}
