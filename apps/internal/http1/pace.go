package http1

import "skein/protocol"

// Pace is how fast a client takes its answers. The zero value is that of a new
// connection. It belongs to the loop's goroutine.
type Pace struct {
	written int // bytes given to the transport
	taken   int // of these, what the client had taken when Taking was called last
}

// Wrote notes that n bytes have been given to the transport.
func (p *Pace) Wrote(n int) { p.written += n }

// Taking reports whether there are answers that the client has not taken, and it
// has taken any since the last call. What the system holds counts, too, if the
// transport can tell: the queue alone stands still for long while a slow client
// empties the system's.
func (p *Pace) Taking(t protocol.Transport) bool {
	left := t.Buffered()
	if u, ok := t.(protocol.Unacknowledger); ok {
		left = u.Unacknowledged()
	}
	before := p.taken
	p.taken = p.written - left
	return left > 0 && p.taken > before
}
