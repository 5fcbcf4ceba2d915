package basic_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/basic"
	"skein/protocol/protocoltest"
)

// taker notes what a handler is told, as "string x" or "raw x". The hooks run
// inside the calls.
type taker struct {
	events []string
	on     func(message string) // LineReceived, StringReceived
	onRaw  func(data []byte)
	onLong func(line []byte)
	onOver func(length uint32)
}

func (k *taker) took(message []byte) {
	k.events = append(k.events, "string "+string(message))
	_ = append(message, 0xEE) // must not reach the bytes behind
	if k.on != nil {
		k.on(string(message))
	}
}

func (k *taker) tookRaw(data []byte) {
	k.events = append(k.events, "raw "+string(data))
	_ = append(data, 0xEE)
	if k.onRaw != nil {
		k.onRaw(data)
	}
}

func (k *taker) tookLong(line []byte) {
	k.events = append(k.events, "long "+string(line))
	if k.onLong != nil {
		k.onLong(line)
	}
}

// The handlers: one for each receiver, and for those that have a hook for what
// is too long, one with it.
type (
	lines struct {
		basic.LineReceiver
		taker
	}
	longLines struct{ lines }
	onlyLines struct {
		basic.LineOnlyReceiver
		taker
	}
	longOnlyLines struct{ onlyLines }
	netstrings    struct {
		basic.NetstringReceiver
		taker
	}
	int8s struct {
		basic.Int8StringReceiver
		taker
	}
	int16s struct {
		basic.Int16StringReceiver
		taker
	}
	int32s struct {
		basic.Int32StringReceiver
		taker
	}
	overInt8s  struct{ int8s }
	overInt16s struct{ int16s }
	overInt32s struct{ int32s }
)

func (h *lines) LineReceived(line []byte)               { h.took(line) }
func (h *lines) RawDataReceived(data []byte)            { h.tookRaw(data) }
func (h *longLines) LineLengthExceeded(line []byte)     { h.tookLong(line) }
func (h *onlyLines) LineReceived(line []byte)           { h.took(line) }
func (h *longOnlyLines) LineLengthExceeded(line []byte) { h.tookLong(line) }
func (h *netstrings) StringReceived(s []byte)           { h.took(s) }
func (h *int8s) StringReceived(s []byte)                { h.took(s) }
func (h *int16s) StringReceived(s []byte)               { h.took(s) }
func (h *int32s) StringReceived(s []byte)               { h.took(s) }

func (k *taker) tookOver(length uint32) {
	k.events = append(k.events, fmt.Sprint("over ", length))
	if k.onOver != nil {
		k.onOver(length)
	}
}

func (h *overInt8s) LengthLimitExceeded(length uint32)  { h.tookOver(length) }
func (h *overInt16s) LengthLimitExceeded(length uint32) { h.tookOver(length) }
func (h *overInt32s) LengthLimitExceeded(length uint32) { h.tookOver(length) }

// receiver is what tests call on every receiver.
type receiver interface {
	DataReceived(data []byte)
	PauseProducing()
	ResumeProducing()
	StopProducing()
}

// kind is one of the receivers.
type kind struct {
	name  string
	build func() (protocol.Protocol, receiver, *taker)
	frame func(message string) string
}

// prefixed returns the frame with a length of so many bytes.
func prefixed(width int) func(string) string {
	return func(s string) string {
		head := []byte{0, 0, byte(len(s) >> 8), byte(len(s))}
		return string(head[4-width:]) + s
	}
}

func crlf(s string) string { return s + "\r\n" }

func netstring(s string) string { return fmt.Sprintf("%d:%s,", len(s), s) }

// kinds are all the receivers.
var kinds = []kind{
	{"LineReceiver", func() (protocol.Protocol, receiver, *taker) {
		h := &lines{}
		return basic.BindLine(h), h, &h.taker
	}, crlf},
	{"LineOnlyReceiver", func() (protocol.Protocol, receiver, *taker) {
		h := &onlyLines{}
		return basic.BindLine(h), h, &h.taker
	}, crlf},
	{"NetstringReceiver", func() (protocol.Protocol, receiver, *taker) {
		h := &netstrings{}
		return basic.BindString(h), h, &h.taker
	}, netstring},
	{"Int8StringReceiver", func() (protocol.Protocol, receiver, *taker) {
		h := &int8s{}
		return basic.BindString(h), h, &h.taker
	}, prefixed(1)},
	{"Int16StringReceiver", func() (protocol.Protocol, receiver, *taker) {
		h := &int16s{}
		return basic.BindString(h), h, &h.taker
	}, prefixed(2)},
	{"Int32StringReceiver", func() (protocol.Protocol, receiver, *taker) {
		h := &int32s{}
		return basic.BindString(h), h, &h.taker
	}, prefixed(4)},
}

// everyKind runs a test of every receiver, on a transport of its own.
func everyKind(t *testing.T, test func(t *testing.T, k kind, tr *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			p, r, got := k.build()
			test(t, k, connect(t, p), p, r, got)
		})
	}
}

// connect makes a connection to the test.
func connect(t testing.TB, p protocol.Protocol) *protocoltest.StringTransport {
	tr := attach(p)
	tr.TB = t
	return tr
}

// attach makes a connection whose misuse panics.
func attach(p protocol.Protocol) *protocoltest.StringTransport {
	tr := protocoltest.NewStringTransport()
	p.MakeConnection(tr)
	p.ConnectionMade()
	return tr
}

// frames frames messages one behind the other.
func (k kind) frames(messages ...string) string {
	var all strings.Builder
	for _, m := range messages {
		all.WriteString(k.frame(m))
	}
	return all.String()
}

// feed delivers data in chunks of n bytes, as a loop does: in a buffer that goes
// on behind the chunk, and that is overwritten afterwards.
func feed(p interface{ DataReceived([]byte) }, data string, n int) {
	buf := make([]byte, min(n, len(data))+8)
	for len(data) > 0 {
		chunk := buf[:copy(buf[:len(buf)-8], data)]
		data = data[len(chunk):]
		behind := append([]byte(nil), buf[len(chunk):]...)
		p.DataReceived(chunk)
		if !bytes.Equal(buf[len(chunk):], behind) {
			panic("the receiver wrote to the loop's buffer")
		}
		for i := range chunk {
			chunk[i] = 0xDB
		}
	}
}

// want compares the events since the last call.
func (k *taker) want(t *testing.T, events ...string) {
	t.Helper()
	if !slices.Equal(k.events, events) {
		t.Fatalf("the handler got %q, want %q", brief(k.events), brief(events))
	}
	k.events = nil
}

// brief shortens events to a length that one can read.
func brief(events []string) []string {
	events = slices.Clone(events)
	for i, e := range events {
		if len(e) > 60 {
			events[i] = fmt.Sprintf("%s... (%d bytes)", e[:40], len(e))
		}
	}
	return events
}
