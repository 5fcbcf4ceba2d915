package reactor_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/rs/zerolog"

	"skein/reactor"
)

// This is a poetry server without protocols, factories and transports: it opens,
// accepts, writes and closes its sockets itself, and only asks the loop when.
// What a transport does for its protocol can be seen by its absence.

// lowPoetry is a listening socket.
//
// Twisted: the client twisted-client-1/get-poetry.py, turned into a server.
type lowPoetry struct {
	loop *reactor.Reactor
	fd   int
	poem string
}

func (l *lowPoetry) Fileno() int          { return l.fd }
func (l *lowPoetry) ConnectionLost(error) { _ = syscall.Close(l.fd) }

// DoRead is called when a client waits to be accepted.
func (l *lowPoetry) DoRead() error {
	fd, _, err := syscall.Accept(l.fd)
	if err == syscall.EAGAIN {
		return nil // it has gone again
	}
	if err != nil {
		return err // the loop stops watching, and calls ConnectionLost
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return err
	}
	return l.loop.AddWriter(&lowReader{loop: l.loop, fd: fd, rest: l.poem})
}

// lowReader is the socket of one client.
type lowReader struct {
	loop *reactor.Reactor
	fd   int
	rest string
}

func (c *lowReader) Fileno() int          { return c.fd }
func (c *lowReader) ConnectionLost(error) { _ = syscall.Close(c.fd) }

// DoWrite is called when the client's socket has room. To show that a poem may
// take many calls, each of them writes one word.
func (c *lowReader) DoWrite() error {
	word := c.rest[:strings.IndexAny(c.rest, " \n")+1]
	n, err := syscall.Write(c.fd, []byte(word))
	if err == syscall.EAGAIN {
		return nil // there was no room after all
	}
	if err != nil {
		return err
	}
	c.rest = c.rest[n:]
	if c.rest == "" {
		c.loop.RemoveWriter(c)
		return syscall.Close(c.fd)
	}
	return nil
}

// lowListen opens a listening socket on a free port.
func lowListen() (fd int, addr string, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, "", err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, "", err
	}
	if err := syscall.Listen(fd, 16); err != nil {
		return 0, "", err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return 0, "", err
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, "", err
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port), nil
}

// A poetry server can stand on bare descriptors: the loop says when they can be
// read or written, and everything else is up to their owner.
func ExampleReactor_AddReader() {
	loop, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithoutSignals())
	if err != nil {
		fmt.Println(err)
		return
	}
	fd, addr, err := lowListen()
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &lowPoetry{loop: loop, fd: fd, poem: "My name is Ozymandias, king of kings:\n"}
	if err := loop.AddReader(server); err != nil {
		fmt.Println(err)
		return
	}

	// A client that blocks, as any other program's, must not run on the loop.
	loop.DeferToThread(func() (any, error) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }()
		return io.ReadAll(c)
	}).AddBoth(func(poem any, err error) (any, error) {
		fmt.Printf("%s", poem)
		return nil, loop.Stop() // which calls the server's ConnectionLost
	})
	if err := loop.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// My name is Ozymandias, king of kings:
}
