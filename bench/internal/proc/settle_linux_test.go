package proc_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skein/bench/internal/proc"
)

func TestSettleWaitsForWork(t *testing.T) {
	s := start(t, "serves", -1)
	defer s.Stop()
	answer := make(chan error)
	go func() {
		_, err := s.Ask("work 300", 20*time.Second)
		answer <- err
	}()
	before := cpu(t, s)
	for cpu(t, s)-before < time.Millisecond {
		runtime.Gosched() // until it has begun
	}
	if rests, err := s.Settle(20 * time.Millisecond); err != nil || rests {
		t.Errorf("it rests: %v, %v", rests, err)
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
}

// TestSettleWaitsForAStarvedProcess has another process keep the core, so that
// work that is due takes no CPU time for many ticks.
func TestSettleWaitsForAStarvedProcess(t *testing.T) {
	cores, err := proc.Cores()
	if err != nil {
		t.Fatal(err)
	}
	starved := start(t, "serves", cores[0])
	defer starved.Stop()
	yieldToAll(t, starved.Pid())
	other := start(t, "serves", cores[0])
	defer other.Stop()
	before := cpu(t, other)
	if _, err := other.Ask("work 400", time.Millisecond); err == nil {
		t.Fatal("400 ms of work took one")
	}
	for cpu(t, other)-before < time.Millisecond {
		runtime.Gosched() // until it has begun
	}
	if _, err := starved.Ask("work 100", time.Millisecond); err == nil {
		t.Fatal("100 ms of work took one")
	}
	if rests, err := starved.Settle(100 * time.Millisecond); err != nil || rests {
		t.Errorf("it rests: %v, %v", rests, err)
	}
	for _, s := range []*proc.Server{other, starved} {
		if answer, err := s.Line(20 * time.Second); err != nil || answer != "done" {
			t.Errorf("%q, %v", answer, err)
		}
	}
	if rests, err := starved.Settle(5 * time.Second); err != nil || !rests {
		t.Errorf("when all is done, it rests: %v, %v", rests, err)
	}
}

// yieldToAll has a process run when nobody else wants its core.
func yieldToAll(t *testing.T, pid int) {
	t.Helper()
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err == nil {
			err = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCostIsTheRunsAlone has a process that never rests: what it does after the
// run, until it is given up, is not the run's.
func TestCostIsTheRunsAlone(t *testing.T) {
	s := start(t, "serves", -1)
	defer s.Stop()
	ask(t, s, "look")
	var run time.Duration
	cost, err := s.Cost(func() error {
		before := cpu(t, s)
		ask(t, s, "work 20")
		run = cpu(t, s) - before
		return nil
	}, 300*time.Millisecond)
	if err != nil || cost < run || cost > run+20*time.Millisecond {
		t.Errorf("the cost of a run of %v is %v, %v", run, cost, err)
	}
}

// TestCostHasWhatIsLeft has the run end before its work does.
func TestCostHasWhatIsLeft(t *testing.T) {
	s := start(t, "serves", -1)
	defer s.Stop()
	before := cpu(t, s)
	cost, err := s.Cost(func() error {
		_, _ = s.Ask("work 100", time.Millisecond) // which is too short for the answer
		return nil
	}, 20*time.Second)
	if all := cpu(t, s) - before; err != nil || all-cost > 5*time.Millisecond {
		t.Errorf("the cost is %v, %v, want about all of %v", cost, err, all)
	}
	if answer, err := s.Line(20 * time.Second); err != nil || answer != "done" {
		t.Errorf("%q, %v", answer, err)
	}
}
