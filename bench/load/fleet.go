package load

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/reactor"
)

// Fleet is a load of several processes, as the parent sees it. Its methods
// belong to the reactor's goroutine.
//
//	parent ── options, "go", "stop" ──▶ child's standard input; its end ends the child
//	parent ◀── reports, a line each ─── child's standard output
type Fleet struct {
	// Reactor is the parent's.
	Reactor *reactor.Reactor
	// Command makes the command of a child, which has to call [Serve] with its
	// standard input and output.
	Command func() *exec.Cmd
	// Report takes the reports of all children, and Died is told of one that ended
	// before its last report, or could not be started.
	Report func(*Report)
	Died   func(process int, how error)
	// Patience is how long children may take beyond what they should, before they
	// are killed; 0 is five seconds.
	Patience time.Duration

	children []*child
	going    bool
	stopped  bool
	left     int           // children that have not ended
	most     time.Duration // how long they take at most, once they have begun
	over     *deferred.Deferred
	deadline *clock.DelayedCall // when those that have not ended are killed
}

// child is one process.
type child struct {
	f     *Fleet
	n     int
	cmd   *exec.Cmd
	words chan string // closed: its standard input ends
	ready bool        // its connections are open
	last  bool        // it has reported that it is over
	gone  bool
}

// Start starts a process for each of the options; if one cannot be started, none
// begins. The Deferred fires when all of them have ended.
func (f *Fleet) Start(all []Options) *deferred.Deferred {
	f.over = deferred.New()
	f.Patience = cmp.Or(f.Patience, 5*time.Second)
	f.most = all[0].For + 2*all[0].Timeout // see Generator.deadline
	for i, o := range all {
		c := &child{f: f, n: i, cmd: f.Command(), words: make(chan string, 8)}
		if err := c.start(o); err != nil {
			f.Died(i, fmt.Errorf("process %d of the load could not be started: %w", i+1, err))
			f.Stop()
			break
		}
		f.children = append(f.children, c)
		f.left++
	}
	f.maybeOver()
	return f.over
}

// start starts a process, and the goroutines that talk to it.
func (c *child) start(o Options) error {
	options, err := json.Marshal(o)
	if err != nil {
		return err
	}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	go c.tell(in, options)
	go c.listen(out)
	return nil
}

// tell writes what the child is to know. A child that has died does not read:
// listen hears of that.
func (c *child) tell(in io.WriteCloser, options []byte) {
	_, _ = in.Write(append(options, '\n'))
	for word := range c.words {
		_, _ = io.WriteString(in, word+"\n")
	}
	_ = in.Close()
}

// listen passes on what the child reports, and its end.
func (c *child) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, longestLine)
	var fault error
	for fault == nil && lines.Scan() {
		r := &Report{}
		if fault = json.Unmarshal(lines.Bytes(), r); fault == nil {
			r.Process = c.n
			c.f.Reactor.CallFromThread(func() { c.f.take(c, r) })
		}
	}
	if fault = errors.Join(fault, lines.Err()); fault != nil {
		_ = c.cmd.Process.Kill() // it does not say what it should
	}
	err := c.cmd.Wait()
	c.f.Reactor.CallFromThread(func() { c.f.ended(c, errors.Join(fault, err)) })
}

// take takes a report.
func (f *Fleet) take(c *child, r *Report) {
	c.ready = c.ready || r.Phase != Opening
	c.last = c.last || r.Phase == Over
	f.Report(r)
	f.maybeGo()
}

// maybeGo lets all begin at once, when the last has opened its connections.
func (f *Fleet) maybeGo() {
	if f.going || f.stopped {
		return
	}
	for _, c := range f.children {
		if !c.ready && !c.gone {
			return
		}
	}
	f.going = true
	f.wait(f.most + f.Patience)
	for _, c := range f.children {
		c.say(wordGo)
	}
}

// say says a word to a child that is there. There are no more than two.
func (c *child) say(word string) {
	if !c.gone {
		c.words <- word
	}
}

// Stop has all children end before their time, and ends those that do not.
func (f *Fleet) Stop() {
	if f.stopped {
		return
	}
	f.stopped = true
	for _, c := range f.children {
		c.say(wordStop)
	}
	f.wait(f.Patience)
}

// wait bounds how long the children take from now on: one may hang, or have been
// stopped.
func (f *Fleet) wait(d time.Duration) {
	f.forget()
	f.deadline = f.Reactor.CallLater(d, f.Kill)
}

// forget ends the waiting.
func (f *Fleet) forget() {
	if f.deadline != nil && f.deadline.Active() {
		_ = f.deadline.Cancel()
	}
}

// Kill ends all children at once.
func (f *Fleet) Kill() {
	for _, c := range f.children {
		if !c.gone {
			_ = c.cmd.Process.Kill() // it may just have ended
		}
	}
}

// ended notes the end of a child.
func (f *Fleet) ended(c *child, err error) {
	c.gone = true
	close(c.words)
	if err == nil && !c.last {
		err = errors.New("no last report")
	}
	if err != nil {
		f.Died(c.n, fmt.Errorf("process %d of the load ended before its time: %w", c.n+1, err))
	}
	f.maybeGo()
	f.left--
	f.maybeOver()
}

// maybeOver fires the Deferred when the last child has ended.
func (f *Fleet) maybeOver() {
	if f.left > 0 || f.over.Called() {
		return
	}
	f.forget()
	f.over.Callback(nil)
}
