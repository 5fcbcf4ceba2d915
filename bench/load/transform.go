package load

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// transforms is the mode in which a client sends netstrings NAME.text and checks
// the netstrings that come back: all must be the same, and what cummingsify makes
// of ASCII is known before.
type transforms struct {
	request []byte
	want    []byte // the answer as it comes over the wire; nil before the first
}

// newTransform returns the mode.
func newTransform(g *Generator) *transforms {
	o := g.opts
	t := &transforms{request: netstring(o.Name + "." + string(o.Text))}
	if o.Name == "cummingsify" && isASCII(o.Text) {
		t.want = netstring(strings.ToLower(string(o.Text)))
	}
	return t
}

// netstring frames s.
func netstring(s string) []byte { return []byte(strconv.Itoa(len(s)) + ":" + s + ",") }

// isASCII reports whether p is plain enough for us to know its lower case.
func isASCII(p []byte) bool { return !bytes.ContainsFunc(p, func(r rune) bool { return r >= 0x80 }) }

// perOperation is false, unless the server turns out to close after its first
// answer: then Generator.single is true.
func (t *transforms) perOperation() bool { return false }

// ask sends a request.
func (t *transforms) ask(c *client) {
	if c.transport.WriteShared(t.request) == nil {
		c.g.report.Sent += uint64(len(t.request))
	}
}

// data compares with the answer that is wanted, or finds out what that is.
func (t *transforms) data(c *client, p []byte) {
	for len(p) > 0 && c.failure == "" {
		if c.underway == 0 || c.g.single && c.answered > 0 && c.asked == 0 {
			t.wrong(c, "an answer to nothing")
			return
		}
		n := 0
		if t.want == nil || c.buf != nil {
			n = t.learn(c, p)
		} else {
			n = t.compare(c, p)
		}
		p = p[n:]
	}
}

// compare takes what belongs to one answer and returns its length.
func (t *transforms) compare(c *client, p []byte) int {
	want := t.want[c.got:]
	n := min(len(p), len(want))
	if !bytes.Equal(p[:n], want[:n]) {
		t.wrong(c, "another answer than to the same request before, or than is right")
		return len(p)
	}
	if c.got += n; c.got == len(t.want) {
		t.answered(c)
	}
	return n
}

// learn gathers an answer that there is nothing to compare with yet: several
// clients may ask at first. It returns how much of p belongs to it.
func (t *transforms) learn(c *client, p []byte) int {
	had := len(c.buf)
	c.buf = append(c.buf, p...)
	size, err := frame(c.buf)
	switch {
	case err != nil:
		t.wrong(c, err.Error())
		return len(p)
	case size == 0 || len(c.buf) < size:
		return len(p)
	}
	answer := c.buf[:size:size]
	c.buf = nil
	if t.want == nil {
		t.want = answer
	}
	if !bytes.Equal(answer, t.want) {
		t.wrong(c, "another answer than to the same request before")
		return len(p)
	}
	t.answered(c)
	return size - had
}

// longestAnswer bounds what each client keeps of a first answer: the servers that
// we know have no longer requests than a tenth of that.
const longestAnswer = 1 << 20

// frame returns the length of the netstring that p begins with, 0 if that is not
// known yet.
func frame(p []byte) (int, error) {
	const digits = 9
	colon := bytes.IndexByte(p[:min(len(p), digits+1)], ':')
	if colon < 0 && len(p) <= digits {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(p[:max(colon, 0)]), 10, 31)
	if err != nil {
		return 0, fmt.Errorf("an answer that is not a netstring: %.20q", p)
	}
	size := colon + 1 + int(n) + 1
	if size > longestAnswer {
		return 0, fmt.Errorf("an answer that is too long: %d bytes", n)
	}
	if len(p) >= size && p[size-1] != ',' {
		return 0, fmt.Errorf("an answer that is not a netstring: its end is %q", p[size-1])
	}
	return size, nil
}

// answered counts a right answer and goes on.
func (t *transforms) answered(c *client) {
	c.got = 0
	c.succeed()
	c.g.free(c)
	c.g.maybeOver()
}

// wrong ends the connection of a wrong answer.
func (t *transforms) wrong(c *client, what string) {
	if c.underway == 0 {
		c.g.report.Failed++ // one that was not asked for
	}
	c.g.report.Wrong++
	c.giveUp(WrongAnswer, what)
}

// ended leaves what is under way to the caller.
func (t *transforms) ended(*client, error) {}
