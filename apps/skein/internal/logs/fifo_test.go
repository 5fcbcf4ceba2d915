package logs_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"skein/apps/skein/internal/logs"
)

// newFIFO makes a FIFO.
func newFIFO(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	must(t, syscall.Mkfifo(path, 0o600))
	return path
}

func TestAFIFOThatNobodyReads(t *testing.T) {
	path := newFIFO(t)
	witness, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0) // who looks in the end
	must(t, err)
	defer witness.Close()
	start := time.Now()
	l := open(t, logs.Options{Format: "json", File: path})
	const last = 50000
	numbered(l, 1, last)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("that took %v", d)
	}
	if l.Dropped() < last/2 {
		t.Errorf("only %d lines were dropped", l.Dropped())
	}
	start = time.Now()
	err = l.Close()
	if d := time.Since(start); d < 900*time.Millisecond || d > 3*time.Second {
		t.Errorf("close took %v", d)
	}
	var lost *logs.LostError
	if !errors.As(err, &lost) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("close: %v", err)
	}
	// All but what the pipe has taken, of which no line is torn.
	must(t, witness.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	text, _ := io.ReadAll(witness)
	taken := len(numbers(t, string(text)))
	if taken == 0 || lost.Lines != l.Dropped() || int(lost.Lines) != last-taken {
		t.Errorf("%d lines are lost, %d were dropped, %d are in the pipe", lost.Lines, l.Dropped(), taken)
	}
}

func TestAFIFOThatIsReadLater(t *testing.T) {
	path := newFIFO(t)
	l := open(t, logs.Options{Format: "json", File: path})
	const last = 30000
	numbered(l, 1, last)
	if l.Dropped() == 0 {
		t.Fatal("nothing was dropped")
	}
	reader, err := os.Open(path)
	must(t, err)
	defer reader.Close()
	var text strings.Builder
	lines := bufio.NewReader(reader)
	next := func() string {
		line, err := lines.ReadString('\n')
		must(t, err)
		text.WriteString(line)
		return line
	}
	for !strings.Contains(next(), "dropped") {
		continue
	}
	numbered(l, last+1, last+1)
	for !strings.Contains(next(), `"n":`+itoa(last+1)) {
		continue
	}
	must(t, l.Close())
	if got := expectComplete(t, text.String(), last+1); uint64(got) != l.Dropped() {
		t.Errorf("%d lines are told of, %d were dropped", got, l.Dropped())
	}
}

// TestAFIFOWhoseReaderGoes is for those who restart what reads their logs: the
// pipe keeps what nobody has read.
func TestAFIFOWhoseReaderGoes(t *testing.T) {
	path := newFIFO(t)
	l := open(t, logs.Options{Format: "json", File: path})
	var text strings.Builder
	for n := 1; n <= 3; n++ {
		reader, err := os.Open(path)
		must(t, err)
		numbered(l, n, n)
		line, err := bufio.NewReader(reader).ReadString('\n')
		must(t, err)
		text.WriteString(line)
		must(t, reader.Close())
	}
	must(t, l.Close())
	expectComplete(t, text.String(), 3)
}

// TestAFIFOIsNotRotated would find another kind of file there.
func TestAFIFOIsNotRotated(t *testing.T) {
	path := newFIFO(t)
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer reader.Close()
	l := open(t, logs.Options{Format: "json", File: path, MaxBytes: 10})
	numbered(l, 1, 3)
	if err := <-l.Rotate(); !errors.Is(err, logs.ErrNotRegular) {
		t.Errorf("rotate: %v", err)
	}
	must(t, <-l.Reopen())
	must(t, l.Close())
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("it is %v, %v", info, err)
	}
	lines := bufio.NewReader(reader)
	for _, want := range []string{`"n":1`, `"n":2`, `"n":3`, "is not a regular file"} {
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, want) {
			t.Errorf("got %q, %v; want %s", line, err, want)
		}
	}
}
