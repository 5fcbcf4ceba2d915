package load

import (
	"errors"
	"fmt"
	"hash/crc64"

	"skein/protocol"
)

// poems is the mode in which each operation connects, reads to the end and
// compares the poem with the one that is wanted. Of a poem it keeps the length
// and a checksum, so a client costs the same whatever the poem's size.
type poems struct {
	g    *Generator
	want *Fingerprint // nil before the first
}

// newPoem returns the mode.
func newPoem(g *Generator) *poems { return &poems{g: g, want: g.opts.Want} }

// perOperation is true: the end of the connection is the end of the poem.
func (p *poems) perOperation() bool { return true }

// ask has nothing to say: to connect is to ask.
func (p *poems) ask(*client) {}

// data adds to the poem.
func (p *poems) data(c *client, data []byte) {
	c.sum = crc64.Update(c.sum, crcTable, data)
	c.got += len(data)
}

// ended judges the poem. One that ended in any other than good order is wrong.
func (p *poems) ended(c *client, reason error) {
	if c.underway == 0 {
		return
	}
	if c.failure != "" || !errors.Is(reason, protocol.ErrConnectionDone) {
		c.g.report.Wrong++
		return // the caller knows the kind
	}
	if p.want == nil && c.got > 0 {
		p.want = &Fingerprint{Bytes: c.got, CRC64: c.sum}
		p.g.report.Poem = p.want
	}
	switch {
	case c.got == 0:
		p.wrong(c, ShortPoem, "the server closed the connection without sending a byte")
	case c.got < p.want.Bytes:
		p.wrong(c, ShortPoem, fmt.Sprintf("%d bytes, not %d", c.got, p.want.Bytes))
	case c.got > p.want.Bytes:
		p.wrong(c, WrongPoem, fmt.Sprintf("%d bytes, not %d", c.got, p.want.Bytes))
	case c.sum != p.want.CRC64:
		p.wrong(c, WrongPoem, fmt.Sprintf("%d bytes, as many as there should be, but others", c.got))
	default:
		c.succeed()
	}
}

// wrong counts a poem that is not the one that it should be.
func (p *poems) wrong(c *client, k Kind, what string) {
	c.g.report.Wrong++
	c.g.count(k, what)
	c.fail(k)
}
