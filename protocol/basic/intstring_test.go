package basic_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"skein/protocol/basic"
	"skein/protocol/protocoltest"
)

func TestSendIntString(t *testing.T) {
	type sender interface{ SendString([]byte) error }
	i8, i16, i32 := &int8s{}, &int16s{}, &int32s{}
	tests := []struct {
		name   string
		h      basic.StringHandler
		length int
		head   string
		fits   bool
	}{
		{"8 bits, empty", i8, 0, "\x00", true},
		{"8 bits, one", i8, 1, "\x01", true},
		{"8 bits, longest", i8, 255, "\xff", true},
		{"8 bits, too long", i8, 256, "", false},
		{"16 bits, empty", i16, 0, "\x00\x00", true},
		{"16 bits, two digits", i16, 0x102, "\x01\x02", true},
		{"16 bits, longest", i16, 65535, "\xff\xff", true},
		{"16 bits, too long", i16, 65536, "", false},
		{"32 bits, empty", i32, 0, "\x00\x00\x00\x00", true},
		{"32 bits, three digits", i32, 0x10203, "\x00\x01\x02\x03", true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p := basic.BindString(tc.h)
			tr := connect(t, p)
			defer p.ConnectionLost(nil)
			body := strings.Repeat("x", tc.length)
			err := tc.h.(sender).SendString([]byte(body))
			want := tc.head + body
			if !tc.fits {
				want = ""
			}
			if (err == nil) != tc.fits || err != nil && !errors.Is(err, basic.ErrTooLong) {
				t.Errorf("the error is %v", err)
			}
			if string(tr.Value()) != want {
				t.Errorf("sent %d bytes that are not the %d expected", len(tr.Value()), len(want))
			}
		})
	}
}

// int32String frames s with 4 bytes.
func int32String(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func TestIntStringLengthLimit(t *testing.T) {
	long := strings.Repeat("x", 99999)
	tests := []struct {
		name, stream string
		max          int
		want         []string
		closed       bool
	}{
		{"the longest", int32String(long), 0, []string{"string " + long}, false},
		{"one more", "\x00\x01\x86\xa0", 0, nil, true},
		{"the largest length", "\xff\xff\xff\xff", 0, nil, true},
		{"part of a length", "\xff\xff\xff", 0, nil, false},
		{"after a string", int32String("a") + int32String("xxxx") + int32String("b"), 3, []string{"string a"}, true},
		{"only empty ones", int32String("") + int32String("x"), -1, []string{"string "}, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, chunk := range []int{1, 3, 5, 1 << 17} {
				h := &int32s{}
				h.MaxLength = tc.max
				p := basic.BindString(h)
				tr := connect(t, p)
				feed(p, tc.stream, chunk)
				h.want(t, tc.want...)
				if tr.Disconnecting() != tc.closed || tc.closed && !errors.Is(tr.Cause(), basic.ErrTooLong) {
					t.Errorf("closed: %t, for %v", tr.Disconnecting(), tr.Cause())
				}
			}
		})
	}
}

// A hook that does nothing skips the string; one that raises the limit gets it.
func TestLengthLimitExceededHook(t *testing.T) {
	stream := int32String("ok") + int32String("much too long") + int32String("b")
	for chunk := 1; chunk <= len(stream); chunk++ {
		h := &overInt32s{}
		h.MaxLength = 5
		p := basic.BindString(h)
		tr := connect(t, p)
		feed(p, stream, chunk)
		h.want(t, "string ok", "over 13", "string b")

		h.onOver = func(length uint32) {
			h.PauseProducing()
			h.DataReceived(nil)
			h.ResumeProducing()
			h.MaxLength = int(length)
		}
		feed(p, stream, chunk)
		h.want(t, "string ok", "over 13", "string much too long", "string b")

		h.MaxLength = 5
		h.onOver = func(uint32) { h.Transport.LoseConnection() }
		for rest := stream; rest != "" && !tr.Disconnecting(); { // as a transport does
			n := min(chunk, len(rest))
			feed(p, rest[:n], n)
			rest = rest[n:]
		}
		h.want(t, "string ok", "over 13")
	}
}

func TestPausedInLengthLimitExceeded(t *testing.T) {
	h := &overInt32s{}
	h.MaxLength = 5
	h.onOver = func(uint32) { h.PauseProducing() }
	p := basic.BindString(h)
	tr := connect(t, p)
	feed(p, int32String("too long")+int32String("b"), 1000)
	h.want(t, "over 8")
	if tr.ProducerState() != protocoltest.Paused {
		t.Errorf("the transport is %v", tr.ProducerState())
	}
	h.ResumeProducing()
	h.want(t, "string b")
}
