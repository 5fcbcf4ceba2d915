package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
	"skein/reactor/internal/kernel"
)

// edge is an event that a test makes up.
type edge struct {
	ev  kernel.Events
	tag uint32
}

// tagging is the machine's kernel: it notes the one socket that is watched with a
// tag, tells it of what a test has made up, and counts how often it is asked
// whether it has a peer. It stands between the poller and the loop.
type tagging struct {
	kernel.Kernel
	loop  kernel.Handler
	fd    int
	tag   uint32
	edges []edge // told before the next turn
	asked int
	meet  func() // called when a connection has begun
}

func (k *tagging) Attach(h kernel.Handler) {
	k.loop = h
	k.Kernel.Attach(k)
}

func (k *tagging) Ready(fd int, ev kernel.Events, tag uint32) { k.loop.Ready(fd, ev, tag) }
func (k *tagging) Served()                                    { k.loop.Served() }
func (k *tagging) More() bool                                 { return k.loop.More() }

func (k *tagging) Turn() bool {
	for _, e := range k.edges {
		k.loop.Ready(k.fd, e.ev, e.tag)
	}
	k.loop.Served()
	k.edges = nil
	return k.loop.Turn()
}

func (k *tagging) Connect(a, local kernel.Addr) (int, syscall.Errno) {
	fd, errno := k.Kernel.Connect(a, local)
	if errno == 0 && k.meet != nil {
		k.meet()
	}
	return fd, errno
}

func (k *tagging) AddTagged(fd int, tag uint32) syscall.Errno {
	k.fd, k.tag = fd, tag
	return k.Kernel.AddTagged(fd, tag)
}

func (k *tagging) Connected(fd int) syscall.Errno {
	k.asked++
	return k.Kernel.Connected(fd)
}

// newTagging returns a reactor on such a kernel. It ends when the test should have
// ended long ago.
func newTagging(t *testing.T) (*tagging, *reactor.Reactor) {
	t.Helper()
	machine, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	k := &tagging{Kernel: machine}
	r := reactor.NewOn(k, reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop()))
	r.CallLater(20*time.Second, func() {
		t.Error("nothing happens")
		r.Crash()
	})
	return k, r
}

// TestWhichEdgesConnect tells an attempt that nobody answers what may come with its
// number. That it is believed where it cannot be true shows that it does not ask.
func TestWhichEdgesConnect(t *testing.T) {
	silent := fullQueue(t)
	const all = kernel.Readable | kernel.Writable | kernel.Hangup
	tests := []struct {
		name         string
		ev           kernel.Events
		tag          func(own uint32) uint32
		built, asked int
	}{
		{"its own", kernel.Writable, own, 1, 0},
		{"its own, of input alone", kernel.Readable, own, 0, 0},
		{"its own, with an error", all | kernel.Failed, own, 0, 1},
		{"another's", all, func(own uint32) uint32 { return own + 1 }, 0, 0},
		{"another's, with an error", all | kernel.Failed, func(own uint32) uint32 { return own + 1 }, 0, 0},
		{"without a tag", all, func(uint32) uint32 { return 0 }, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k, r := newTagging(t)
			f := &caller{}
			c := r.ConnectTCP(silent, f)
			r.CallFromThread(func() { // it has begun
				k.edges = []edge{{test.ev, test.tag(k.tag)}}
				r.CallLater(time.Millisecond, func() {
					state := protocol.Connecting
					if test.built > 0 {
						state = protocol.Connected
					}
					if c.State() != state || f.built != test.built || k.asked != test.asked || len(f.failed) > 0 || k.tag == 0 {
						t.Errorf("%v, %d protocols, asked %d times, failed for %v, tag %d", c.State(), f.built, k.asked, f.failed, k.tag)
					}
					r.Crash()
				})
			})
			if err := r.Run(); !errors.Is(err, reactor.ErrForcedStop) {
				t.Error(err)
			}
		})
	}
}

// own is the tag of the attempt itself.
func own(tag uint32) uint32 { return tag }

// TestWhoHasGoneWhenItIsHeardOf connects to those who answer and are gone, or have
// said something, before the first edge of the connection is taken.
func TestWhoHasGoneWhenItIsHeardOf(t *testing.T) {
	say := func(c net.Conn) { _, _ = c.Write([]byte("x")) }
	closes := func(c net.Conn) { _ = c.Close() }
	reset := func(c net.Conn) {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	tests := []struct {
		name, network string
		does          []func(net.Conn) // nil: nobody listens
		want          []string
		asked         bool
	}{
		{"refuses", "tcp", nil, []string{"failed: connection refused"}, true},
		{"resets", "tcp", []func(net.Conn){reset}, []string{"failed: connection reset by peer"}, true},
		{"says something and resets", "tcp", []func(net.Conn){say, reset}, []string{"failed: connection reset by peer"}, true},
		{"closes", "tcp", []func(net.Conn){closes}, []string{"made", "lost: true"}, false},
		{"says something", "tcp", []func(net.Conn){say}, []string{"made", "x"}, false},
		{"says something and closes", "tcp", []func(net.Conn){say, closes}, []string{"made", "x", "lost: true"}, false},
		{"closes", "unix", []func(net.Conn){closes}, []string{"made", "lost: true"}, false},
		{"says something and closes", "unix", []func(net.Conn){say, closes}, []string{"made", "x", "lost: true"}, false},
	}
	for _, test := range tests {
		t.Run(test.network+" "+test.name, func(t *testing.T) {
			k, r := newTagging(t)
			addr := map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")}[test.network]
			l, err := net.Listen(test.network, addr)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			k.meet = func() {
				c, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { _ = c.Close() })
				for _, do := range test.does {
					do(c)
				}
			}
			if test.does == nil {
				_ = l.Close()
				k.meet = nil
			}
			var got []string
			note := func(format string, args ...any) {
				got = append(got, fmt.Sprintf(format, args...))
				if len(got) == len(test.want) {
					_ = r.Stop()
				}
			}
			f := &refused{client{t: t, p: &proto{
				made: func(*proto) { note("made") },
				data: func(_ *proto, data []byte) { note("%s", data) },
				lost: func(_ *proto, err error) {
					if len(got) < len(test.want) {
						note("lost: %v", errors.Is(err, protocol.ErrConnectionDone))
					}
				},
			}}, func(err error) {
				var errno syscall.Errno
				errors.As(err, &errno)
				note("failed: %v", errno)
			}}
			if test.network == "tcp" {
				r.ConnectTCP(l.Addr().String(), f)
			} else {
				r.ConnectUNIX(l.Addr().String(), f)
			}
			if err := r.Run(); err != nil {
				t.Error(err)
			}
			if !slices.Equal(got, test.want) || test.asked != (k.asked > 0) {
				t.Errorf("%q, asked %d times; want %q", got, k.asked, test.want)
			}
		})
	}
}
