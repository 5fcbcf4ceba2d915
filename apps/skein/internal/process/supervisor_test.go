//go:build linux || darwin || freebsd

package process_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
	"skein/reactor/service"
)

// startService and stopService are the service package's.
func startService(s service.Service) error             { return service.Start(s) }
func stopService(s service.Service) *deferred.Deferred { return service.Stop(s) }

// supervised is a supervisor with what it says.
type supervised struct {
	*process.Supervisor
	in   *deferred.Inline
	r    *reactor.Reactor
	says *notebook // by itself
	log  *notebook // by its workers
}

// supervise starts a supervisor, with as much of it set as the test wants.
func supervise(t *testing.T, in *deferred.Inline, r *reactor.Reactor, s *process.Supervisor) *supervised {
	t.Helper()
	v := &supervised{Supervisor: s, in: in, r: r, says: newNotebook(), log: newNotebook()}
	s.Reactor, s.Logger, s.Log = r, zerolog.New(v.says), v.log
	must(t, startService(s))
	return v
}

// await waits until a text stands in a notebook, while the loop goes on.
func (v *supervised) await(n *notebook, text string) error {
	_, err := v.in.Yield(v.r.DeferToThread(func() (any, error) { return nil, n.await(text) }))
	return err
}

// until waits until something holds, looking now and then.
func (v *supervised) until(what string, holds func() bool) error {
	d := deferred.New()
	var look func()
	look = func() {
		if holds() {
			d.Callback(nil)
			return
		}
		v.r.CallLater(5*time.Millisecond, look)
	}
	look()
	if _, err := v.in.Yield(d.AddTimeout(patience, v.r)); err != nil {
		return fmt.Errorf("%s: %w; it said:\n%s\n%s", what, err, v.says, v.log)
	}
	return nil
}

// stop stops it and makes sure that all are gone.
func (v *supervised) stop(t *testing.T) {
	t.Helper()
	states := v.States()
	if _, err := v.in.Yield(stopService(v.Supervisor)); err != nil {
		t.Error(err)
	}
	for _, s := range states {
		if err := syscall.Kill(s.PID, 0); s.PID != 0 && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("worker %d, process %d, is still there: %v", s.Worker, s.PID, err)
		}
	}
}

func TestSupervisor(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		h := newHome(t)
		v := supervise(t, in, r, &process.Supervisor{Command: h.child("server", ""), Workers: 2})
		if _, err := in.Yield(v.WhenReady()); err != nil {
			return err
		}
		groups := map[int]bool{}
		for range 2 {
			w := h.next()
			want(t, "the role", w.Role, process.Worker)
			want(t, "the workers", w.Workers, 2)
			want(t, "its pid", w.PID, v.States()[w.Worker-1].PID)
			want(t, "a process group of its own", w.Group, w.PID)
			groups[w.Group] = true
		}
		want(t, "groups", len(groups), 2)
		for i := range 2 {
			err := v.until("a heartbeat", func() bool { return v.States()[i].Heartbeat != nil })
			must(t, err)
			if beat := string(v.States()[i].Heartbeat); !strings.HasPrefix(beat, fmt.Sprintf(`{"worker":%d,"beats":`, i+1)) {
				t.Errorf("the heartbeat is %s", beat)
			}
			want(t, "ready", v.States()[i].Ready, true)
			want(t, "restarts", v.States()[i].Restarts, 0)
		}
		v.stop(t)
		want(t, "those who ended well", strings.Count(v.says.String(), "worker ended with status 0"), 2)
		if err := startService(v.Supervisor); !errors.Is(err, process.ErrSpent) {
			t.Errorf("a second start: %v", err)
		}
		return nil
	})
}

func TestSupervisorDoesNotStart(t *testing.T) {
	cases := []struct {
		name string
		s    *process.Supervisor
		text string
	}{
		{"no workers", &process.Supervisor{}, "0 workers"},
		{"no sockets for one", &process.Supervisor{Workers: 2, Sockets: make([][]process.Socket, 1)}, "1 sets of sockets for 2 workers"},
		{"no reactor", &process.Supervisor{Workers: 2}, "no reactor"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if err := startService(tc.s); err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestFirstStartFails has all workers, or one, fail, and finds the others gone.
func TestFirstStartFails(t *testing.T) {
	failed := func(err error) bool {
		var e *process.FailedError
		return errors.As(err, &e) && err.Error() == "no poem"
	}
	ended := func(err error) bool { var e *process.EndedError; return errors.As(err, &e) }
	late := func(err error) bool {
		var e *process.NotReadyError
		return errors.As(err, &e) && errors.As(err, new(interface{ Timeout() bool }))
	}
	cases := []struct {
		name    string
		command process.Command
		fits    func(err error) bool
	}{
		{"all say why", child("plain", "fail:no poem"), failed},
		{"all end", child("plain", "exit"), ended},
		{"one ends, others serve or are about to", child("server", "short"), ended},
		{"none is ever ready", child("plain", "mute"), late},
		{"none can be started", process.Command{Path: "/no/such"}, func(err error) bool { return errors.Is(err, os.ErrNotExist) }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
				s := &process.Supervisor{Command: tc.command, Workers: 3, StartTimeout: 500 * time.Millisecond}
				if !strings.HasSuffix(tc.name, "ever ready") {
					s.StartTimeout = patience
				}
				v := supervise(t, in, r, s)
				_, err := in.Yield(v.WhenReady())
				if err == nil || !tc.fits(err) {
					t.Errorf("the error is %v", err)
				}
				for _, s := range v.States() {
					want(t, "the process of a worker", s.PID, 0)
				}
				v.stop(t)
				return nil
			})
		})
	}
}

// TestOneCannotBeStarted has no socket for the first of two.
func TestOneCannotBeStarted(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		sets := [][]process.Socket{{{Network: "tcp", Address: ":1"}}, {}}
		v := supervise(t, in, r, &process.Supervisor{Command: child("server", ""), Workers: 2, Sockets: sets})
		if _, err := in.Yield(v.WhenReady()); err == nil || err.Error() != "cannot start worker 1: tcp :1: the socket has no file" {
			t.Errorf("the error is %v", err)
		}
		want(t, "the process of the other", v.States()[1].PID, 0)
		v.stop(t)
		return nil
	})
}

// TestStoppedWhileStarting stops a supervisor whose workers are not ready.
func TestStoppedWhileStarting(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		v := supervise(t, in, r, &process.Supervisor{Command: child("plain", "mute"), Workers: 2})
		ready := v.WhenReady()
		v.stop(t)
		if _, err := in.Yield(ready); !errors.Is(err, service.ErrStopped) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

// TestWorkerDoesNotEnd has workers that take no notice of SIGTERM.
func TestWorkerDoesNotEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes three seconds")
	}
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		v := supervise(t, in, r, &process.Supervisor{Command: child("plain", "obstinate"), Workers: 2, Grace: time.Millisecond})
		if _, err := in.Yield(v.WhenReady()); err != nil {
			return err
		}
		v.stop(t)
		want(t, "who was killed", strings.Count(v.says.String(), "worker was killed by SIGKILL"), 2)
		return nil
	})
}

// TestKillAll is a second signal in the middle of a stop.
func TestKillAll(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		v := supervise(t, in, r, &process.Supervisor{Command: child("plain", "obstinate"), Workers: 2})
		if _, err := in.Yield(v.WhenReady()); err != nil {
			return err
		}
		stopped := stopService(v.Supervisor)
		v.KillAll()
		_, err := in.Yield(stopped)
		return err
	})
}

// TestSupervisorKilled kills a supervisor, and its workers end in good order.
func TestSupervisorKilled(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			h := newHome(t)
			command := h.child("supervisor", "")
			exe, err := os.Executable()
			must(t, err)
			cmd := exec.Command(exe)
			cmd.Env = command.Env
			must(t, cmd.Start())
			workers := []*caller{h.next(), h.next()}
			must(t, cmd.Process.Signal(sig))
			_ = cmd.Wait()
			for _, w := range workers {
				want(t, "its last word", w.ended(t), "bye")
			}
		})
	}
}

// TestManyWorkersLog has two workers write at once, and no line is mixed up.
func TestManyWorkersLog(t *testing.T) {
	const size = 1 << 20
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		log := &counter{}
		s := &process.Supervisor{Reactor: r, Workers: 3, Log: io.MultiWriter(log), Command: child("plain", fmt.Sprintf("flood:%d", size))}
		must(t, startService(s))
		return s.WhenReady().AddBoth(func(_ any, err error) (any, error) {
			want(t, "writes that are not one line", log.bad, 0)
			if err == nil || log.bytes < size {
				t.Errorf("%d bytes, %v", log.bytes, err)
			}
			return stopService(s), nil
		})
	})
}
