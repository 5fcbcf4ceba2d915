package reactortest_test

import (
	"net/netip"
	"syscall"
	"testing"

	"skein/reactor/internal/kernel"
	"skein/reactor/reactortest"
)

// The same for UDP: a and c are two sockets, c with the one peer a.

// mailboxes opens both.
func mailboxes(s *script) {
	var errno syscall.Errno
	if s.a, errno = s.k.ListenUDP(s.addr(), kernel.ListenOptions{}); errno != 0 {
		s.note("listen a: %v", errno)
	}
	if s.c, errno = s.k.ListenUDP(s.addr(), kernel.ListenOptions{}); errno != 0 {
		s.note("listen c: %v", errno)
	}
	s.add("a", s.a)
	s.add("c", s.c)
	s.note("connect: %v", s.k.ConnectUDP(s.c, s.local("a")))
}

// local returns an end's address.
func (s *script) local(end string) kernel.Addr {
	a, errno := s.k.LocalAddr(s.fd(end))
	if errno != 0 {
		s.note("address of %s: %v", end, errno)
	}
	return a
}

// send sends one datagram to an end, or to the one peer if that is "".
func send(from, to, text string) func(*script) {
	return func(s *script) {
		var dest kernel.Addr
		if to != "" {
			dest = s.local(to)
		}
		s.note("send %d bytes from %s: %v", len(text), from, s.k.WriteTo(s.fd(from), []byte(text), dest))
	}
}

// receive reads one datagram into a buffer of a size.
func receive(end string, size int) func(*script) {
	return func(s *script) {
		buf := make([]byte, size)
		n, from, errno := s.k.ReadFrom(s.fd(end), buf)
		who := "nobody"
		for _, name := range []string{"a", "c"} {
			if errno == 0 && from == s.local(name) {
				who = name
			}
		}
		s.note("receive at %s: %q from %s, %v", end, buf[:max(n, 0)], who, errno)
	}
}

// letters are lives of two UDP sockets.
var letters = map[string][]func(*script){
	"to and fro":       {send("c", "", "hello"), receive("a", 64), receive("a", 64), send("a", "c", "hi"), receive("c", 64)},
	"whole datagrams":  {send("c", "a", "one"), send("c", "a", "two"), receive("a", 64), receive("a", 64), receive("a", 64)},
	"an empty one":     {send("c", "", ""), receive("a", 64), receive("a", 64)},
	"one cut short":    {send("c", "", "abcdef"), receive("a", 3), receive("a", 3)},
	"too large":        {send("c", "", string(make([]byte, 65507))), send("c", "", string(make([]byte, 65508)))},
	"no peer":          {send("a", "", "x")},
	"to itself":        {send("a", "a", "x"), receive("a", 64)},
	"not the one peer": {send("c", "c", "x"), receive("c", 64)},
	"nobody there":     {closing("a", false), send("c", "", "x"), receive("c", 64), receive("c", 64), send("c", "", "y"), send("c", "", "z"), receive("c", 64)},
	"a reader that pauses": {send("c", "", "one"), send("c", "", "two"), func(s *script) { s.k.Remove(s.a) },
		func(s *script) { s.add("a", s.a) }, receive("a", 64), receive("a", 64)},
	"address in use": {func(s *script) { _, e := s.k.ListenUDP(s.local("a"), kernel.ListenOptions{}); s.note("listen: %v", e) }},
	"other family": {func(s *script) {
		to := kernel.Addr{IP: netip.MustParseAddrPort("[::1]:9")}
		s.note("send: %v", s.k.WriteTo(s.a, []byte("x"), to))
	}},
}

func TestTheMemoryKernelDoesAsLinuxByUDP(t *testing.T) {
	for name, steps := range letters {
		t.Run(name, func(t *testing.T) {
			addr := func() kernel.Addr { return kernel.Addr{IP: netip.MustParseAddrPort("127.0.0.1:0")} }
			machine, err := kernel.Open()
			if err != nil {
				t.Fatal(err)
			}
			steps := append([]func(*script){mailboxes}, steps...)
			compare(t, perform(t, reactortest.NewMemoryKernel(), false, addr, steps), perform(t, machine, false, addr, steps))
		})
	}
}
