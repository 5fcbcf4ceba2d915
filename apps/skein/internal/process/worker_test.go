//go:build linux || darwin || freebsd

package process_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/reactor"
)

// TestWorkerKilled kills a worker again and again while clients come and go, and
// none of them notices.
func TestWorkerKilled(t *testing.T) {
	set, real := bound(t, true, "127.0.0.1:0")
	sets, err := process.ShareSockets(set, 2)
	must(t, err)
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		v := supervise(t, in, r, &process.Supervisor{Command: child("server", ""), Workers: 2, Sockets: sets})
		if _, err := in.Yield(v.WhenReady()); err != nil {
			return err
		}
		stop := make(chan struct{})
		clients := r.DeferToThread(func() (any, error) { return load(real[0], stop) })
		// A life that is none, a life, and one that is none again: no pause.
		for n, life := range []time.Duration{0, 1100 * time.Millisecond, 0} {
			must(t, v.until("it serves", func() bool { return v.States()[0].Ready }))
			since := r.Now()
			must(t, v.until("a life", func() bool { return r.Now().Sub(since) >= life }))
			old := v.States()[0]
			must(t, syscall.Kill(old.PID, syscall.SIGKILL))
			died := r.Now()
			must(t, v.until("another process", func() bool {
				s := v.States()[0]
				return s.Ready && s.PID != old.PID && s.Restarts == n+1
			}))
			if took := r.Now().Sub(died); took > 5*time.Second { // half a second on a quiet machine
				t.Errorf("it was back after %v", took)
			}
		}
		close(stop)
		counts, err := deferred.Await[map[string]int](in, clients)
		if err != nil {
			t.Error(err)
		}
		if counts["cut"] > 3 { // whom a worker was serving when it was killed
			t.Errorf("%d clients were cut off", counts["cut"])
		}
		if counts["1"] == 0 || counts["2"] == 0 {
			t.Errorf("the workers served %v", counts)
		}
		if !strings.Contains(v.says.String(), `worker was killed by SIGKILL`) {
			t.Errorf("it said %s", v.says)
		}
		if strings.Contains(v.says.String(), "the next start is in") {
			t.Errorf("a worker that had lived was not started at once: %s", v.says)
		}
		v.stop(t)
		return nil
	})
}

// load fetches poems until it is stopped, about fifty a second, and counts who
// has served them, and those that were cut off. The error is of one that was
// refused.
func load(addr string, stop chan struct{}) (counts map[string]int, err error) {
	counts = map[string]int{}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return counts, nil
		case <-ticker.C:
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return counts, fmt.Errorf("after %v: %w", counts, err)
		}
		text, _ := io.ReadAll(conn) // an error shows in what is missing
		_ = conn.Close()
		number, rest, _ := strings.Cut(string(text), "\n")
		if rest != poem {
			number = "cut"
		}
		counts[number]++
	}
}

// TestBackoff is the pause before each start of a worker that does not live.
func TestBackoff(t *testing.T) {
	for short, pause := range []time.Duration{0, 0, 1, 2, 4, 8, 10, 10, 10} {
		want(t, fmt.Sprintf("after %d short lives", short), process.Backoff(short), pause*time.Second)
	}
	want(t, "after very many", process.Backoff(1000), 10*time.Second)
}

// TestWorkerDoesNotLive kills a worker as soon as it serves, and stops the
// supervisor in the pause that follows the second time.
func TestWorkerDoesNotLive(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		v := supervise(t, in, r, &process.Supervisor{Command: child("server", ""), Workers: 2})
		if _, err := in.Yield(v.WhenReady()); err != nil {
			return err
		}
		for n := range 2 {
			must(t, v.until("it serves", func() bool { s := v.States()[0]; return s.Ready && s.Restarts == n }))
			old := v.States()[0].PID
			must(t, syscall.Kill(old, syscall.SIGKILL))
			must(t, v.until("it is gone", func() bool { return v.States()[0].PID != old }))
		}
		must(t, v.await(v.says, "the next start is in 1s"))
		s := v.States()[0]
		want(t, "restarts", s.Restarts, 2) // at once, and the one to come
		want(t, "its process", s.PID, 0)
		want(t, "the other's restarts", v.States()[1].Restarts, 0)
		v.stop(t)
		return nil
	})
}

// TestWatchdog has a worker whose loop hangs, one that cannot even hear a signal,
// and one without a heart.
func TestWatchdog(t *testing.T) {
	for _, does := range []string{"stuck", "spinning", "frozen"} {
		t.Run(does, func(t *testing.T) {
			if does == "frozen" && testing.Short() {
				t.Skip("it takes three seconds")
			}
			run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
				v := supervise(t, in, r, &process.Supervisor{Command: child("server", does), Workers: 2, Watchdog: 700 * time.Millisecond})
				if _, err := in.Yield(v.WhenReady()); err != nil {
					return err
				}
				old := v.States()
				must(t, v.until("another process", func() bool { return v.States()[0].Ready && v.States()[0].Restarts > 0 }))
				if v.States()[0].PID == old[0].PID {
					t.Error("it is still the same process")
				}
				want(t, "the other's restarts", v.States()[1].Restarts, 0)
				must(t, v.await(v.says, "worker has sent no heartbeat for 700ms"))
				if does == "frozen" {
					must(t, v.await(v.says, "worker was killed by SIGKILL"))
				} else {
					must(t, v.await(v.log, "SIGABRT"))
					must(t, v.await(v.log, "goroutine "))
				}
				v.KillAll() // else the next process, which is as bad, has its grace
				v.stop(t)
				return nil
			})
		})
	}
}
