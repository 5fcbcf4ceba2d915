//go:build linux || darwin || freebsd

package reactor_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest/conformance"
)

// TestConformance runs the contract against every reactor there is.
func TestConformance(t *testing.T) {
	loops := []struct {
		name string
		loop conformance.Loop
	}{
		{"tcp", conformance.Machine("tcp")},
		{"unix", conformance.Machine("unix")},
		{"memory tcp", conformance.Memory("tcp", 0)},
		{"memory tcp in pieces", conformance.Memory("tcp", 1000)},
		{"memory unix", conformance.Memory("unix", 0)},
	}
	for _, l := range loops {
		t.Run(l.name, func(t *testing.T) { conformance.Run(t, l.loop) })
	}
}

// TestShutdownSeenFromOutside is what the suite, which has both ends on the one
// reactor, cannot show: what a peer sees of a reactor that stops.
func TestShutdownSeenFromOutside(t *testing.T) {
	poem := bytes.Repeat([]byte("shall I compare thee "), 1<<19) // more than the system keeps
	tests := []struct {
		name  string
		made  func(p *proto)
		check func(got []byte, err error) bool
	}{
		{"an open connection is reset", func(*proto) {},
			func(got []byte, err error) bool { return len(got) == 0 && errors.Is(err, syscall.ECONNRESET) }},
		{"unsent bytes are not passed off as the whole",
			func(p *proto) { _, _ = p.Transport.Write(poem) },
			func(got []byte, err error) bool { return len(got) < len(poem) && errors.Is(err, syscall.ECONNRESET) }},
		{"a connection that is being closed is flushed",
			func(p *proto) { _, _ = p.Transport.Write(poem); p.Transport.LoseConnection() },
			func(got []byte, err error) bool { return bytes.Equal(got, poem) && err == nil }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := reactor.New(reactor.WithoutSignals(), reactor.WithShutdownGrace(20*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			_, addr := listen(t, r, build(func() protocol.Protocol {
				return &proto{made: func(p *proto) {
					test.made(p)
					r.CallLater(0, func() { _ = r.Stop() })
				}}
			}))
			type outcome struct {
				got []byte
				err error
			}
			seen := make(chan outcome, 1)
			go func() {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					seen <- outcome{nil, err}
					return
				}
				defer c.Close()
				got, err := io.ReadAll(c)
				seen <- outcome{got, err}
			}()
			if err := r.Run(); err != nil {
				t.Fatal(err)
			}
			if o := <-seen; !test.check(o.got, o.err) {
				t.Errorf("the peer has seen %d of %d bytes and then %v", len(o.got), len(poem), o.err)
			}
		})
	}
}
