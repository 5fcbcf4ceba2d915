package policies

import (
	"fmt"
	"io"
	"net"
	"slices"

	"skein/protocol"
)

// TrafficKind says what a [Traffic] is about.
type TrafficKind uint8

// What can be logged of a connection.
const (
	// TrafficOpened: ConnectionMade.
	TrafficOpened TrafficKind = iota
	// TrafficReceived: Data came from the peer.
	TrafficReceived
	// TrafficSent: Data was written.
	TrafficSent
	// TrafficEnded: the peer has sent its last.
	TrafficEnded
	// TrafficClosed: ConnectionLost, with Reason.
	TrafficClosed
)

// Traffic is one thing that happened on a logged connection.
type Traffic struct {
	// Connection numbers the factory's connections from 1.
	Connection int
	// Peer is the address at the other end.
	Peer net.Addr
	// Kind says what happened.
	Kind TrafficKind
	// Data are the bytes of TrafficReceived and TrafficSent; they are the
	// loop's: copy what is to stay.
	Data []byte
	// Reason is TrafficClosed's.
	Reason error
}

// String returns one line: the connection's number, a sign for the direction,
// and the quoted bytes.
func (t Traffic) String() string {
	switch t.Kind {
	case TrafficOpened:
		return fmt.Sprintf("%d + %v", t.Connection, t.Peer)
	case TrafficReceived:
		return fmt.Sprintf("%d < %q", t.Connection, t.Data)
	case TrafficSent:
		return fmt.Sprintf("%d > %q", t.Connection, t.Data)
	case TrafficEnded:
		return fmt.Sprintf("%d < end", t.Connection)
	}
	return fmt.Sprintf("%d - %v", t.Connection, t.Reason)
}

// TrafficLog tells what its connections read and write: to a function, to one
// writer for all, to a writer for each, or to several of these. The
// writers get one line each, see [Traffic.String], and they are written to on
// the loop's goroutine: one that blocks, blocks everybody.
//
// Twisted: policies.TrafficLoggingFactory, which closes no file.
type TrafficLog struct {
	protocol.Factory

	// Func gets everything.
	Func func(t Traffic)
	// Writer gets the lines of all connections. It is not closed.
	Writer io.Writer
	// Open makes the log of one connection, closed after its end. A connection
	// whose log cannot be opened, or written to, goes on without one.
	Open func(connection int, peer net.Addr) (io.WriteCloser, error)
	// Failed is told of errors of Writer and Open, once for each connection.
	Failed func(connection int, err error)

	connections int
}

// BuildProtocol wraps the factory's protocol.
func (f *TrafficLog) BuildProtocol(addr net.Addr) protocol.Protocol {
	p := f.Factory.BuildProtocol(addr)
	if p == nil {
		return nil
	}
	f.connections++
	return Wrap(&logged{rules: f, number: f.connections, peer: addr}, p)
}

// logged is one connection with its log.
type logged struct {
	ProtocolWrapper
	rules  *TrafficLog
	number int
	peer   net.Addr

	own     io.WriteCloser // what Open made
	writers []io.Writer    // those that have not failed
	failed  bool           // the first error has been told
}

// ConnectionMade opens the log.
func (w *logged) ConnectionMade() {
	w.open()
	w.log(Traffic{Kind: TrafficOpened})
	w.ProtocolWrapper.ConnectionMade()
}

// DataReceived logs what came.
func (w *logged) DataReceived(data []byte) {
	w.log(Traffic{Kind: TrafficReceived, Data: data})
	w.ProtocolWrapper.DataReceived(data)
}

// ReadConnectionLost logs the end of input.
func (w *logged) ReadConnectionLost() {
	w.log(Traffic{Kind: TrafficEnded})
	w.ProtocolWrapper.ReadConnectionLost()
}

// ConnectionLost logs the end, and closes the log when the protocol has heard
// of it, whatever that does.
func (w *logged) ConnectionLost(reason error) {
	defer w.close()
	defer w.ProtocolWrapper.ConnectionLost(reason)
	w.log(Traffic{Kind: TrafficClosed, Reason: reason})
}

// Write logs what the transport takes.
func (w *logged) Write(p []byte) (int, error) {
	n, err := w.Transport.Write(p)
	w.sent(p[:n])
	return n, err
}

// WriteSequence logs what the transport takes.
func (w *logged) WriteSequence(bufs [][]byte) error {
	err := w.Transport.WriteSequence(bufs)
	for _, p := range bufs {
		if err == nil {
			w.sent(p)
		}
	}
	return err
}

// WriteShared logs what the transport takes.
func (w *logged) WriteShared(p []byte) error {
	err := w.Transport.WriteShared(p)
	if err == nil {
		w.sent(p)
	}
	return err
}

// sent logs what was written.
func (w *logged) sent(p []byte) {
	if len(p) > 0 {
		w.log(Traffic{Kind: TrafficSent, Data: p})
	}
}

// open collects the writers.
func (w *logged) open() {
	if w.rules.Writer != nil {
		w.writers = append(w.writers, w.rules.Writer)
	}
	if w.rules.Open == nil {
		return
	}
	own, err := w.rules.Open(w.number, w.peer)
	if err != nil {
		w.fail(err)
		return
	}
	w.own = own
	w.writers = append(w.writers, own)
}

// log tells everyone who wants to know.
func (w *logged) log(t Traffic) {
	t.Connection, t.Peer = w.number, w.peer
	if w.rules.Func != nil {
		w.rules.Func(t)
	}
	if len(w.writers) == 0 {
		return
	}
	line := []byte(t.String() + "\n")
	w.writers = slices.DeleteFunc(w.writers, func(to io.Writer) bool {
		_, err := to.Write(line)
		if err != nil {
			w.fail(err)
		}
		return err != nil
	})
}

// fail notes the first error.
func (w *logged) fail(err error) {
	if w.failed {
		return
	}
	w.failed = true
	if w.rules.Failed != nil {
		w.rules.Failed(w.number, err)
	}
}

// close closes the connection's own log.
func (w *logged) close() {
	if w.own == nil {
		return
	}
	if err := w.own.Close(); err != nil {
		w.fail(err)
	}
	w.own = nil
}
