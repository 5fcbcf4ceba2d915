package basic

import (
	"fmt"
	"strconv"
)

// DefaultMaxString is the length of the longest string where MaxLength is 0.
const DefaultMaxString = 99999

// NetstringReceiver cuts the stream into netstrings: the length in decimal
// digits, a colon, that many bytes, a comma, as in "5:hello,". At the first
// byte that cannot belong to a netstring, or that makes one longer than
// MaxLength, it closes the connection, with [ErrMalformed] or [ErrTooLong] as
// the cause. Embed it in a [StringHandler]. The zero value is ready.
//
// Twisted: basic.NetstringReceiver.
type NetstringReceiver struct {
	Receiver

	// MaxLength is the length of the longest string that is accepted, in bytes;
	// 0: [DefaultMaxString], less: empty strings only. It does not bound what is
	// sent.
	MaxLength int

	handler StringHandler
	length  int // so far as its digits have come
	stage   netstringStage
}

// netstringStage says what comes next.
type netstringStage uint8

const (
	netstringStart netstringStage = iota // the first digit
	netstringDigit                       // another digit or the colon
	netstringBody                        // the string and the comma
	netstringFault                       // nothing: what has come is no netstring
)

// SendString writes s as a netstring, as one write. It keeps no reference to s.
// The error is the transport's.
//
// Twisted: basic.NetstringReceiver.sendString.
func (s *NetstringReceiver) SendString(p []byte) error {
	f := frames.Get().(*frame)
	f.bufs[0] = append(strconv.AppendInt(f.head[:0], int64(len(p)), 10), ':')
	f.bufs[1], f.bufs[2] = p, comma
	return s.send(f, 3)
}

// Midway reports whether bytes have come that have not been delivered: the
// beginning of a string, or, while the receiver is paused, more, or what has made
// it close the connection.
//
// Twisted: none.
func (s *NetstringReceiver) Midway() bool { return s.stage != netstringStart || s.in.pending() > 0 }

// comma ends a netstring.
var comma = []byte{','}

// cut delivers a string.
func (s *NetstringReceiver) cut() bool {
	if s.stage == netstringStart { // part is empty: there is nothing to be in it
		rest := s.in.rest
		n, start := number(rest)
		end := start + n
		if start > 0 && end < len(rest) && rest[end] == ',' && (s.MaxLength == 0 || n <= s.MaxLength) {
			s.in.rest = nil
			if end+1 < len(rest) {
				s.in.rest = rest[end+1:]
			}
			s.handler.StringReceived(rest[start:end:end])
			return len(s.in.rest) > 0
		}
	}
	for s.stage != netstringBody {
		if len(s.in.rest) == 0 || s.stage == netstringFault {
			return false
		}
		if err := s.head(s.in.rest[0]); err != nil {
			s.fault(err)
			return false
		}
		s.in.rest = s.in.rest[1:]
	}
	if s.in.pending() <= s.length { // the comma must have come, too
		s.in.stash()
		return false
	}
	if c := s.in.rest[s.length-len(s.in.part)]; c != ',' {
		s.fault(malformed(c, "the comma"))
		return false
	}
	p, held := s.in.take(s.length, 1)
	s.restart()
	s.handler.StringReceived(p)
	if held {
		s.in.recycle(p)
	}
	return true
}

// number returns the length that data begins with, and where the string begins. It
// knows those of up to five digits, which [DefaultMaxString] has, with their colon; for
// any other data start is 0, and head finds out what is wrong or missing. Nearly all
// netstrings come this way, which spares them a call for each byte of the length; and
// most are as long as a line of a poem, which takes two digits.
func number(data []byte) (n, start int) {
	if len(data) > 2 && data[2] == ':' && data[0]-'1' <= 8 && data[1]-'0' <= 9 {
		return int(data[0]-'0')*10 + int(data[1]-'0'), 3
	}
	for i, c := range data {
		switch digit := c - '0'; { // more than 9 for whatever is no digit
		case digit <= 9 && i < 5:
			n = n*10 + int(digit)
		case c == ':' && (i == 1 || i > 1 && data[0] != '0'):
			return n, i + 1
		default:
			return 0, 0
		}
	}
	return 0, 0
}

// head takes a byte of the length. It needs no buffer, and sees an error at the
// first byte that makes it one.
func (s *NetstringReceiver) head(c byte) error {
	switch digit := int(c) - '0'; {
	case digit >= 0 && digit <= 9:
		if s.stage == netstringDigit && s.length == 0 {
			return malformed(c, "the colon, for a length has no leading zero")
		}
		// 10*length + digit > limit, without the overflow.
		limit := limitOf(s.MaxLength, DefaultMaxString)
		if s.length > limit/10 || s.length*10 > limit-digit {
			return fmt.Errorf("%w: a netstring of more than %d bytes", ErrTooLong, limit)
		}
		s.length = s.length*10 + digit
		s.stage = netstringDigit
	case s.stage == netstringStart:
		return malformed(c, "a digit")
	case c != ':':
		return malformed(c, "a digit or the colon")
	default:
		s.stage = netstringBody
	}
	return nil
}

// fault closes the connection: where the next string begins cannot be told.
func (s *NetstringReceiver) fault(cause error) {
	s.stage = netstringFault
	s.lose(cause)
}

// malformed says what should have come instead of c.
func malformed(c byte, wanted string) error {
	return fmt.Errorf("%w: got %q in place of %s", ErrMalformed, c, wanted)
}

// restart waits for the next string.
func (s *NetstringReceiver) restart() { s.length, s.stage = 0, netstringStart }

// user returns the handler.
func (s *NetstringReceiver) user() any { return s.handler }

// bindString joins the receiver and its handler.
func (s *NetstringReceiver) bindString(h StringHandler) *Receiver {
	s.cutter, s.handler = s, h
	return &s.Receiver
}
