package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	logRounds = 7                      // of each server, in turns
	logRound  = 300 * time.Millisecond // of probes and of load
	logFlood  = 30000                  // requests before all that: more than the log has room for
	// enoughLatency is no harm, whatever is usual: a machine that does something else
	// besides has that now and then.
	enoughLatency = 5 * time.Millisecond
)

// A log that blocks, or takes nothing, does not slow the loop, and what is lost is
// counted and said.
func TestALogThatTakesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes what a log line costs the loop's whole time")
	}
	usual := newLogging(t, filepath.Join(t.TempDir(), "log"))
	fifo := filepath.Join(t.TempDir(), "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	unread, err := os.OpenFile(fifo, os.O_RDWR|syscall.O_NONBLOCK, 0) // keeps what the pipe has taken
	must(t, err)
	defer func() { _ = unread.Close() }()
	blocked, full := newLogging(t, fifo), newLogging(t, "/dev/full")
	all := []*logging{usual, blocked, full}
	for _, l := range all {
		l.flood(t)
	}
	for range logRounds {
		for _, l := range all {
			l.round(t)
		}
	}
	bound := max(2*usual.latency(), enoughLatency)
	for _, l := range all {
		t.Logf("%-22s p99 %8v, %6d lines, %6.0f dropped", filepath.Base(l.path), l.latency(), l.lines, l.dropped(t))
		if got := l.latency(); got > bound {
			t.Errorf("with the log %s the 99th percentile is %v; usually it is %v", l.path, got, usual.latency())
		}
	}
	if n := usual.dropped(t); n > float64(usual.lines)/10 { // it may be a moment late
		t.Errorf("a log that works has dropped %v lines", n)
	}

	usual.stop(t)
	for _, l := range []*logging{blocked, full} {
		shown := l.dropped(t)
		l.stop(t)
		lost, err := strconv.Atoi(l.server.expect(t, `^skein: (\d+) log lines were lost: `))
		must(t, err)
		taken := 0
		if l == blocked {
			for line := range bytes.Lines(readNow(t, unread)) {
				taken++
				// What a line in the log tells of, it does not tell again at the end.
				if found := droppedPattern.FindSubmatch(line); found != nil {
					told, err := strconv.Atoi(string(found[1]))
					must(t, err)
					lost, taken = lost+told, taken-1
				}
			}
		}
		// Beside what clients have caused there are lines of the beginning and of the
		// end, and warnings if the machine is slow.
		if n := lost + taken; n < l.lines || n > l.lines+200 || shown == 0 || shown > float64(lost) {
			t.Errorf("%s: %d lines were lost, %d taken, of %d and some; the stats said %v", l.path, lost, taken, l.lines, shown)
		}
	}
}

// droppedPattern is the line that tells how many are not there.
var droppedPattern = regexp.MustCompile(`WRN (\d+) log lines? (?:was|were) dropped`)

// logging is a server with a poem, transforms and stats, that logs to a path.
type logging struct {
	server *daemon
	path   string
	port   int // the poem's; the next two are those of the others

	lines int             // that clients have caused
	p99   []time.Duration // of each round
}

// newLogging starts one.
func newLogging(t *testing.T, path string) *logging {
	t.Helper()
	l := &logging{path: path, port: freeRow(t, 3)}
	file := filepath.Join(t.TempDir(), "f.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `services:
  - {plugin: fastpoetry, options: {port: %d}}
  - {plugin: transform, options: {port: %d, pipeline: true}}
stats: %d
logfile: %s
log-max-bytes: 0
`, l.port, l.port+1, l.port+2, path), 0o600))
	l.server = launch(t, func(c *exec.Cmd) {
		c.Env = append(os.Environ(), "GOMAXPROCS=1") // as main has it
	}, "run", file)
	eventually(t, "it listens", func() bool {
		c, err := net.Dial("tcp", l.addr(2))
		if err == nil {
			_ = c.Close() // it was to see
		}
		return err == nil
	})
	return l
}

// addr returns where one of the services is.
func (l *logging) addr(service int) string { return fmt.Sprintf("127.0.0.1:%d", l.port+service) }

// flood makes more lines than a log that blocks has room for.
func (l *logging) flood(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", l.addr(1))
	must(t, err)
	defer func() { _ = c.Close() }()
	must(t, c.SetDeadline(time.Now().Add(patience)))
	const burst = 500 // a log that works keeps up with that
	for range logFlood / burst {
		_, err := io.WriteString(c, strings.Repeat("7:shout.a,", burst))
		must(t, err)
		_, err = io.CopyN(io.Discard, c, burst*int64(len("1:A,")))
		must(t, err)
	}
	l.lines += logFlood
}

// round measures how long an answer takes while others fetch poems.
func (l *logging) round(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", l.addr(1))
	must(t, err)
	defer func() { _ = c.Close() }()
	must(t, c.SetDeadline(time.Now().Add(patience)))
	end := time.Now().Add(logRound)
	var load sync.WaitGroup
	var fetched [2]int
	for i := range fetched {
		load.Go(func() {
			for time.Now().Before(end) && drink(l.addr(0)) {
				fetched[i]++
			}
		})
	}
	var took []time.Duration
	for answers := bufio.NewReader(c); time.Now().Before(end); {
		asked := time.Now()
		_, err := io.WriteString(c, "7:shout.a,")
		must(t, err)
		answer, err := answers.ReadString(',')
		must(t, err)
		if answer != "1:A," {
			t.Fatalf("the answer is %q", answer)
		}
		took = append(took, time.Since(asked))
	}
	load.Wait()
	if fetched[0] == 0 || fetched[1] == 0 {
		t.Fatal("nobody has got a poem")
	}
	l.lines += len(took) + fetched[0] + fetched[1]
	slices.Sort(took)
	l.p99 = append(l.p99, took[len(took)*99/100])
}

// latency returns the 99th percentile, the median of all rounds.
func (l *logging) latency() time.Duration {
	sorted := slices.Sorted(slices.Values(l.p99))
	return sorted[len(sorted)/2]
}

// dropped returns what the stats say.
func (l *logging) dropped(t *testing.T) float64 {
	t.Helper()
	answer, err := http.Get("http://" + l.addr(2) + "/metrics")
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	http.DefaultClient.CloseIdleConnections()
	found := regexp.MustCompile(`(?m)^skein_log_dropped_lines_total (\d+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("there is no such number in:\n%s", text)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	must(t, err)
	return n
}

// stop ends the server.
func (l *logging) stop(t *testing.T) {
	t.Helper()
	l.server.tell(t, syscall.SIGTERM)
	l.server.end(t, 0)
}

// drink fetches a poem, and reports whether it was one.
func drink(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience)) // a read tells
	n, err := io.Copy(io.Discard, c)
	return err == nil && n > 0
}

// readNow returns what is in a pipe.
func readNow(t *testing.T, f *os.File) []byte {
	t.Helper()
	must(t, f.SetReadDeadline(time.Now().Add(time.Second)))
	text, _ := io.ReadAll(f) // it ends with the deadline
	return text
}

// freeRow returns the first of n ports in a row that are free.
func freeRow(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		if first := int(lastPort.Add(int32(n))) - n; free(first, n) {
			return first
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return 0
}
