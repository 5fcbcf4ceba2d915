package basic

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// The receivers of strings with a length in front, in network byte order.
//
// Twisted: basic.Int8StringReceiver, basic.Int16StringReceiver,
// basic.Int32StringReceiver.
type (
	// Int8StringReceiver takes strings of up to 255 bytes.
	Int8StringReceiver = IntStringReceiver[uint8]
	// Int16StringReceiver takes strings of up to 65,535 bytes.
	Int16StringReceiver = IntStringReceiver[uint16]
	// Int32StringReceiver takes strings of up to 4,294,967,295 bytes, if
	// MaxLength allows.
	Int32StringReceiver = IntStringReceiver[uint32]
)

// IntStringReceiver cuts the stream into strings, each behind its length, which
// is as wide as P. Embed it in a [StringHandler], under one of its three
// names. The zero value is ready.
//
// Twisted: basic.IntNStringReceiver.
type IntStringReceiver[P uint8 | uint16 | uint32] struct {
	Receiver

	// MaxLength is the length of the longest string that is accepted, in bytes;
	// 0: [DefaultMaxString], less: empty strings only. It does not bound what is
	// sent.
	MaxLength int

	handler StringHandler
	limits  LengthLimitHandler // nil if the handler is none
	length  uint32             // of the string; so far as its bytes have come
	prefix  uint8              // how many bytes of the length have come
	stage   intStage
}

// intStage says what comes next.
type intStage uint8

const (
	intPrefix intStage = iota // the length
	intBody                   // the string
	intSkip                   // a string that is too long
)

// LengthLimitHandler is the optional power of a handler that wants to deal with
// a string that is too long. Without it, the connection is closed, and the
// reason of ConnectionLost is [ErrTooLong].
type LengthLimitHandler interface {
	// LengthLimitExceeded says how long the string is that comes next. Unless it
	// closes the connection, the string is skipped; or, if it has raised
	// MaxLength enough, received.
	//
	// Twisted: basic.IntNStringReceiver.lengthLimitExceeded.
	LengthLimitExceeded(length uint32)
}

// SendString writes p behind its length, as one write. It keeps no reference to
// p. It returns an error that is [ErrTooLong], and writes nothing, if the
// length does not fit; any other error is the transport's.
//
// Twisted: basic.IntNStringReceiver.sendString.
func (s *IntStringReceiver[P]) SendString(p []byte) error {
	if uint64(len(p)) > uint64(^P(0)) {
		return fmt.Errorf("%w: %d bytes, and the length in front can say %d", ErrTooLong, len(p), ^P(0))
	}
	f := frames.Get().(*frame)
	binary.BigEndian.PutUint32(f.head[:], uint32(len(p)))
	f.bufs[0], f.bufs[1] = f.head[4-s.width():4], p
	return s.send(f, 2)
}

// width returns the number of bytes of the length.
func (s *IntStringReceiver[P]) width() int { return bits.Len32(uint32(^P(0))) / 8 }

// cut delivers a string, or skips some of one.
func (s *IntStringReceiver[P]) cut() bool {
	switch s.stage {
	case intSkip:
		return s.skip()
	case intPrefix:
		if !s.head() {
			return false
		}
		if s.over() {
			s.exceeded()
			return true // look first whether the handler has paused or closed
		}
		s.stage = intBody
	}
	n := int(s.length)
	if s.in.pending() < n {
		s.in.stash()
		return false
	}
	p, held := s.in.take(n, 0)
	s.restart()
	s.handler.StringReceived(p)
	if held {
		s.in.recycle(p)
	}
	return true
}

// head takes the length, and reports whether it is complete. It needs no
// buffer.
func (s *IntStringReceiver[P]) head() bool {
	for ; int(s.prefix) < s.width(); s.prefix++ {
		if len(s.in.rest) == 0 {
			return false
		}
		s.length = s.length<<8 | uint32(s.in.rest[0])
		s.in.rest = s.in.rest[1:]
	}
	return true
}

// over reports whether the string is too long.
func (s *IntStringReceiver[P]) over() bool {
	return uint64(s.length) > uint64(limitOf(s.MaxLength, DefaultMaxString))
}

// exceeded tells of a string that is too long, and does what the handler wants.
func (s *IntStringReceiver[P]) exceeded() {
	if s.limits == nil {
		s.lose(fmt.Errorf("%w: a string of %d bytes, and the limit is %d",
			ErrTooLong, s.length, limitOf(s.MaxLength, DefaultMaxString)))
		return
	}
	s.stage = intSkip
	s.limits.LengthLimitExceeded(s.length)
	if !s.over() {
		s.stage = intBody
	}
}

// skip drops what has come of a string that is too long.
func (s *IntStringReceiver[P]) skip() bool {
	n := min(int64(len(s.in.rest)), int64(s.length))
	s.in.rest = s.in.rest[n:]
	if s.length -= uint32(n); s.length > 0 {
		return false
	}
	s.restart()
	return true
}

// restart waits for the next string.
func (s *IntStringReceiver[P]) restart() { s.length, s.prefix, s.stage = 0, 0, intPrefix }

// user returns the handler.
func (s *IntStringReceiver[P]) user() any { return s.handler }

// bindString joins the receiver and its handler.
func (s *IntStringReceiver[P]) bindString(h StringHandler) *Receiver {
	s.cutter, s.handler = s, h
	s.limits, _ = h.(LengthLimitHandler)
	return &s.Receiver
}
