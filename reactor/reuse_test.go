package reactor_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// sameBatch starts two echo connections, waits until both stand, and makes both
// readable while the loop is held up, so that one batch tells of both. first
// is called in the callback of the one that is served first. The port that it
// returns is the caller's to close.
func sameBatch(t *testing.T, r *reactor.Reactor, first func(mine, other protocol.Transport)) *reactor.Port {
	var made []*proto
	var peers []net.Conn
	told := false
	begin := func() {
		for _, c := range peers {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		}
	}
	port, addr := listen(t, r, build(func() protocol.Protocol {
		return &proto{
			made: func(p *proto) {
				if made = append(made, p); len(made) == 2 {
					r.CallFromThread(begin) // the loop stands still while the peers write
				}
			},
			data: func(p *proto, _ []byte) {
				if !told {
					told = true
					other := made[0]
					if other == p {
						other = made[1]
					}
					first(p.Transport, other.Transport)
				}
			},
		}
	}))
	for range 2 {
		c, err := net.Dial("tcp", addr) // the kernel accepts for the loop
		if err != nil {
			t.Fatal(err)
		}
		peers = append(peers, c)
	}
	t.Cleanup(func() {
		for _, c := range peers {
			_ = c.Close()
		}
	})
	return port
}

// pair is a watched end of a socket pair whose number is to be reused.
type pair struct {
	fd, peer int
	reads    int
	lost     error
}

func newPair(t *testing.T) *pair {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	return &pair{fd: fds[0], peer: fds[1]}
}

func (p *pair) Fileno() int                 { return p.fd }
func (p *pair) ConnectionLost(reason error) { p.lost = reason }

func (p *pair) DoRead() error {
	p.reads++
	_, err := unix.Read(p.fd, make([]byte, 16))
	return err
}

func (p *pair) close() {
	_ = unix.Close(p.fd)
	_ = unix.Close(p.peer)
}

// TestADescriptorClosedInABatchIsNotReusedInIt aborts a connection whose event
// stands in the running batch, and at once opens as many descriptors as it
// takes to get every free number.
func TestADescriptorClosedInABatchIsNotReusedInIt(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		port := sameBatch(t, r, func(mine, other protocol.Transport) {
			number := reactor.FD(other)
			other.AbortConnection()
			early := newPair(t)
			r.CallFromThread(func() {
				r.CallLater(0, func() { // the batch, and the turn that closes, are over
					late := newPair(t)
					taken := early.fd == number || early.peer == number
					reused := late.fd == number || late.peer == number
					early.close()
					late.close()
					mine.AbortConnection()
					if taken || !reused {
						done.Errback(fmt.Errorf("descriptor %d: reused in its own batch %v, reused after it %v; want false, true", number, taken, reused))
						return
					}
					done.Callback(nil)
				})
			})
		})
		return closing(port, done)
	}, reactortest.Timeout(20*time.Second))
}

// TestStaleEventsAreHarmless lets the user close a bare descriptor of his own
// whose event stands in the running batch: then the number is free at once, and
// the next socket that gets it is told of the old one's events.
func TestStaleEventsAreHarmless(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		bare := newPair(t)
		if err := r.AddReader(bare); err != nil {
			t.Fatal(err)
		}
		port := sameBatch(t, r, func(mine, other protocol.Transport) {
			// Make the bare descriptor readable and hung up, and let the loop
			// collect that together with what follows.
			_, _ = unix.Write(bare.peer, []byte("y"))
			_ = unix.Close(bare.peer)
			r.RemoveReader(bare)
			_ = unix.Close(bare.fd)
			heir := newPair(t)
			if heir.fd != bare.fd && heir.peer != bare.fd {
				t.Errorf("descriptor %d was not reused: %d, %d", bare.fd, heir.fd, heir.peer)
			}
			if heir.fd != bare.fd {
				heir.fd, heir.peer = heir.peer, heir.fd
			}
			if err := r.AddReader(heir); err != nil {
				t.Error(err)
			}
			reactor.Inject(r, heir.fd) // an event of the number's past, in this batch
			r.CallLater(0, func() {
				r.CallLater(0, func() {
					if heir.reads != 0 || heir.lost != nil {
						done.Errback(fmt.Errorf("the heir was read %d times and lost for %v", heir.reads, heir.lost))
					} else {
						done.Callback(nil)
					}
					r.RemoveReader(heir)
					heir.close()
					mine.AbortConnection()
					other.AbortConnection()
				})
			})
		})
		return closing(port, done)
	}, reactortest.Timeout(20*time.Second))
}

// TestStaleEventsOnAConnection gives a connection that works an event that says
// it has failed.
func TestStaleEventsOnAConnection(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		port := sameBatch(t, r, func(mine, other protocol.Transport) {
			mine.PauseProducing()
			reactor.Inject(r, reactor.FD(mine))
			reactor.Inject(r, reactor.FD(other))
			r.CallLater(0, func() {
				for _, tr := range []protocol.Transport{mine, other} {
					if tr.Disconnecting() {
						t.Error("a connection believed an event that was not its own")
					}
					tr.AbortConnection()
				}
				done.Callback(nil)
			})
		})
		return closing(port, done)
	}, reactortest.Timeout(20*time.Second))
}
