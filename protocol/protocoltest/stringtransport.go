package protocoltest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"testing"

	"skein/protocol"
)

// ErrMisuse is what the panics of this package are: a protocol, or the test
// itself, did what the contract forbids. Match it with [errors.Is].
var ErrMisuse = errors.New("protocoltest: misuse")

// ProducerState says where the reading side of a [StringTransport] stands.
type ProducerState uint8

// The states of the reading side.
const (
	// Producing delivers input.
	Producing ProducerState = iota
	// Paused delivers none until ResumeProducing.
	Paused
	// Stopped delivers none any more: the connection is being closed.
	Stopped
)

// String returns the state's name in lower case.
func (s ProducerState) String() string {
	switch s {
	case Paused:
		return "paused"
	case Stopped:
		return "stopped"
	}
	return "producing"
}

// StringTransport is a transport that keeps what is written to it. It calls
// nothing back: the test plays the loop, and calls ConnectionLost if it wants
// to see it.
//
// It is stricter than a real transport, so that a test shows what a user
// would only stumble over: pausing or resuming after LoseConnection,
// unregistering a producer that is not there, registering nil, and changing a
// slice after WriteShared are misuses. A misuse fails TB on the spot; without
// a TB it panics with an error that is [ErrMisuse].
//
// The zero value is ready; [NewStringTransport] is the same.
//
// Twisted: internet.testing.StringTransport.
type StringTransport struct {
	// TB is the test to fail; nil: panic instead.
	TB testing.TB
	// Local and Remote are the addresses to show; nil: 10.0.0.1:1234 and
	// 192.168.1.1:54321.
	Local, Remote net.Addr
	// Backlog is what Buffered returns, for a protocol that looks at it.
	Backlog int

	written bytes.Buffer
	shared  []sharedSlice

	reading       ProducerState
	disconnecting bool
	writeClosed   bool
	aborted       bool
	cause         error

	producer  protocol.Producer
	streaming bool
}

// sharedSlice is a slice that was promised not to change, and what it held.
type sharedSlice struct{ promised, held []byte }

var _ protocol.Transport = (*StringTransport)(nil)

// NewStringTransport returns a transport that panics on misuse; set TB to have
// it fail a test instead.
func NewStringTransport() *StringTransport { return &StringTransport{} }

// Value returns all that has been written since the last Clear. The slice is
// the caller's.
//
// Twisted: StringTransport.value.
func (s *StringTransport) Value() []byte {
	s.tb().Helper()
	s.checkShared()
	return bytes.Clone(s.written.Bytes())
}

// Clear forgets what has been written.
//
// Twisted: StringTransport.clear.
func (s *StringTransport) Clear() {
	s.tb().Helper()
	s.checkShared()
	s.written.Reset()
}

// Aborted reports whether the connection was aborted.
func (s *StringTransport) Aborted() bool { return s.aborted }

// WriteClosed reports whether LoseWriteConnection has been called.
func (s *StringTransport) WriteClosed() bool { return s.writeClosed }

// Cause returns what LoseConnectionCause or AbortConnectionCause was given.
func (s *StringTransport) Cause() error { return s.cause }

// ProducerState tells whether the protocol wants input.
//
// Twisted: StringTransport.producerState.
func (s *StringTransport) ProducerState() ProducerState { return s.reading }

// Producer returns the registered producer and whether it streams; nil if
// there is none. The test asks it to produce: the transport does not.
//
// Twisted: StringTransport.producer, StringTransport.streaming.
func (s *StringTransport) Producer() (p protocol.Producer, streaming bool) {
	return s.producer, s.streaming
}

// Write keeps a copy of p.
func (s *StringTransport) Write(p []byte) (int, error) {
	if err := s.writable("Write"); err != nil {
		return 0, err
	}
	return s.written.Write(p)
}

// WriteSequence keeps copies of the slices.
func (s *StringTransport) WriteSequence(bufs [][]byte) error {
	if err := s.writable("WriteSequence"); err != nil {
		return err
	}
	for _, p := range bufs {
		s.written.Write(p)
	}
	return nil
}

// WriteShared keeps a copy of p, and p itself, to see that it does not change.
func (s *StringTransport) WriteShared(p []byte) error {
	if err := s.writable("WriteShared"); err != nil {
		return err
	}
	s.shared = append(s.shared, sharedSlice{promised: p, held: bytes.Clone(p)})
	s.written.Write(p)
	return nil
}

// LoseConnection notes that the protocol wants the connection closed.
func (s *StringTransport) LoseConnection() { s.LoseConnectionCause(nil) }

// LoseConnectionCause notes that the protocol wants the connection closed, and
// why; the first cause stays.
func (s *StringTransport) LoseConnectionCause(cause error) {
	if s.disconnecting {
		return
	}
	s.disconnecting, s.reading, s.cause = true, Stopped, cause
}

// LoseWriteConnection notes that the protocol has written its last.
func (s *StringTransport) LoseWriteConnection() { s.writeClosed = true }

// AbortConnection notes that the protocol wants the connection gone.
func (s *StringTransport) AbortConnection() { s.AbortConnectionCause(nil) }

// AbortConnectionCause notes that the protocol wants the connection gone, and
// why; the first cause stays.
func (s *StringTransport) AbortConnectionCause(cause error) {
	if s.aborted {
		return
	}
	s.LoseConnectionCause(cause)
	s.aborted = true
	if s.cause == nil {
		s.cause = cause
	}
}

// Disconnecting reports whether the protocol has closed or aborted the
// connection.
func (s *StringTransport) Disconnecting() bool { return s.disconnecting }

// LocalAddr returns Local.
func (s *StringTransport) LocalAddr() net.Addr {
	if s.Local != nil {
		return s.Local
	}
	return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1234}
}

// RemoteAddr returns Remote.
func (s *StringTransport) RemoteAddr() net.Addr {
	if s.Remote != nil {
		return s.Remote
	}
	return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 1), Port: 54321}
}

// PauseProducing notes that the protocol wants no input for now.
func (s *StringTransport) PauseProducing() {
	s.tb().Helper()
	s.setReading("PauseProducing", Paused)
}

// ResumeProducing notes that the protocol wants input again.
func (s *StringTransport) ResumeProducing() {
	s.tb().Helper()
	s.setReading("ResumeProducing", Producing)
}

// RegisterProducer keeps the producer. It asks a pull producer for nothing:
// that is the test's part.
func (s *StringTransport) RegisterProducer(p protocol.Producer, streaming bool) error {
	s.tb().Helper()
	if p == nil {
		s.misuse("RegisterProducer(nil): use UnregisterProducer to end")
		return ErrMisuse
	}
	if err := checkProducer(p, streaming, s.producer); err != nil {
		return err
	}
	if err := s.writable("RegisterProducer"); err != nil {
		p.StopProducing()
		return err
	}
	s.producer, s.streaming = p, streaming
	return nil
}

// UnregisterProducer forgets the producer.
func (s *StringTransport) UnregisterProducer() {
	s.tb().Helper()
	if s.producer == nil {
		s.misuse("UnregisterProducer without a registered producer")
	}
	s.producer, s.streaming = nil, false
}

// Buffered returns Backlog: a StringTransport takes everything at once.
func (s *StringTransport) Buffered() int { return s.Backlog }

// writable returns the error of a write that comes too late. A registered
// producer may go on after LoseConnection, as the contract says.
func (s *StringTransport) writable(method string) error {
	if s.aborted || (s.writeClosed || s.disconnecting) && s.producer == nil {
		return s.closedError(method)
	}
	return nil
}

// closedError says what came after what.
func (s *StringTransport) closedError(method string) error {
	ended := "LoseConnection"
	switch {
	case s.aborted:
		ended = "AbortConnection"
	case s.writeClosed:
		ended = "LoseWriteConnection"
	}
	return closedError(method, ended)
}

// setReading changes the state of the reading side, which ends for good with
// the connection.
func (s *StringTransport) setReading(method string, to ProducerState) {
	s.tb().Helper()
	if s.disconnecting {
		s.misuse("%s after LoseConnection or AbortConnection: ask Disconnecting first", method)
		return
	}
	s.reading = to
}

// checkShared looks whether the promises given to WriteShared were kept.
func (s *StringTransport) checkShared() {
	s.tb().Helper()
	for _, sh := range s.shared {
		if !bytes.Equal(sh.promised, sh.held) {
			s.misuse("a slice given to WriteShared was changed from %q to %q: use Write for what will change",
				sh.held, sh.promised)
			return
		}
	}
}

// tb returns the test, so far as it wants to know which frames are not its own.
func (s *StringTransport) tb() interface{ Helper() } {
	if s.TB == nil {
		return nobody{}
	}
	return s.TB
}

// nobody stands in for a test that is not there.
type nobody struct{}

// Helper does nothing.
func (nobody) Helper() {}

// misuse fails the test, or panics if there is none.
func (s *StringTransport) misuse(format string, args ...any) {
	err := fmt.Errorf("%w: "+format, append([]any{ErrMisuse}, args...)...)
	if s.TB == nil {
		panic(err)
	}
	s.TB.Helper()
	s.TB.Fatal(err)
}
