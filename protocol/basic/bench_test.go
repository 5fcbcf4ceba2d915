package basic_test

import (
	"fmt"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/basic"
)

// counter counts what it gets.
type counter struct{ messages, bytes int }

func (c *counter) took(message []byte) { c.messages++; c.bytes += len(message) }

// The handlers of the benchmarks, one for each receiver.
type (
	countLines struct {
		basic.LineReceiver
		counter
	}
	countOnlyLines struct {
		basic.LineOnlyReceiver
		counter
	}
	countNetstrings struct {
		basic.NetstringReceiver
		counter
	}
	countInts struct {
		basic.Int32StringReceiver
		counter
	}
)

func (h *countLines) LineReceived(line []byte)     { h.took(line) }
func (h *countOnlyLines) LineReceived(line []byte) { h.took(line) }
func (h *countNetstrings) StringReceived(s []byte) { h.took(s) }
func (h *countInts) StringReceived(s []byte)       { h.took(s) }

// counting returns a handler of each receiver with room for n bytes.
var counting = []struct {
	name  string
	build func(n int) (protocol.Protocol, *counter)
	frame func(string) string
}{
	{"line", func(n int) (protocol.Protocol, *counter) {
		h := &countLines{}
		h.MaxLength = n
		return basic.BindLine(h), &h.counter
	}, crlf},
	{"lineonly", func(n int) (protocol.Protocol, *counter) {
		h := &countOnlyLines{}
		h.MaxLength = n
		return basic.BindLine(h), &h.counter
	}, crlf},
	{"netstring", func(n int) (protocol.Protocol, *counter) {
		h := &countNetstrings{}
		h.MaxLength = n
		return basic.BindString(h), &h.counter
	}, netstring},
	{"int32", func(n int) (protocol.Protocol, *counter) {
		h := &countInts{}
		h.MaxLength = n
		return basic.BindString(h), &h.counter
	}, int32String},
}

// BenchmarkLongMessage feeds one message byte by byte. The time per byte must
// not depend on the size.
func BenchmarkLongMessage(b *testing.B) {
	for _, c := range counting {
		for _, size := range []int{64 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%dKiB", c.name, size>>10), func(b *testing.B) {
				stream := []byte(c.frame(strings.Repeat("x", size)))
				p, got := c.build(size)
				attach(p)
				b.ReportAllocs()
				b.SetBytes(int64(len(stream)))
				n := 0
				for b.Loop() {
					for i := range stream {
						p.DataReceived(stream[i : i+1])
					}
					n++
				}
				if got.messages != n || got.bytes != n*size {
					b.Errorf("%d messages of %d bytes", got.messages, got.bytes)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*len(stream)), "ns/byte")
			})
		}
	}
}

// BenchmarkSmallMessages feeds chunks of 64 KiB that are full of messages of 32
// bytes. The chunks cut messages in two, as a network does.
func BenchmarkSmallMessages(b *testing.B) {
	for _, c := range counting {
		b.Run(c.name, func(b *testing.B) {
			frame := c.frame(strings.Repeat("x", 32))
			chunk := []byte(strings.Repeat(frame, 64<<10/len(frame)+2))
			p, got := c.build(0)
			attach(p)
			b.ReportAllocs()
			b.SetBytes(64 << 10)
			offset := 0
			for b.Loop() {
				p.DataReceived(chunk[offset : offset+64<<10])
				offset = (offset + 64<<10) % len(frame)
			}
			if got.messages == 0 {
				b.Error("no message")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(got.messages), "ns/message")
		})
	}
}

// BenchmarkSend sends messages of 32 bytes to a transport that drops them.
func BenchmarkSend(b *testing.B) {
	message := []byte(strings.Repeat("x", 32))
	line, net, ints := &countLines{}, &countNetstrings{}, &countInts{}
	line.Transport, net.Transport, ints.Transport = void{}, void{}, void{}
	for _, c := range []struct {
		name string
		send func([]byte) error
	}{{"line", line.SendLine}, {"netstring", net.SendString}, {"int32", ints.SendString}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.send(message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// void is a transport that drops what is written.
type void struct{ protocol.Transport }

func (void) WriteSequence([][]byte) error { return nil }
