package basic_test

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"skein/protocol"
	"skein/protocol/basic"
	"skein/protocol/protocoltest"
)

// lineEcho sends each line back.
type lineEcho struct{ basic.LineReceiver }

func (e *lineEcho) LineReceived(line []byte) { _ = e.SendLine(line) }

// A handler embeds a receiver, and a factory binds the two for each
// connection.
func ExampleLineReceiver() {
	f := basic.LineFactory(func(net.Addr) basic.LineHandler { return &lineEcho{} })

	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "half a li", "ne\r\nand another\r\n") }
	protocoltest.NewPair(client, f.BuildProtocol(nil)).Pump()
	fmt.Printf("%q\n", client.Received())
	// Output:
	// "half a line\r\nand another\r\n"
}

// post takes a line with a length, that many bytes of any kind, and so on.
type post struct {
	basic.LineReceiver
	missing int // bytes of the body that have not come
}

func (p *post) LineReceived(line []byte) {
	p.missing, _ = strconv.Atoi(strings.TrimPrefix(string(line), "POST "))
	p.SetRawMode()
}

func (p *post) RawDataReceived(data []byte) {
	n := min(p.missing, len(data))
	fmt.Printf("%q ", data[:n])
	if p.missing -= n; p.missing == 0 {
		fmt.Println("is complete")
		p.SetLineMode(data[n:]) // the rest is none of the body's
	}
}

// In raw mode the bytes come as the network cuts them, and what is too much
// goes back.
func ExampleLineReceiver_SetRawMode() {
	p := basic.BindLine(&post{})
	p.MakeConnection(protocoltest.NewStringTransport())
	for _, chunk := range []string{"POST 7\r\na\r", "\nbody", "POST 3\r\nabcPOST 2\r\nxy"} {
		p.DataReceived([]byte(chunk))
	}
	// Output:
	// "a\r" "\nbody" is complete
	// "abc" is complete
	// "xy" is complete
}

// upper answers netstrings in capitals.
type upper struct{ basic.NetstringReceiver }

func (u *upper) StringReceived(s []byte) { _ = u.SendString([]byte(strings.ToUpper(string(s)))) }

func (u *upper) ConnectionLost(reason error) {
	fmt.Println("malformed:", errors.Is(reason, basic.ErrMalformed))
}

// What is no netstring closes the connection, and the reason says so.
func ExampleNetstringReceiver() {
	f := basic.StringFactory(func(net.Addr) basic.StringHandler { return &upper{} })

	client := &protocoltest.Recorder{}
	client.OnMade = func() { fmt.Fprint(client.Transport, "5:hello,0:,02:no,") }
	protocoltest.NewPair(client, f.BuildProtocol(nil)).Pump()
	fmt.Printf("%s\n", client.Received())
	// Output:
	// malformed: true
	// 5:HELLO,0:,
}

// asker asks over strings with a length in front.
type asker struct {
	basic.Int16StringReceiver
	question string
}

func (a *asker) ConnectionMade()         { _ = a.SendString([]byte(a.question)) }
func (a *asker) StringReceived(s []byte) { fmt.Printf("%s\n", s); a.Transport.LoseConnection() }

// askerFactory makes the connections of a client.
type askerFactory struct {
	protocol.ClientFactoryBase
	question string
}

func (f *askerFactory) BuildProtocol(net.Addr) protocol.Protocol {
	return basic.BindString(&asker{question: f.question})
}

// A client's factory binds its handler itself.
func ExampleBindString() {
	f := &askerFactory{question: "who's there?"}

	server := &protocoltest.Recorder{}
	server.OnData = func(data []byte) {
		fmt.Printf("%q\n", data)
		fmt.Fprint(server.Transport, "\x00\x06", "nobody")
	}
	protocoltest.NewPair(f.BuildProtocol(nil), server).Pump()
	// Output:
	// "\x00\fwho's there?"
	// nobody
}
