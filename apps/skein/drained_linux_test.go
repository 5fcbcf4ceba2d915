package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// farewell is a server with many connections at its end.
type farewell struct {
	name          string
	finish, stuck int
	workers       int
	grace         time.Duration
}

// At the end, the log says how many connections have finished, and how many were
// aborted because they were stuck: both to the last of 50,000.
func TestConnectionsAtTheEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute of both cores, and ten thousands of descriptors")
	}
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	most := int(min(limit.Max, 20_000)) * 3 / 4 // of one process
	for _, f := range []farewell{
		{"one process", most * 2 / 3, most / 3, 1, 6 * time.Second},
		{"workers", 40_000, 10_000, max(50_000/most+1, 4), 10 * time.Second},
	} {
		t.Run(f.name, func(t *testing.T) { f.happen(t) })
	}
}

// happen opens the connections, and ends the server.
func (f *farewell) happen(t *testing.T) {
	in := newInstance(t, map[string][]byte{"ends.yaml": []byte(`services:
  - {plugin: transform, name: finish, options: {port: 0}}
  - {plugin: slowpoetry, name: stuck, options: {port: 0, num-bytes: 1, delay: 1h}}
`)})
	in.begin("--workers", strconv.Itoa(f.workers), "--grace", f.grace.String(), "--log-max-bytes", "0", "run", "ends.yaml")
	in.said(0, "Serving a poem.")
	began := time.Now()
	// With addresses of their own, so that each has enough ports.
	finish := in.idle("finish", f.finish, "127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,127.0.0.6")
	stuck := in.idle("stuck", f.stuck, "127.0.0.7,127.0.0.8")
	finish.complete()
	stuck.complete()
	t.Logf("%d connections in %v", f.finish+f.stuck, time.Since(began).Round(time.Millisecond))

	told := time.Now()
	in.signal(syscall.SIGTERM)
	eventually(t, "all drain", func() bool { return len(in.logged(0, says("Waiting for"))) == f.workers })
	finish.leave()
	left := time.Since(told)
	lost := stuck.lost()
	in.over()
	took := time.Since(told)
	t.Logf("%d left within %v; it ended after %v", f.finish, left.Round(time.Millisecond), took.Round(time.Millisecond))
	if took < f.grace || took > f.grace+patience/2 {
		t.Errorf("it took %v, with %v of grace", took, f.grace)
	}
	if status := <-in.ended; status != 0 {
		t.Errorf("it ended with status %d", status)
	}
	if lost != f.stuck {
		t.Errorf("the clients say that %d of %d were aborted", lost, f.stuck)
	}
	f.compare(in, left < f.grace-3*time.Second)
}

// compare compares what the log says with what was. inTime says that those who were
// to finish had the time for it.
func (f *farewell) compare(in *instance, inTime bool) {
	t := in.t
	sum := in.ends()
	t.Logf("the log says: of %d, %d have finished, and %d are aborted", sum.all, sum.finished, sum.aborted)
	if sum.lines != f.workers || sum.all != f.finish+f.stuck || sum.all != sum.finished+sum.aborted {
		t.Errorf("in %d lines of %d processes", sum.lines, f.workers)
	}
	if inTime && sum.aborted != f.stuck {
		t.Errorf("not %d", f.stuck)
	}
	// Each aborted one has a line of its own, unless the log says how many have not.
	lines := len(in.logged(0, says("A client did not get the whole poem.")))
	for _, e := range in.logged(0, func(e entry) bool { return e.Dropped > 0 }) {
		t.Log(e.Message)
		lines += e.Dropped
	}
	if inTime && lines != sum.aborted {
		t.Errorf("the log tells of %d of them", lines)
	}
}

// ends is the sum of what processes say at their ends.
type ends struct{ lines, all, finished, aborted int }

// ends sums up.
func (in *instance) ends() (sum ends) {
	in.t.Helper()
	line := regexp.MustCompile(`^Of (\d+) connections?, (?:all have finished|(\d+) have finished, and (\d+) are aborted)\.$`)
	for _, e := range in.logged(0, func(entry) bool { return true }) {
		m := line.FindStringSubmatch(e.Message)
		if m == nil {
			continue
		}
		all, _ := strconv.Atoi(m[1])
		aborted, _ := strconv.Atoi(m[3]) // "": none
		sum.lines++
		sum.all += all
		sum.aborted += aborted
		sum.finished += all - aborted
		if finished, err := strconv.Atoi(m[2]); err == nil && finished != all-aborted {
			in.t.Errorf("it says %q", e.Message)
		}
	}
	return sum
}

// idlers are many clients of one service that only stay connected, in processes
// of their own.
type idlers struct {
	in     *instance
	name   string
	number int
	cmd    *exec.Cmd
	ended  chan struct{}
}

// idle connects so many from addresses of this machine.
func (in *instance) idle(service string, number int, sources string) *idlers {
	in.t.Helper()
	at := in.await(0, service+" serves", func(e entry) bool { return e.Addr != "" && e.Service == service })
	i := &idlers{in: in, name: service, number: number, ended: make(chan struct{})}
	i.cmd = in.command("load", "--mode", "idle", "--conns", strconv.Itoa(number), "--for", "1h", "--timeout", "1m",
		"--source", sources, "--json", at.Addr)
	out, err := os.Create(in.path(service + ".json"))
	must(in.t, err)
	progress, err := os.Create(in.path(service + ".progress"))
	must(in.t, err)
	i.cmd.Stdout, i.cmd.Stderr = out, progress
	must(in.t, i.cmd.Start())
	must(in.t, out.Close())
	must(in.t, progress.Close())
	go func() {
		defer close(i.ended)
		_ = i.cmd.Wait() // what it has printed says more
	}()
	return i
}

// complete waits until all are connected.
func (i *idlers) complete() {
	i.in.t.Helper()
	all := regexp.MustCompile(`s +` + strconv.Itoa(i.number) + ` open +0 errors`)
	eventually(i.in.t, "all are connected", func() bool {
		text, err := os.ReadFile(i.in.path(i.name + ".progress"))
		must(i.in.t, err)
		return all.Match(text)
	})
}

// leave disconnects all.
func (i *idlers) leave() {
	i.in.t.Helper()
	must(i.in.t, i.cmd.Process.Signal(syscall.SIGINT))
	i.end()
}

// lost waits until all are disconnected, and returns how many were reset.
func (i *idlers) lost() int {
	i.in.t.Helper()
	i.end()
	var result struct{ Errors map[string]int }
	text, err := os.ReadFile(i.in.path(i.name + ".json"))
	must(i.in.t, err)
	must(i.in.t, json.Unmarshal(text, &result))
	if len(result.Errors) != 1 {
		i.in.t.Errorf("%s has %v", i.name, result.Errors)
	}
	return result.Errors["reset"]
}

// end waits for the end.
func (i *idlers) end() {
	i.in.t.Helper()
	select {
	case <-i.ended:
	case <-time.After(patience):
		i.in.t.Fatalf("%s does not end", i.name)
	}
}
