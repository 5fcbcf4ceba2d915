package protocoltest_test

import (
	"errors"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

func TestRecorderNotesEverything(t *testing.T) {
	tr, r := protocoltest.NewStringTransport(), &protocoltest.HalfRecorder{}
	if r.Made() || r.Lost() || r.Reason() != nil {
		t.Error("a new recorder says that something has come")
	}
	r.MakeConnection(tr)
	if r.Made() {
		t.Error("made before ConnectionMade")
	}
	r.ConnectionMade()
	data := []byte("one")
	r.DataReceived(data)
	copy(data, "###") // the loop reuses its buffer
	r.DataReceived([]byte("two"))
	r.ReadConnectionLost()
	r.WriteConnectionLost()
	r.ConnectionLost(protocol.ErrConnectionDone)

	expectCalls(t, "the recorder", &r.Recorder,
		"MakeConnection", "ConnectionMade", `DataReceived("one")`, `DataReceived("two")`,
		"ReadConnectionLost", "WriteConnectionLost", "ConnectionLost(connection was closed cleanly)")
	if got := string(r.Received()); got != "onetwo" {
		t.Errorf("received %q", got)
	}
	if !r.Made() || !r.Lost() || r.Reason() != protocol.ErrConnectionDone {
		t.Errorf("made %t, lost %t, reason %v", r.Made(), r.Lost(), r.Reason())
	}
	if r.Transport != protocol.Transport(tr) {
		t.Error("the transport was not kept")
	}
	if e := r.Events(); len(e) != 7 || string(e[2].Data) != "one" || e[6].Reason != protocol.ErrConnectionDone {
		t.Errorf("events are %v", e)
	}
}

func TestRecorderHooksRunInsideTheirCalls(t *testing.T) {
	var got []string
	r := &protocoltest.HalfRecorder{}
	r.OnMade = func() { got = append(got, "made") }
	r.OnData = func(data []byte) { got = append(got, "data "+string(data)) }
	r.OnReadLost = func() { got = append(got, "read lost") }
	r.OnWriteLost = func() { got = append(got, "write lost") }
	r.OnLost = func(reason error) { got = append(got, reason.Error()) }

	r.MakeConnection(nil)
	r.ConnectionMade()
	r.DataReceived([]byte("x"))
	r.ReadConnectionLost()
	r.WriteConnectionLost()
	r.ConnectionLost(protocol.ErrConnectionLost)
	want := "made, data x, read lost, write lost, " + protocol.ErrConnectionLost.Error()
	if strings.Join(got, ", ") != want {
		t.Errorf("hooks ran as %q, want %q", got, want)
	}
}

func TestRecorderSeesEveryBreach(t *testing.T) {
	done := protocol.ErrConnectionDone
	tests := []struct {
		name string
		want string // part of the breach
		play func(r *protocoltest.HalfRecorder)
	}{
		{"made without transport", "ConnectionMade came", func(r *protocoltest.HalfRecorder) { r.ConnectionMade() }},
		{"made twice", "ConnectionMade came twice", func(r *protocoltest.HalfRecorder) { begin(r); r.ConnectionMade() }},
		{"second transport", "MakeConnection came twice", func(r *protocoltest.HalfRecorder) { begin(r); r.MakeConnection(nil) }},
		{"data before made", "outside", func(r *protocoltest.HalfRecorder) { r.MakeConnection(nil); r.DataReceived([]byte("x")) }},
		{"data after lost", "outside", func(r *protocoltest.HalfRecorder) { begin(r); r.ConnectionLost(done); r.DataReceived([]byte("x")) }},
		{"no data", "without data", func(r *protocoltest.HalfRecorder) { begin(r); r.DataReceived(nil) }},
		{"data after the end of input", "after ReadConnectionLost", func(r *protocoltest.HalfRecorder) {
			begin(r)
			r.ReadConnectionLost()
			r.DataReceived([]byte("x"))
		}},
		{"end of input twice", "ReadConnectionLost came twice", func(r *protocoltest.HalfRecorder) {
			begin(r)
			r.ReadConnectionLost()
			r.ReadConnectionLost()
		}},
		{"shut twice", "WriteConnectionLost came twice", func(r *protocoltest.HalfRecorder) {
			begin(r)
			r.WriteConnectionLost()
			r.WriteConnectionLost()
		}},
		{"lost twice", "ConnectionLost came twice", func(r *protocoltest.HalfRecorder) { begin(r); r.ConnectionLost(done); r.ConnectionLost(done) }},
		{"lost unmade", "without ConnectionMade", func(r *protocoltest.HalfRecorder) { r.MakeConnection(nil); r.ConnectionLost(done) }},
		{"foreign reason", "not net.ErrClosed", func(r *protocoltest.HalfRecorder) { begin(r); r.ConnectionLost(errors.New("tired")) }},
		{"no reason", "not net.ErrClosed", func(r *protocoltest.HalfRecorder) { begin(r); r.ConnectionLost(nil) }},
		{"a call inside another", "ConnectionLost came from inside DataReceived", func(r *protocoltest.HalfRecorder) {
			begin(r)
			r.OnData = func([]byte) { r.ConnectionLost(done) }
			r.DataReceived([]byte("x"))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &protocoltest.HalfRecorder{}
			test.play(r)
			if r.Err() == nil || !strings.Contains(r.Err().Error(), test.want) {
				t.Errorf("Err is %v, want it to say %q", r.Err(), test.want)
			}
		})
	}
}

// begin brings the recorder to the middle of a connection's life.
func begin(r *protocoltest.HalfRecorder) {
	r.MakeConnection(nil)
	r.ConnectionMade()
}

func TestRecorderKeepsTheFirstBreachAndWhatLedToIt(t *testing.T) {
	r := &protocoltest.HalfRecorder{}
	begin(r)
	r.DataReceived(nil)
	r.ConnectionLost(nil)
	want := `protocoltest: DataReceived came without data (calls before it: ["MakeConnection" "ConnectionMade"])`
	if r.Err() == nil || r.Err().Error() != want {
		t.Errorf("Err is %v, want %s", r.Err(), want)
	}
}

func TestRecorderAfterAPanicInAHook(t *testing.T) {
	r := &protocoltest.Recorder{OnData: func([]byte) { panic("hook") }}
	r.MakeConnection(nil)
	r.ConnectionMade()
	func() {
		defer func() { _ = recover() }()
		r.DataReceived([]byte("x"))
	}()
	r.ConnectionLost(protocol.ErrConnectionLost)
	if err := r.Err(); err != nil {
		t.Errorf("the call after a panic was taken for one inside it: %v", err)
	}
}
