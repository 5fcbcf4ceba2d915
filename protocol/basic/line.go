package basic

import (
	"bytes"
	"fmt"
)

// DefaultMaxLine is the length of the longest line, without its delimiter,
// where MaxLength is 0.
const DefaultMaxLine = 16384

// crlf is the delimiter where none is set.
var crlf = []byte("\r\n")

// LineReceiver cuts the stream into lines, and, in raw mode, passes it on as it
// comes. Embed it in a [LineHandler]. The zero value is ready, in line mode.
//
// Twisted: basic.LineReceiver.
type LineReceiver struct {
	Receiver

	// Delimiter ends each line; if it is empty, that is "\r\n". It may be changed
	// between two lines, by the handler too.
	Delimiter []byte
	// MaxLength is the length of the longest line, in bytes and without its
	// delimiter; 0: [DefaultMaxLine], less: empty lines only. It does not bound
	// raw data.
	MaxLength int

	handler    LineHandler
	rawHandler RawDataHandler    // nil if the handler is none
	lengths    LineLengthHandler // nil if the handler is none
	raw        bool
}

// RawDataHandler is the power that a handler of a [LineReceiver] needs for raw
// mode.
type RawDataHandler interface {
	// RawDataReceived takes the next bytes, cut anywhere. The slice is valid until
	// it returns. What it does not want it gives to SetLineMode.
	//
	// Twisted: basic.LineReceiver.rawDataReceived.
	RawDataReceived(data []byte)
}

// LineLengthHandler is the optional power of a handler that wants to deal with
// a line that is too long. Without it, the connection is closed, and the
// reason of ConnectionLost is [ErrTooLong].
type LineLengthHandler interface {
	// LineLengthExceeded takes what there is of the line. It is valid until it
	// returns.
	//
	// From a LineReceiver that is everything that has come, from the beginning
	// of the line, other lines behind it perhaps included: it has been taken from
	// the receiver, which goes on with whatever comes next. The handler may give
	// the lines behind this one back to SetLineMode; giving back all would only
	// bring it again.
	//
	// From a [LineOnlyReceiver] it is the line, or its beginning if its end has
	// not come; in either case the receiver goes on with the next line.
	//
	// Twisted: basic.LineReceiver.lineLengthExceeded.
	LineLengthExceeded(line []byte)
}

// SendLine writes the line and the delimiter, as one write. It keeps no
// reference to line. The error is the transport's.
//
// Twisted: basic.LineReceiver.sendLine.
func (l *LineReceiver) SendLine(line []byte) error { return l.sendLine(line, delimiter(l.Delimiter)) }

// SetRawMode makes what follows go to RawDataReceived as it comes: called by
// LineReceived, the rest of the running chunk in one call. It panics if the
// handler is no [RawDataHandler].
//
// Twisted: basic.LineReceiver.setRawMode.
func (l *LineReceiver) SetRawMode() {
	l.raw = true
	l.checkRaw()
}

// SetLineMode makes what follows go to LineReceived in lines. Extra are bytes
// that come first: what RawDataReceived was given and has no use for. They are
// parsed after the running handler has returned, or at once if none runs. Given
// by LineReceived, they go behind what has come.
//
// Twisted: basic.LineReceiver.setLineMode.
func (l *LineReceiver) SetLineMode(extra []byte) {
	l.raw = false
	if len(extra) > 0 && !l.in.putBack(extra) {
		l.DataReceived(extra)
	}
}

// ClearLineBuffer removes what has come and has not been delivered, and returns
// it: an incomplete line, or, called by a handler or while paused, more. The
// slice is the caller's.
//
// Twisted: basic.LineReceiver.clearLineBuffer.
func (l *LineReceiver) ClearLineBuffer() []byte {
	all := bytes.Join([][]byte{l.in.part, l.in.rest}, nil)
	l.in.drop()
	return all
}

// cut delivers a line, or everything in raw mode.
func (l *LineReceiver) cut() bool {
	if l.raw {
		l.rawHandler.RawDataReceived(l.in.give())
		return true
	}
	delim, limit := delimiter(l.Delimiter), limitOf(l.MaxLength, DefaultMaxLine)
	n := l.in.find(delim)
	switch {
	case n > limit, n < 0 && l.in.pending()-len(delim) >= limit:
		l.exceeded(limit)
	case n < 0:
		l.in.stash()
		return false
	default:
		l.deliver(l.handler, n, len(delim))
	}
	return true
}

// exceeded gives up everything that has come for a line that is too long.
func (l *LineReceiver) exceeded(limit int) {
	all := l.in.give()
	if l.lengths == nil {
		l.lose(errLine(limit))
		return
	}
	l.lengths.LineLengthExceeded(all)
}

// restart goes back to line mode.
func (l *LineReceiver) restart() { l.raw = false }

// user returns the handler.
func (l *LineReceiver) user() any { return l.handler }

// bindLine joins the receiver and its handler.
func (l *LineReceiver) bindLine(h LineHandler) *Receiver {
	l.cutter, l.handler = l, h
	l.rawHandler, _ = h.(RawDataHandler)
	l.lengths, _ = h.(LineLengthHandler)
	l.checkRaw()
	return &l.Receiver
}

// checkRaw panics if nobody takes raw data.
func (l *LineReceiver) checkRaw() {
	if l.raw && l.handler != nil && l.rawHandler == nil {
		panic(fmt.Errorf("basic: raw mode needs a RawDataReceived method, which %T has not", l.handler))
	}
}

// What follows is for both receivers of lines.

// delimiter returns the delimiter that a setting stands for.
func delimiter(set []byte) []byte {
	if len(set) == 0 {
		return crlf
	}
	return set
}

// errLine is the cause of closing for a line longer than limit.
func errLine(limit int) error {
	return fmt.Errorf("%w: a line of more than %d bytes", ErrTooLong, limit)
}

// sendLine writes a line and a delimiter.
func (r *Receiver) sendLine(line, delim []byte) error {
	f := frames.Get().(*frame)
	f.bufs[0], f.bufs[1] = line, delim
	return r.send(f, 2)
}

// deliver passes a line of n bytes on.
func (r *Receiver) deliver(h LineHandler, n, delim int) {
	line, held := r.in.take(n, delim)
	h.LineReceived(line)
	if held {
		r.in.recycle(line)
	}
}

// find returns the length of the line at the beginning of what has come; -1 if
// its end has not come. It looks at the rest only, and at so much of part as a
// delimiter that is cut in two can have there, so a line costs linear time in
// however many chunks it comes.
func (in *intake) find(delim []byte) int {
	for n := min(len(delim)-1, len(in.part)); n > 0; n-- {
		if bytes.HasSuffix(in.part, delim[:n]) && bytes.HasPrefix(in.rest, delim[n:]) {
			return len(in.part) - n
		}
	}
	if i := bytes.Index(in.rest, delim); i >= 0 {
		return len(in.part) + i
	}
	return -1
}
