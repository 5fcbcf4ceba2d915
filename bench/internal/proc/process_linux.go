package proc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	answerLimit = 10 * time.Second // how long a program may take for an answer
	stopLimit   = 5 * time.Second  // how long it may take to end when its input has
	tailSize    = 4096             // how much of its complaints is kept, the newest
)

// A Process is a running program that reads and prints lines. Its methods are
// for one goroutine at a time.
type Process struct {
	cmd  *exec.Cmd
	name string

	in    *os.File // its standard input
	out   *os.File // its standard output
	lines *bufio.Reader
	tail  *tail // the end of its standard error

	ended chan struct{} // closed when the program is gone
	err   error         // how it went; read it after ended
}

// Launch starts the program argv[0] on a core; one below zero stands for any.
// It ends with Stop, which must be called.
func Launch(core int, argv ...string) (*Process, error) {
	if len(argv) == 0 {
		return nil, errors.New("proc: no program to launch")
	}
	p := &Process{cmd: exec.Command(argv[0], argv[1:]...), tail: &tail{}, ended: make(chan struct{})}
	p.name = filepath.Base(argv[0])
	if len(argv) > 1 {
		p.name += " " + strings.Join(argv[1:], " ")
	}
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		_, _ = childIn.Close(), in.Close()
		return nil, err
	}
	p.in, p.out, p.lines = in, out, bufio.NewReader(out)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = childIn, childOut, p.tail
	err = onCore(core, p.cmd.Start)
	_, _ = childIn.Close(), childOut.Close() // the program has its own
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, fmt.Errorf("proc: %s: %w", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Pid is the number of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Ask sends a line and returns the one that comes back.
func (p *Process) Ask(line string, limit time.Duration) (string, error) {
	if err := p.in.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return "", p.failure(err)
	}
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		return "", p.failure(err)
	}
	return p.Line(limit)
}

// Line returns the next line that the program prints, without its end.
func (p *Process) Line(limit time.Duration) (string, error) {
	if err := p.out.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return "", p.failure(err)
	}
	line, err := p.lines.ReadString('\n')
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("said nothing for %v", limit)
		}
		return "", p.failure(err)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// Stop ends the program's input and waits until it is gone. One that stays is
// killed, and that is an error, as is a status other than 0.
func (p *Process) Stop() error {
	_ = p.in.Close()
	defer p.out.Close()
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
		return p.failure(fmt.Errorf("did not end within %v of its input's end, and was killed", stopLimit))
	}
	if p.err != nil {
		return p.failure(p.err)
	}
	return nil
}

// Kill ends the program at once, as a crash would. Stop must still be called.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	return err
}

// failure tells which program failed, and what it complained of.
func (p *Process) failure(err error) error {
	if errors.Is(err, io.EOF) || hasNoProcess(err) {
		// Its last words are complete when it is gone, which is soon.
		timer := time.NewTimer(stopLimit)
		defer timer.Stop()
		select {
		case <-p.ended:
			err = fmt.Errorf("ended: %w", errors.Join(p.err, io.ErrUnexpectedEOF))
		case <-timer.C:
		}
	}
	if words := p.tail.String(); words != "" {
		return fmt.Errorf("proc: %s: %w; its standard error: %s", p.name, err, words)
	}
	return fmt.Errorf("proc: %s: %w", p.name, err)
}

// hasNoProcess reports whether an error is that of asking the kernel about a
// process that is gone.
func hasNoProcess(err error) bool {
	return errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) || errors.Is(err, fs.ErrNotExist)
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

// Write takes all of b.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b...)
	if over := len(t.end) - tailSize; over > 0 {
		t.end = append(t.end[:0], t.end[over:]...)
	}
	return len(b), nil
}

// String is what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.end))
}
