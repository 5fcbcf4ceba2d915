package main_test

import (
	"fmt"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// crew is how many workers there are in the tests of their ends.
const crew = 3

// victims are the workers of an instance, for a test that kills them.
type victims struct {
	in   *instance
	pids [crew + 1]int
	cut  map[int]int // by port, how many clients may have been cut short: ports are used again
}

// kill kills workers at the same time, and waits for the next.
func (v *victims) kill(numbers ...int) (took time.Duration) {
	in := v.in
	in.t.Helper()
	for _, number := range numbers {
		must(in.t, syscall.Kill(v.pids[number], syscall.SIGSTOP)) // it accepts nobody meanwhile
	}
	for _, number := range numbers {
		halted(in.t, v.pids[number])
		for _, port := range clientsOf(in.t, v.pids[number]) {
			v.cut[port]++
		}
	}
	from, killed := in.mark(), time.Now()
	for _, number := range numbers {
		must(in.t, syscall.Kill(v.pids[number], syscall.SIGKILL))
	}
	for _, number := range numbers {
		in.await(from, "the end is noticed", func(e entry) bool {
			return e.Message == "worker was killed by SIGKILL" && e.Worker == number && e.PID == v.pids[number]
		})
		v.pids[number] = in.worker(from, number)
	}
	took = time.Since(killed)
	in.t.Logf("%v: back in %v", numbers, took.Round(time.Millisecond))
	return took
}

// harmed fails the test if anybody was not served well whom no killed worker had.
func (v *victims) harmed(crowds ...*crowd) {
	t := v.in.t
	t.Helper()
	could, harmed := 0, 0
	for _, n := range v.cut {
		could += n
	}
	for _, c := range crowds {
		begun, _, mishaps := c.counts()
		for _, m := range mishaps {
			harmed++
			if v.cut[m.port]--; v.cut[m.port] < 0 {
				t.Errorf("%v, and no killed worker had it", m)
			}
		}
		t.Logf("of %d, %d were cut short", begun, len(mishaps))
	}
	t.Logf("%d could have been", could)
	if harmed == 0 {
		t.Error("nobody was cut short: nobody was there")
	}
}

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
	v := &victims{in: in, cut: map[int]int{}}
	for number := 1; number <= crew; number++ {
		v.pids[number] = in.worker(0, number)
	}
	shortest := time.Hour
	for range 2 {
		for number := 1; number <= crew; number++ {
			shortest = min(shortest, v.kill(number))
			fast.served(40) // all workers live for a second, or there would be pauses
		}
	}
	if shortest > time.Second { // each, on a machine that has time
		t.Errorf("no worker was back within a second, but in %v at best", shortest)
	}
	v.kill(1)
	v.kill(1) // twice
	fast.served(120)
	v.kill(1, 2, 3)
	fast.served(20)
	v.kill(1, 2, 3)
	fast.served(20)
	v.kill(1) // it may not have lived: then there is a pause, in which its clients wait
	fast.served(20)
	v.harmed(fast, slow)
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
	eventually(t, "all processes have ended", func() bool { return len(in.processes()) == 0 })
	for _, addr := range []string{fast.addr, slow.addr} {
		l, err := net.Listen("tcp", addr)
		must(t, err)
		must(t, l.Close())
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
