package load

import "bytes"

// echo is the mode in which each message must come back. All messages are pieces
// of one pattern, so sending takes no copy; where a piece begins depends on the
// client and on the number of the message, so one that comes to the wrong client,
// twice or not at all is seen.
type echo struct {
	size    int
	pattern []byte
}

// offsets is how many places a message may begin at; a prime, so that it is no
// multiple of anything.
const offsets = 251

// newEcho returns the mode.
func newEcho(g *Generator) *echo {
	e := &echo{size: max(g.opts.Size, 1)}
	e.pattern = make([]byte, e.size+offsets)
	for i := range e.pattern {
		e.pattern[i] = byte(i % offsets)
	}
	return e
}

// perOperation is false: a connection carries one message after the other.
func (e *echo) perOperation() bool { return false }

// message returns the message of a client with this number.
func (e *echo) message(c *client, seq uint32) []byte {
	at := (uint32(c.id)*7 + seq) % offsets
	return e.pattern[at:][:e.size]
}

// ask sends the newest message.
func (e *echo) ask(c *client) {
	// seq counts the messages that have come back.
	if c.transport.WriteShared(e.message(c, c.seq+uint32(c.asked)-1)) == nil {
		c.g.report.Sent += uint64(e.size)
	}
}

// data compares.
func (e *echo) data(c *client, p []byte) {
	for len(p) > 0 {
		if c.underway == 0 {
			c.g.report.Failed++ // one that was not asked for
			c.g.report.Wrong++
			c.giveUp(WrongEcho, "more came back than was sent")
			return
		}
		want := e.message(c, c.seq)[c.got:]
		n := min(len(p), len(want))
		if !bytes.Equal(p[:n], want[:n]) {
			c.g.report.Wrong++
			c.giveUp(WrongEcho, "other bytes came back than were sent")
			return
		}
		p = p[n:]
		if c.got += n; c.got == e.size {
			c.got = 0
			c.seq++
			c.succeed()
			c.g.free(c)
			c.g.maybeOver()
		}
	}
}

// ended leaves what is under way to the caller.
func (e *echo) ended(*client, error) {}
