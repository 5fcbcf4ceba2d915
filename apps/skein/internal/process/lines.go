//go:build linux || darwin || freebsd

package process

import (
	"bytes"
	"slices"
)

// lines cuts a stream into lines and passes them on, each with its end and each
// by itself. INVARIANT: it keeps fewer than most bytes.
type lines struct {
	most int // of a line with its end; a longer one comes in pieces
	pass func(line []byte)
	kept []byte // the beginning of a line, without an end
}

// take takes the next part of the stream. What is passed on is valid during the
// call.
func (l *lines) take(p []byte) {
	for len(p) > 0 {
		room := l.most - 1 - len(l.kept)
		end := bytes.IndexByte(p, '\n')
		switch {
		case end >= 0 && end <= room:
			l.emit(p[:end])
			p = p[end+1:]
		case len(p) > room:
			l.emit(p[:room])
			p = p[room:]
		default:
			l.kept = append(l.kept, p...)
			return
		}
	}
}

// end takes the end of the stream: what has begun is a line.
func (l *lines) end() {
	if len(l.kept) > 0 {
		l.emit(nil)
	}
}

// emit passes on what was kept and the rest of its line.
func (l *lines) emit(rest []byte) {
	line := append(slices.Grow(l.kept, len(rest)+1), rest...)
	l.kept = l.kept[:0]
	l.pass(append(line, '\n'))
	if cap(line) <= readSize {
		l.kept = line[:0]
	} else {
		l.kept = nil
	}
}
