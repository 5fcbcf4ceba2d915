package producers_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/producers"
	"skein/protocol/protocoltest"
)

// download is a server's protocol that sends a file and closes.
type download struct{ protocol.Base }

func (d *download) DataReceived([]byte) {}

func (d *download) ConnectionMade() {
	file := strings.NewReader("Twas brillig, and the slithy toves\n")
	producers.FileSender{Chunk: 10}.Send(file, d.Transport).AddBoth(func(sent any, err error) (any, error) {
		fmt.Println("sent:", sent, "error:", err)
		return nil, nil
	})
	d.Transport.LoseConnection() // waits for the file
}

func ExampleFileSender() {
	client := &protocoltest.Recorder{}
	protocoltest.NewPair(client, &download{}).Pump()
	fmt.Printf("%s", client.Received())
	// Output:
	// sent: 35 error: <nil>
	// Twas brillig, and the slithy toves
}

// Pull asks for one piece at a time, when the one before is gone.
func ExamplePull() {
	from, to, pair := connected()
	n := 0
	d := producers.Pull(from.Transport, func() ([]byte, error) {
		if n++; n > 3 {
			return nil, io.EOF
		}
		return fmt.Appendf(nil, "piece %d\n", n), nil
	})
	deferred.Then(d, func(sent int64) (any, error) { fmt.Println(sent, "bytes"); return nil, nil })
	pair.Pump()
	fmt.Printf("%s", to.Received())
	// Output:
	// 24 bytes
	// piece 1
	// piece 2
	// piece 3
}

// Push fills the queue up to the high-water mark, and waits there.
func ExamplePush() {
	from, _, _ := connected()
	c := clock.NewFake() // a reactor in a program
	d := producers.Push(from.Transport, c, func() ([]byte, error) { return make([]byte, 1000), nil })
	c.Advance(0)
	fmt.Println("queued:", from.Transport.Buffered())

	d.Cancel()
	d.AddErrback(func(err error) (any, error) { fmt.Println(err); return nil, nil })
	// Output:
	// queued: 66000
	// sending ended after 66000 bytes: deferred: cancelled
}

// A pipe joins a client's connection with one to a server, here an echo.
func ExamplePipe() {
	p := producers.NewPipe()
	client, server := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "through the wall") }
	server.OnData = func(data []byte) { _, _ = server.Transport.Write(bytes.ToUpper(data)) }

	near := protocoltest.NewPair(client, p.A) // a port's connection
	far := protocoltest.NewPair(p.B, server)  // a connector's
	for near.Pump()+far.Pump() > 0 {
	}
	fmt.Printf("%s\n", client.Received())

	deferred.Then(p.Done(), func(r producers.PipeResult) (any, error) {
		fmt.Printf("%d bytes there, %d bytes back\n", r.AToB, r.BToA)
		return nil, nil
	})
	client.Transport.LoseConnection()
	for near.Pump()+far.Pump() > 0 {
	}
	// Output:
	// THROUGH THE WALL
	// 16 bytes there, 16 bytes back
}
