//go:build linux || darwin || freebsd

package process

import (
	"encoding/json"
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/reactor"
)

// Child is a process that [Spawn] has started. Its methods are the loop's, but
// for PID, Signal and Kill.
//
// Twisted: IProcessTransport, and the ProcessProtocol at the other side.
type Child struct {
	r       *reactor.Reactor
	name    string
	process *os.Process

	// Ours of the pipes; nil where the child has none.
	status, control, output *pipe

	heard   bool // a word came through the status pipe
	ready   occasion
	ended   occasion
	waiting bool // a goroutine waits for the end
}

// maxLine bounds a line of a child's log, and a heartbeat.
const maxLine = 64 << 10

// connect makes the pipes that a child gets, and watches our ends.
func (c *Child) connect(l *launch, o SpawnOptions) error {
	fd, err := l.passStatus()
	if err != nil {
		return err
	}
	status := &lines{most: maxVerdict, pass: c.statusLine}
	if c.status, err = watchPipe(c.r, fd, status, c.statusOver); err != nil {
		return err
	}
	if o.Heartbeat != nil {
		ours, theirs, err := newPair()
		if err != nil {
			return err
		}
		l.rec.Control = l.pass(os.NewFile(uintptr(theirs), "control"))
		beats := &lines{most: maxLine, pass: func(line []byte) {
			if json.Valid(line) {
				o.Heartbeat(slices.Clone(line))
			}
		}}
		if c.control, err = watchPipe(c.r, ours, beats, nil); err != nil {
			return err
		}
	}
	if o.Log != nil {
		r, w, err := newPipe()
		if err != nil {
			return err
		}
		l.stderr = os.NewFile(uintptr(w), "standard error")
		l.closed = append(l.closed, l.stderr)
		text := &lines{most: maxLine, pass: func(line []byte) { _, _ = o.Log.Write(line) }}
		if c.output, err = watchPipe(c.r, r, text, nil); err != nil {
			return err
		}
	}
	return nil
}

// PID returns the process's number. Any goroutine may call it.
func (c *Child) PID() int { return c.process.Pid }

// WhenReady returns a Deferred that fires with nil when the child has called
// Status.Ready. It fails with a [*FailedError] if the child has said why not, and
// with an [*EndedError] if it has ended without a word. It may be called more
// than once.
func (c *Child) WhenReady() *deferred.Deferred { return c.ready.when() }

// WhenEnded returns a Deferred that fires with the child's [Ending] when it has
// ended and what it has said last has been read. A child that is ready and that
// nobody asks this of is not waited for: a successor outlives its maker. It may
// be called more than once.
//
// Twisted: ProcessProtocol.processEnded.
func (c *Child) WhenEnded() *deferred.Deferred {
	c.await()
	return c.ended.when()
}

// Signal sends the child a signal. It returns os.ErrProcessDone if it has ended.
// Any goroutine may call it.
//
// Twisted: IProcessTransport.signalProcess.
func (c *Child) Signal(s os.Signal) error { return c.process.Signal(s) }

// Kill ends the child at once. Any goroutine may call it.
func (c *Child) Kill() { _ = c.process.Kill() } // it may have ended

// statusLine takes the child's word, which is the first line.
func (c *Child) statusLine(line []byte) {
	v, ok := parseVerdict(line)
	if c.heard || !ok {
		return
	}
	c.heard = true
	if v.Ready {
		c.ready.happen(nil, nil)
		return
	}
	c.await() // it is about to end
	c.ready.happen(nil, &FailedError{Name: c.name, PID: c.PID(), Status: v.Status, Text: v.Text})
}

// statusOver takes the end of the status pipe. Without a word, it is the end of
// the child, or near it.
func (c *Child) statusOver() {
	if !c.heard {
		c.await()
	}
}

// await has a goroutine wait for the end of the child.
func (c *Child) await() {
	if c.waiting {
		return
	}
	c.waiting = true
	go func() {
		state, err := c.process.Wait()
		c.r.CallFromThread(func() { c.gone(state, err) })
	}()
}

// gone takes the end of the child: first what it has left in its pipes.
func (c *Child) gone(state *os.ProcessState, err error) {
	ending := Ending{Status: -1} // somebody else has waited for it
	if err == nil {
		ending = endingOf(state)
	}
	c.hangUp()
	if !c.ready.over {
		c.ready.happen(nil, &EndedError{Name: c.name, PID: c.PID(), Ending: ending})
	}
	c.ended.happen(ending, nil)
}

// hangUp closes our ends of the pipes, when they have been read to the end.
func (c *Child) hangUp() {
	for _, p := range []*pipe{c.status, c.control, c.output} {
		if p != nil {
			p.finish()
		}
	}
}

// occasion is what happens once, and those who wait for it.
type occasion struct {
	over    bool
	value   any
	err     error
	waiting []*deferred.Deferred
}

// when returns a Deferred that fires on the occasion.
func (o *occasion) when() *deferred.Deferred {
	if o.over && o.err != nil {
		return deferred.Fail(o.err)
	}
	if o.over {
		return deferred.Succeed(o.value)
	}
	d := deferred.New()
	o.waiting = append(o.waiting, d)
	return d
}

// happen fires the Deferreds; those that were cancelled take no notice.
func (o *occasion) happen(value any, err error) {
	o.over, o.value, o.err = true, value, err
	waiting := o.waiting
	o.waiting = nil
	for _, d := range waiting {
		if err != nil {
			d.Errback(err)
		} else {
			d.Callback(value)
		}
	}
}

// errClosed says that a pipe has come to its end.
var errClosed = errors.New("the other end is closed")

// pipe is our end of one of a child's pipes.
type pipe struct {
	r      *reactor.Reactor
	fd     int
	text   *lines
	over   func() // the other end is closed; may be nil
	buf    []byte
	closed bool
}

// readSize is how much is read of a pipe in one turn of the loop, so that a child
// that floods has its share and no more.
const readSize = 16 << 10

// maxLeft bounds what is read of a pipe when its child has ended: as much as a
// pipe holds.
const maxLeft = 1 << 20

// watchPipe reads a pipe from now on, and owns it.
func watchPipe(r *reactor.Reactor, fd int, text *lines, over func()) (*pipe, error) {
	p := &pipe{r: r, fd: fd, text: text, over: over, buf: make([]byte, readSize)}
	err := unix.SetNonblock(fd, true)
	if err == nil {
		err = r.AddReader(p)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return p, nil
}

// Fileno returns the descriptor.
func (p *pipe) Fileno() int { return p.fd }

// DoRead reads a share.
func (p *pipe) DoRead() error {
	_, err := p.read()
	return err
}

// read reads once; nothing and no error means that there is nothing now.
func (p *pipe) read() (int, error) {
	n, err := unix.Read(p.fd, p.buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, nil
	case err != nil:
		return 0, err
	case n == 0:
		return 0, errClosed
	}
	p.text.take(p.buf[:n])
	return n, nil
}

// ConnectionLost takes the end of the pipe, or of the reactor.
func (p *pipe) ConnectionLost(reason error) {
	p.close()
	if p.over != nil && !errors.Is(reason, reactor.ErrStopped) {
		p.over()
	}
}

// finish reads what is left, and closes. The child may have passed its end on, so
// the pipe need not have one.
func (p *pipe) finish() {
	if p.closed {
		return
	}
	for left := maxLeft; left > 0; {
		n, err := p.read()
		if n == 0 || err != nil {
			break
		}
		left -= n
	}
	p.r.RemoveReader(p)
	p.close()
}

// close closes the descriptor, which the reactor has forgotten.
func (p *pipe) close() {
	p.closed = true
	p.text.end()
	_ = unix.Close(p.fd)
}
