package dummyhttp

import "cmp"

// interim tells a client that waits with its body, as curl does with a long one,
// that it may send it.
const interim = "HTTP/1.1 100 Continue\r\n\r\n"

// bodyBegins switches to raw mode: lines mean nothing until the body is over.
func (c *client) bodyBegins() {
	c.left = c.head.length
	if c.left == 0 {
		c.answer()
		return
	}
	c.stage, c.fresh = inBody, 0
	c.touch()
	if c.head.expects && c.head.version != "HTTP/1.0" {
		c.write(interim)
	}
	c.SetRawMode()
}

// RawDataReceived counts a piece of the body and forgets it. What follows the
// body is the next request.
//
// A body is given its time anew for each MinBody bytes: one now and then does
// not buy more.
func (c *client) RawDataReceived(data []byte) {
	n := min(uint64(len(data)), c.left)
	c.left -= n
	c.fresh += int(n) // not more than the chunk
	if c.fresh >= cmp.Or(max(c.factory.MinBody, 0), DefaultMinBody) {
		c.fresh = 0
		c.touch()
	}
	if c.left > 0 {
		return
	}
	c.SetLineMode(data[n:])
	c.answer()
}
