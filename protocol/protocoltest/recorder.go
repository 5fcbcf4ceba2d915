package protocoltest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"

	"skein/protocol"
)

// Event is one call that a [Recorder] got.
type Event struct {
	// Call is the name of the method.
	Call string
	// Data is a copy of what DataReceived brought.
	Data []byte
	// Reason is what ConnectionLost was given.
	Reason error
}

// String writes the event as a call: DataReceived("hello").
func (e Event) String() string {
	switch e.Call {
	case "DataReceived":
		return fmt.Sprintf("%s(%q)", e.Call, e.Data)
	case "ConnectionLost":
		return fmt.Sprintf("%s(%v)", e.Call, e.Reason)
	}
	return e.Call
}

// Recorder is a protocol that notes the calls it gets, in order, and whether
// they keep the contract of [protocol.Protocol]. The hooks, where set, run
// inside the call they are named for, after it has been noted. The zero value
// is ready.
//
// A test of a protocol puts a Recorder at the other end; a test of a transport
// or a loop puts one at each end and asks [Recorder.Err] when it is done.
//
// Twisted: test.proto_helpers.AccumulatingProtocol.
type Recorder struct {
	protocol.Base

	// OnMade runs in ConnectionMade.
	OnMade func()
	// OnData runs in DataReceived. The slice is the loop's, as it came.
	OnData func(data []byte)
	// OnLost runs in ConnectionLost.
	OnLost func(reason error)

	events  []Event
	stage   stage
	eof     bool   // ReadConnectionLost has come
	running string // the call that has not returned yet
	breach  error
}

// stage says how far the life of a recorded connection has come.
type stage uint8

const (
	stageNew stage = iota
	stageTransport
	stageMade
	stageLost
)

// Events returns what has come so far.
func (r *Recorder) Events() []Event { return slices.Clone(r.events) }

// Calls returns what has come so far, each call as [Event.String] writes it:
// the form in which a test compares best.
func (r *Recorder) Calls() []string {
	calls := make([]string, len(r.events))
	for i, e := range r.events {
		calls[i] = e.String()
	}
	return calls
}

// Received returns all the data that has come, joined.
func (r *Recorder) Received() []byte {
	var all bytes.Buffer
	for _, e := range r.events {
		all.Write(e.Data)
	}
	return all.Bytes()
}

// Made reports whether ConnectionMade has come.
func (r *Recorder) Made() bool { return r.stage >= stageMade }

// Lost reports whether ConnectionLost has come.
func (r *Recorder) Lost() bool { return r.stage == stageLost }

// Reason returns what ConnectionLost was given; nil before it has come.
func (r *Recorder) Reason() error {
	for _, e := range r.events {
		if e.Call == "ConnectionLost" {
			return e.Reason
		}
	}
	return nil
}

// Err returns the first breach of the contract: a call out of order, twice, or
// from inside another; no data in DataReceived; a reason that is not
// net.ErrClosed. It returns nil if there was none.
func (r *Recorder) Err() error { return r.breach }

// MakeConnection keeps the transport.
func (r *Recorder) MakeConnection(t protocol.Transport) {
	r.expect(r.stage == stageNew, "MakeConnection came twice or late")
	r.stage = max(r.stage, stageTransport)
	r.Base.MakeConnection(t)
	r.note(Event{Call: "MakeConnection"}, nil)
}

// ConnectionMade notes the call and runs OnMade.
func (r *Recorder) ConnectionMade() {
	r.expect(r.stage == stageTransport, "ConnectionMade came twice or without MakeConnection")
	r.stage = max(r.stage, stageMade)
	r.note(Event{Call: "ConnectionMade"}, r.OnMade)
}

// DataReceived notes a copy of the data and runs OnData.
func (r *Recorder) DataReceived(data []byte) {
	r.expect(r.stage == stageMade, "DataReceived came outside the connection's life")
	r.expect(!r.eof, "DataReceived came after ReadConnectionLost")
	r.expect(len(data) > 0, "DataReceived came without data")
	var hook func()
	if r.OnData != nil {
		hook = func() { r.OnData(data) }
	}
	r.note(Event{Call: "DataReceived", Data: bytes.Clone(data)}, hook)
}

// ConnectionLost notes the reason and runs OnLost.
func (r *Recorder) ConnectionLost(reason error) {
	r.expect(r.stage == stageMade, "ConnectionLost came twice or without ConnectionMade")
	r.expect(errors.Is(reason, net.ErrClosed), "the reason of ConnectionLost is not net.ErrClosed")
	r.stage = stageLost
	var hook func()
	if r.OnLost != nil {
		hook = func() { r.OnLost(reason) }
	}
	r.note(Event{Call: "ConnectionLost", Reason: reason}, hook)
}

// note files the event and runs the hook, watching that no call comes from
// inside another.
func (r *Recorder) note(e Event, hook func()) {
	r.expect(r.running == "", e.Call+" came from inside "+r.running)
	r.events = append(r.events, e)
	if hook == nil {
		return
	}
	outer := r.running
	r.running = e.Call
	defer func() { r.running = outer }()
	hook()
}

// expect keeps the first breach, with the calls that led to it.
func (r *Recorder) expect(kept bool, breach string) {
	if !kept && r.breach == nil {
		r.breach = fmt.Errorf("protocoltest: %s (calls before it: %q)", breach, r.Calls())
	}
}

// HalfRecorder is a [Recorder] that goes on after a half-close: a
// [protocol.HalfCloser]. It closes nothing by itself.
type HalfRecorder struct {
	Recorder

	// OnReadLost runs in ReadConnectionLost.
	OnReadLost func()
	// OnWriteLost runs in WriteConnectionLost.
	OnWriteLost func()

	shut bool // WriteConnectionLost has come
}

// ReadConnectionLost notes the call and runs OnReadLost.
func (r *HalfRecorder) ReadConnectionLost() {
	r.expect(r.stage == stageMade && !r.eof, "ReadConnectionLost came twice or outside the connection's life")
	r.eof = true
	r.note(Event{Call: "ReadConnectionLost"}, r.OnReadLost)
}

// WriteConnectionLost notes the call and runs OnWriteLost.
func (r *HalfRecorder) WriteConnectionLost() {
	r.expect(r.stage == stageMade && !r.shut, "WriteConnectionLost came twice or outside the connection's life")
	r.shut = true
	r.note(Event{Call: "WriteConnectionLost"}, r.OnWriteLost)
}

var (
	_ protocol.Protocol   = (*Recorder)(nil)
	_ protocol.Protocol   = (*HalfRecorder)(nil)
	_ protocol.HalfCloser = (*HalfRecorder)(nil)
)
