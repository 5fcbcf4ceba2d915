package reactortest_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"skein/reactor/internal/kernel"
	"skein/reactor/reactortest"
)

// The same for sockets that go from hand to hand. A hand is the state of one run:
// the file that the listener's socket is given away in, and the connections that
// come later.
type hand struct {
	file *os.File
	b, d int // the accepted end and the client's
}

// share makes a file of a socket.
func (h *hand) share(end string) func(*script) {
	return func(s *script) {
		f, errno := s.k.Share(s.fd(end))
		s.note("share %s: %v", end, errno)
		h.file = f
	}
}

// unshare closes the file.
func (h *hand) unshare(s *script) { s.note("close the file: %v", h.file.Close()) }

// inspect says what the file is.
func (h *hand) inspect(s *script) {
	info, errno := s.k.Inspect(h.file)
	s.note("it is %s, listening %v, connected %v: %v", info.Network, info.Listening, info.Connected, errno)
}

// stranger puts another file in its place.
func (h *hand) stranger(s *script) {
	f, err := os.Open(os.DevNull)
	s.note("open: %v", err)
	h.file = f
}

// adopt makes a new listener of the file.
func (h *hand) adopt(s *script) {
	l, errno := s.k.Adopt(h.file)
	s.note("adopt: %v, another descriptor %v", errno, l != s.l)
	if errno == 0 {
		s.l = l
		s.add("l", l)
	}
}

// connect has another client.
func (h *hand) connect(s *script) {
	at, _ := s.k.LocalAddr(s.l)
	d, errno := s.k.Connect(at, kernel.Addr{})
	s.note("connect: %v", errno)
	h.d = d
	s.add("d", d)
}

// accept takes it.
func (h *hand) accept(s *script) {
	b, _, errno := s.k.Accept(s.l)
	s.note("accept: %v", errno)
	h.b = b
	s.add("b", b)
	_, _, errno = s.k.Accept(s.l)
	s.note("accept again: %v", errno)
}

// talk moves bytes from the new client to the server.
func (h *hand) talk(s *script) {
	_, errno := s.k.Write(h.d, []byte("hello"), false)
	s.note("write: %v", errno)
}

func (h *hand) listen(s *script) {
	buf := make([]byte, 64)
	n, errno := s.k.Read(h.b, buf)
	s.note("read: %q %v", buf[:n], errno)
}

// fate reads what has become of the new client.
func (h *hand) fate(s *script) {
	buf := make([]byte, 64)
	n, errno := s.k.Read(h.d, buf)
	s.note("read d: %q %v", buf[:n], errno)
}

// steps returns the scripts for one run.
func (h *hand) steps() map[string][]func(*script) {
	drop := closing("l", false)
	return map[string][]func(*script){
		"handed over":         {h.share("l"), h.connect, drop, h.fate, h.adopt, h.accept, h.talk, h.listen},
		"queued before":       {h.connect, h.share("l"), drop, h.adopt, h.unshare, h.accept, h.talk, h.listen},
		"connected meanwhile": {h.share("l"), drop, h.adopt, h.connect, h.accept},
		"two hold it":         {h.share("l"), h.adopt, h.unshare, h.connect, h.accept, drop},
		"nobody holds it":     {h.share("l"), h.connect, h.unshare, drop, h.fate},
		"inspected":           {h.share("l"), h.inspect, h.unshare, h.inspect, h.adopt},
		"a stranger":          {h.stranger, h.inspect, h.unshare},
	}
}

// datagrams are the scripts of UDP sockets, a and c, c with the one peer a.
func (h *hand) datagrams() map[string][]func(*script) {
	readopt := func(s *script) {
		a, errno := s.k.Adopt(h.file)
		s.note("adopt: %v", errno)
		s.a = a
		s.add("a", a)
	}
	send := func(text string) func(*script) {
		return func(s *script) { s.note("send: %v", s.k.WriteTo(s.c, []byte(text), kernel.Addr{})) }
	}
	receive := func(s *script) {
		buf := make([]byte, 64)
		n, _, errno := s.k.ReadFrom(s.a, buf)
		s.note("receive: %q %v", buf[:n], errno)
	}
	bind := func(reuse bool) func(*script) {
		return func(s *script) {
			fd, errno := s.k.ListenUDP(s.local("a"), kernel.ListenOptions{ReusePort: reuse})
			s.note("bind again, reuse %v: %v", reuse, errno)
			s.k.CloseSocket(fd, false)
		}
	}
	reused := func(s *script) {
		a, errno := s.k.ListenUDP(s.addr(), kernel.ListenOptions{ReusePort: true})
		s.note("bind: %v", errno)
		s.k.CloseSocket(s.a, false)
		s.a = a
	}
	return map[string][]func(*script){
		"handed over": {h.share("a"), send("early"), closing("a", false), send("late"), readopt, receive, receive, receive},
		"inspected":   {h.share("a"), h.inspect, h.unshare, h.share("c"), h.inspect, h.unshare},
		"not reused":  {bind(false), bind(true)},
		"reused":      {reused, bind(true), bind(false)},
	}
}

func TestTheMemoryKernelHandsOverAsLinux(t *testing.T) {
	for _, network := range []string{"tcp", "unix", "udp"} {
		scripts, opening := (*hand).steps, []func(*script){connected, accepted}
		if network == "udp" {
			scripts, opening = (*hand).datagrams, []func(*script){mailboxes}
		}
		for name := range scripts(&hand{}) {
			t.Run(network+"/"+name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "s")
				addr := func() kernel.Addr {
					if network == "unix" {
						return kernel.Addr{Path: path}
					}
					return kernel.Addr{IP: netip.MustParseAddrPort("127.0.0.1:0")}
				}
				run := func(k kernel.Kernel) *script {
					h := &hand{}
					defer func() { _ = h.file.Close() }()
					return perform(t, k, false, addr, append(append([]func(*script){}, opening...), scripts(h)[name]...))
				}
				machine, err := kernel.Open()
				if err != nil {
					t.Fatal(err)
				}
				compare(t, run(reactortest.NewMemoryKernel()), run(machine))
			})
		}
	}
}
