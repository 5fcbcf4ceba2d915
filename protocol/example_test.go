package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"net"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

// echo is a whole protocol: Base answers the other calls.
type echo struct{ protocol.Base }

func (e *echo) DataReceived(data []byte) { _, _ = e.Transport.Write(data) }

// A protocol is built for each connection by a factory, and driven by whoever
// holds the transport: a reactor, or here a pair in memory.
func Example() {
	f := protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &echo{} })

	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "is anybody there?") }
	protocoltest.NewPair(client, f.BuildProtocol(nil)).Pump()
	fmt.Printf("%s\n", client.Received())
	// Output:
	// is anybody there?
}

// The reason of ConnectionLost tells how the connection ended, and its cause.
// Every reason is net.ErrClosed.
func ExampleCloseReason() {
	for _, reason := range []error{
		protocol.ErrConnectionDone,
		protocol.CloseReason(protocol.ErrConnectionLost, io.ErrUnexpectedEOF),
		protocol.ErrConnectionAborted,
	} {
		fmt.Println(reason)
		fmt.Println("  closed:", errors.Is(reason, net.ErrClosed),
			" bytes may be missing:", errors.Is(reason, protocol.ErrConnectionLost),
			" cause known:", errors.Is(reason, io.ErrUnexpectedEOF))
	}
	// Output:
	// connection was closed cleanly
	//   closed: true  bytes may be missing: false  cause known: false
	// connection was lost in a non-clean fashion: unexpected EOF
	//   closed: true  bytes may be missing: true  cause known: true
	// connection was aborted
	//   closed: true  bytes may be missing: true  cause known: false
}

// retry connects again until it has failed three times.
type retry struct {
	protocol.ClientFactoryBase
	failures int
}

func (f *retry) BuildProtocol(net.Addr) protocol.Protocol { return &echo{} }

func (f *retry) ClientConnectionFailed(c protocol.Connector, reason error) {
	fmt.Println(reason)
	if f.failures++; f.failures < 3 {
		_ = c.Connect()
	}
}

// nowhere is a connector that fails at once, in place of a reactor's.
type nowhere struct {
	protocol.Connector
	f protocol.ClientFactory
}

func (n *nowhere) Connect() error {
	n.f.StartedConnecting(n)
	n.f.ClientConnectionFailed(n, &protocol.ConnectError{Addr: "nowhere:1", Err: protocol.ErrConnectTimeout})
	return nil
}

// A client factory hears how its attempts fare; it embeds a base that ignores
// what it has no use for.
func ExampleClientFactory() {
	_ = (&nowhere{f: &retry{}}).Connect()
	// Output:
	// connect nowhere:1: timed out
	// connect nowhere:1: timed out
	// connect nowhere:1: timed out
}
