package basic_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"skein/protocol"
	"skein/protocol/basic"
)

// The costs that the package promises, in time and memory.

// A receiver that looked at all it has with every byte would take 256 times as
// long for 16 times the bytes.
func TestTimeIsLinear(t *testing.T) {
	const small, factor = 32 << 10, 16
	for _, c := range counting {
		t.Run(c.name, func(t *testing.T) {
			best := func(size int) time.Duration {
				stream := []byte(c.frame(strings.Repeat("x", size)))
				fastest := time.Hour
				for range 5 {
					p, got := c.build(size)
					attach(p)
					start := time.Now()
					for i := range stream {
						p.DataReceived(stream[i : i+1])
					}
					fastest = min(fastest, time.Since(start))
					if got.bytes != size {
						t.Fatalf("got %d bytes, want %d", got.bytes, size)
					}
				}
				return fastest
			}
			few, many := best(small), best(small*factor)
			if many > 5*factor*few {
				t.Errorf("%d times the bytes took %d times as long (%v and %v)", factor, many/few, few, many)
			}
		})
	}
}

// Each body of a chunk full of short ones goes back to line mode with the rest
// of the chunk. Copying that each time would move 16 MiB here.
func TestPuttingBackTheRestCopiesNothing(t *testing.T) {
	h := &bodies{}
	p, chunk := basic.BindLine(h), []byte(strings.Repeat("x\r\nbody", 1<<10))
	attach(p)
	if n := testing.AllocsPerRun(10, func() { p.DataReceived(chunk) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if h.lines != 11<<10 {
		t.Errorf("%d lines", h.lines)
	}
}

// bodies takes lines with a body of four bytes each.
type bodies struct {
	basic.LineReceiver
	lines int
}

func (h *bodies) LineReceived([]byte)         { h.lines++; h.SetRawMode() }
func (h *bodies) RawDataReceived(data []byte) { h.SetLineMode(data[4:]) }

// Messages that lie in one chunk cost nothing, nor does one that begins in the
// chunk before, once there is a buffer for it.
func TestMessagesCostNoAllocation(t *testing.T) {
	for _, c := range counting {
		t.Run(c.name, func(t *testing.T) {
			p, got := c.build(0)
			attach(p)
			whole := []byte(strings.Repeat(c.frame("hello, world"), 100))
			cut := append(whole[10:len(whole):len(whole)], whole[:10]...)
			p.DataReceived(whole[:10])
			if n := testing.AllocsPerRun(100, func() { p.DataReceived(cut) }); n > 0 {
				t.Errorf("%v allocations for 100 messages, the first and last cut in two", n)
			}
			p.DataReceived(whole[10:])
			if n := testing.AllocsPerRun(100, func() { p.DataReceived(whole) }); n > 0 {
				t.Errorf("%v allocations for 100 messages in one chunk", n)
			}
			if got.messages != 102*100+101*100 {
				t.Errorf("%d messages", got.messages)
			}
		})
	}
}

// A message that is cut in two costs nothing either, though between it and the
// next one the connection has no buffer.
func TestAMessageInTwoChunksCostsNoAllocation(t *testing.T) {
	for _, c := range counting {
		t.Run(c.name, func(t *testing.T) {
			p, got := c.build(0)
			attach(p)
			frame := []byte(c.frame(strings.Repeat("hello", 50)))
			for _, cut := range []int{1, 5, len(frame) / 2, len(frame) - 1} {
				n := testing.AllocsPerRun(100, func() {
					p.DataReceived(frame[:cut])
					p.DataReceived(frame[cut:])
				})
				if n > 0 {
					t.Errorf("%v allocations, cut after %d bytes", n, cut)
				}
			}
			if got.messages != 4*101 {
				t.Errorf("%d messages", got.messages)
			}
		})
	}
}

// Connections share their buffers, but never at the same time: each has the
// beginning of a message while the others get theirs, and some end that way.
func TestSharedBuffersAreNotMixedUp(t *testing.T) {
	const connections, rounds = 20, 50
	for round := range rounds {
		handlers := make([]*netstrings, connections)
		bound := make([]protocol.Protocol, connections)
		sent := make([]string, connections)
		for i := range handlers {
			handlers[i] = &netstrings{}
			bound[i] = basic.BindString(handlers[i])
			attach(bound[i])
			// Around the length of a shared buffer, and far from it.
			sent[i] = strings.Repeat(string(rune('a'+i)), []int{3, 400, 511, 512, 513, 2000}[(i+round)%6])
		}
		for part := range 3 {
			for i, p := range bound {
				stream := netstring(sent[i])
				third := len(stream) / 3
				switch {
				case part == 1 && (i+round)%4 == 0:
					p.ConnectionLost(protocol.ErrConnectionDone)
					attach(p)
				case part < 2 && (i+round)%4 > 0:
					feed(p, stream[part*third:(part+1)*third], third)
				case (i+round)%4 > 0:
					feed(p, stream[2*third:], len(stream))
				case part == 0:
					feed(p, stream[:third], third)
				}
			}
		}
		for i, h := range handlers {
			if lost := (i+round)%4 == 0; lost && len(h.events) > 0 || !lost && !slices.Equal(h.events, []string{"string " + sent[i]}) {
				t.Fatalf("connection %d got %.100q, want %.20q", i, h.events, sent[i])
			}
		}
	}
}

// Some senders write the length and the string one after the other, and the
// network keeps them apart.
func TestALengthByItselfNeedsNoBuffer(t *testing.T) {
	for _, c := range counting[2:] {
		p, got := c.build(0)
		attach(p)
		frame := []byte(c.frame("hello, world"))
		body := bytes.IndexByte(frame, 'h')
		n := testing.AllocsPerRun(100, func() {
			for i := range body {
				p.DataReceived(frame[i : i+1])
			}
			p.DataReceived(frame[body:])
		})
		if n > 0 || got.messages != 101 {
			t.Errorf("%s: %v allocations for one message; %d messages", c.name, n, got.messages)
		}
	}
}

// TestIdleConnectionsKeepNothing sends a large message in two pieces over many
// connections, and then nothing, or the beginning of a small one.
func TestIdleConnectionsKeepNothing(t *testing.T) {
	const connections = 100
	for _, c := range counting {
		for _, tail := range []int{0, 3} {
			size, most := 1<<20, 4<<10
			if tail == 0 {
				size, most = 3000, 2<<10 // such a buffer might stay if a message began
			}
			stream := c.frame(strings.Repeat("x", size)) + c.frame("small")[:tail]
			held := make([]protocol.Protocol, connections)
			before := heap()
			for i := range held {
				held[i], _ = c.build(size)
				attach(held[i])
				feed(held[i], stream, len(stream)/2)
				if tail > 0 { // ends in the same chunk as the message
					feed(held[i], c.frame("small")[tail:]+c.frame("small")[:tail], 100)
				}
			}
			if kept := (heap() - before) / connections; kept > most {
				t.Errorf("%s with a tail of %d bytes: each connection keeps %d bytes", c.name, tail, kept)
			}
			runtime.KeepAlive(held)
		}
	}
}

// heap returns the number of bytes that are in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// An announced length takes no memory.
func TestAnAnnouncedLengthTakesNoMemory(t *testing.T) {
	const announced = 1 << 30
	for _, c := range counting[2:] {
		p, _ := c.build(announced)
		attach(p)
		before := heap()
		head := map[string]string{"netstring": "1000000000:", "int32": "\x3f\xff\xff\xff"}[c.name]
		feed(p, head+"begin", 3)
		if kept := heap() - before; kept > 64<<10 {
			t.Errorf("%s keeps %d bytes of a string of which 5 have come", c.name, kept)
		}
		runtime.KeepAlive(p)
	}
}

// What was held back, and then given to a handler, goes with it.
func TestAPausedConnectionKeepsNothingAfterwards(t *testing.T) {
	h := &lines{}
	p := basic.BindLine(h)
	attach(p)
	h.SetRawMode()
	before := heap()
	h.PauseProducing()
	feed(p, strings.Repeat("x", 1<<20), 64<<10)
	h.onRaw = func(data []byte) {
		if len(data) != 1<<20 {
			t.Errorf("got %d bytes in one call", len(data))
		}
		h.events = nil
	}
	h.ResumeProducing()
	if kept := heap() - before; kept > 64<<10 {
		t.Errorf("%d bytes are kept", kept)
	}
	runtime.KeepAlive(p)
}

func TestSendingCostsNoAllocation(t *testing.T) {
	line, net, ints := &countLines{}, &countNetstrings{}, &countInts{}
	line.Transport, net.Transport, ints.Transport = void{}, void{}, void{}
	for name, send := range map[string]func([]byte) error{
		"line": line.SendLine, "netstring": net.SendString, "int32": ints.SendString,
	} {
		message := []byte("hello, world")
		if n := testing.AllocsPerRun(1000, func() { _ = send(message) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
