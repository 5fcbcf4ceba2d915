//go:build linux || darwin || freebsd

package reactor_test

import (
	"fmt"
	"net"

	"skein/protocol"
	"skein/reactor"
)

// A server that is replaced while clients come. Here the new one is another
// reactor; in earnest it is another process, which inherits the files.
func ExampleWithSockets() {
	serve := func(name string, sockets ...reactor.Socket) (*reactor.Reactor, *reactor.Port, error) {
		r, err := reactor.New(reactor.WithSockets(sockets...))
		if err != nil {
			return nil, nil, err
		}
		p, err := r.ListenTCP("localhost:0", protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
			fmt.Println("accepted by the", name)
			_ = r.Stop()
			return nil
		}))
		return r, p, err
	}

	first, port, err := serve("first")
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := net.Dial("tcp", port.Addr().String()) // waits in the socket
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	sockets, err := first.Sockets()
	if err != nil {
		fmt.Println(err)
		return
	}
	second, _, err := serve("second", sockets...) // takes the socket instead of binding
	if err != nil {
		fmt.Println(err)
		return
	}
	first.HandOver()
	_ = first.Close()
	fmt.Println(second.Run())
	// Output:
	// accepted by the second
	// <nil>
}
