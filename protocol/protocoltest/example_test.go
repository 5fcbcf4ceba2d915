package protocoltest_test

import (
	"bytes"
	"errors"
	"fmt"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

// greeter says hello and hangs up at the first full stop.
type greeter struct{ protocol.Base }

func (g *greeter) ConnectionMade() { fmt.Fprint(g.Transport, "Hello. ") }

func (g *greeter) DataReceived(data []byte) {
	_, _ = g.Transport.Write(bytes.ToUpper(data))
	if bytes.ContainsRune(data, '.') {
		g.Transport.LoseConnection()
	}
}

// One protocol, no network: the test plays the loop and looks at what was
// written.
func ExampleStringTransport() {
	tr, g := protocoltest.NewStringTransport(), &greeter{}
	g.MakeConnection(tr)
	g.ConnectionMade()
	fmt.Printf("%q\n", tr.Value())

	tr.Clear()
	g.DataReceived([]byte("bye."))
	fmt.Printf("%q, closing: %t\n", tr.Value(), tr.Disconnecting())
	// Output:
	// "Hello. "
	// "BYE.", closing: true
}

// Without a TB a misuse panics; with one it fails that test.
func ExampleStringTransport_misuse() {
	tr := protocoltest.NewStringTransport()
	tr.LoseConnection()
	defer func() { fmt.Println(recover()) }()
	tr.ResumeProducing()
	// Output:
	// protocoltest: misuse: ResumeProducing after LoseConnection or AbortConnection: ask Disconnecting first
}

// Two protocols, back to back. The client is a Recorder; bytes move in chunks
// of four, and only inside Pump.
func ExamplePair() {
	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "so long.") }
	pair := protocoltest.NewPair(client, &greeter{})
	pair.Chunk = protocoltest.Fixed(4)
	pair.Pump()

	for _, call := range client.Calls() {
		fmt.Println(call)
	}
	// Output:
	// MakeConnection
	// ConnectionMade
	// DataReceived("Hell")
	// DataReceived("o. S")
	// DataReceived("O LO")
	// DataReceived("NG.")
	// ConnectionLost(connection was closed cleanly)
}

// An abort shows at the peer as a reset.
func ExamplePair_abort() {
	client, server := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	pair := protocoltest.NewPair(client, server)
	server.OnMade = func() { server.Transport.AbortConnectionCause(errors.New("too busy")) }
	pair.Pump()

	fmt.Println("server:", server.Reason())
	fmt.Println("client lost it:", errors.Is(client.Reason(), protocol.ErrConnectionLost))
	// Output:
	// server: connection was aborted: too busy
	// client lost it: true
}

// Step does one thing at a time, for a test that wants to look between.
func ExamplePair_Step() {
	client, server := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	pair := protocoltest.NewPair(client, server)
	pair.Pump()
	fmt.Fprint(client.Transport, "ab")
	pair.Chunk = protocoltest.Fixed(1)
	for pair.Step() {
		fmt.Printf("%q arrived, %d waits\n", server.Received(), client.Transport.Buffered())
	}
	// Output:
	// "a" arrived, 1 waits
	// "ab" arrived, 0 waits
}

// A Recorder notes what it is told, and whether that keeps the contract.
func ExampleRecorder_Err() {
	r := &protocoltest.Recorder{}
	r.MakeConnection(protocoltest.NewStringTransport())
	r.ConnectionMade()
	fmt.Println(r.Err())
	r.ConnectionLost(errors.New("out of poems")) // not net.ErrClosed
	fmt.Println(r.Err())
	// Output:
	// <nil>
	// protocoltest: the reason of ConnectionLost is not net.ErrClosed (calls before it: ["MakeConnection" "ConnectionMade"])
}
