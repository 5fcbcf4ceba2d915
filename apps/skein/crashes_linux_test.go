package main_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// crew is how many workers there are in the tests of their ends.
const crew = 3

// A worker that is killed is back at once, also if that happens again, or to all at
// the same time. Only who was being served by it can be cut short: nobody is
// refused, and nobody else notices.
func TestWorkersThatAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of both cores")
	}
	in := newInstance(t, poets("127.0.0.1"))
	in.begin("--workers", strconv.Itoa(crew), "--log-max-bytes", "0", "run", "poets.yaml")
	fast, slow := in.audience("fast", 100), in.audience("slow", 30)
	cut := map[int]bool{} // who may have been
	pids := make([]int, crew+1)
	for number := 1; number <= crew; number++ {
		pids[number] = in.worker(0, number)
	}
	// kill kills workers at the same time, and waits for the next.
	kill := func(numbers ...int) time.Duration {
		for _, number := range numbers {
			check(t, syscall.Kill(pids[number], syscall.SIGSTOP)) // it accepts nobody meanwhile
		}
		for _, number := range numbers {
			for _, port := range clientsOf(t, pids[number]) {
				cut[port] = true
			}
		}
		from, killed := in.mark(), time.Now()
		for _, number := range numbers {
			check(t, syscall.Kill(pids[number], syscall.SIGKILL))
		}
		for _, number := range numbers {
			in.await(from, "the end is noticed", func(e entry) bool {
				return e.Message == "worker was killed by SIGKILL" && e.Worker == number && e.PID == pids[number]
			})
			pids[number] = in.worker(from, number)
		}
		took := time.Since(killed)
		t.Logf("%v: back in %v", numbers, took.Round(time.Millisecond))
		return took
	}
	shortest := time.Hour
	for range 2 {
		for number := 1; number <= crew; number++ {
			shortest = min(shortest, kill(number))
			fast.served(20)
		}
	}
	if shortest > time.Second { // each, on a machine that has time
		t.Errorf("no worker was back within a second, but in %v at best", shortest)
	}
	kill(1)
	kill(1) // twice
	fast.served(20)
	all := []int{1, 2, 3}
	kill(all...)
	fast.served(50)
	kill(all...) // they have not lived: there may be a pause
	fast.served(50)
	harmed := 0
	for _, c := range []*crowd{fast, slow} {
		begun, _, mishaps := c.counts()
		for _, m := range mishaps {
			if harmed++; !cut[m.port] {
				t.Errorf("%v, and no killed worker had it", m)
			}
		}
		t.Logf("of %d, %d were cut short", begun, len(mishaps))
	}
	t.Logf("%d could have been", len(cut))
	if harmed == 0 || harmed > len(cut) {
		t.Errorf("%d were cut short, of %d that could have been", harmed, len(cut))
	}
	in.signal(syscall.SIGTERM)
	in.over()
	if status := <-in.ended; status != 0 {
		t.Errorf("it ended with status %d", status)
	}
}

// worker waits until a worker serves, and returns its pid.
func (in *instance) worker(from mark, number int) (pid int) {
	in.t.Helper()
	return in.await(from, fmt.Sprintf("worker %d is ready", number), func(e entry) bool {
		return e.Message == "worker is ready" && e.Worker == number
	}).PID
}

// clientsOf returns the ports of the clients whose connections a process has
// accepted.
func clientsOf(t *testing.T, pid int) (ports []int) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	all, err := os.ReadDir(dir)
	check(t, err)
	sockets := map[string]bool{}
	for _, fd := range all {
		if name, err := os.Readlink(dir + "/" + fd.Name()); err == nil && strings.HasPrefix(name, "socket:[") {
			sockets[strings.Trim(name, "socket:[]")] = true
		}
	}
	table, err := os.ReadFile("/proc/net/tcp")
	check(t, err)
	for line := range bytes.Lines(table) {
		const remote, inode = 2, 9
		columns := strings.Fields(string(line))
		if len(columns) <= inode || !sockets[columns[inode]] {
			continue
		}
		_, hex, _ := strings.Cut(columns[remote], ":")
		port, err := strconv.ParseUint(hex, 16, 16)
		check(t, err)
		if port > 0 { // else it listens
			ports = append(ports, int(port))
		}
	}
	return ports
}

// When the supervisor is killed, its workers serve whom they have, and end. The
// ports and the pid file are free.
func TestASupervisorThatIsKilled(t *testing.T) {
	t.Parallel()
	in := newInstance(t, poets("127.0.0.1"))
	in.begin("--daemon", "--logfile", logName, "--workers", "2", "run", "poets.yaml")
	fast, slow := in.audience("fast", 20), in.audience("slow", 20)
	fast.served(10)
	fast.unharmed()
	guests := make([]chan struct{}, 6)
	for i := range guests {
		guests[i] = slow.guest()
	}
	slow.stop()
	in.signal(syscall.SIGKILL)
	slow.unharmed()
	soon(t, "all processes have ended", func() bool { return len(in.processes()) == 0 })
	for _, addr := range []string{fast.addr, slow.addr} {
		l, err := net.Listen("tcp", addr)
		check(t, err)
		check(t, l.Close())
	}
	from := in.mark()
	in.begin("--daemon", "--logfile", logName, "fastpoetry", "--port", "0")
	in.said(from, "Serving a poem.")
	in.signal(syscall.SIGTERM)
	in.over()
}

// A supervisor that is told to end lets its workers finish, and leaves none.
func TestASupervisorThatEnds(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		in := newInstance(t, poets("127.0.0.1"))
		in.begin("--workers", strconv.Itoa(crew), "run", "poets.yaml")
		for number := 1; number <= crew; number++ {
			in.worker(0, number)
		}
		slow := in.audience("slow", 30)
		for range 6 {
			slow.guest()
		}
		slow.stop()
		from := in.mark()
		in.signal(s)
		slow.unharmed()
		in.over()
		if status := <-in.ended; status != 0 {
			t.Errorf("after %v it ended with status %d", s, status)
		}
		if lines := in.logged(from, says("worker ended with status 0")); len(lines) != crew {
			t.Errorf("of %d workers, %d have ended well", crew, len(lines))
		}
		if lines := in.logged(from, says("abort")); len(lines) > 0 {
			t.Errorf("it says %v", lines)
		}
	}
}
