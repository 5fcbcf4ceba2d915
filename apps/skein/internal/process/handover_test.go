//go:build linux || darwin || freebsd

package process_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/reactor"
)

// handover hands over to a plain child.
func handover(r *reactor.Reactor, does *string) *process.Handover {
	return &process.Handover{Reactor: r, Options: func() (process.SpawnOptions, error) {
		return process.SpawnOptions{Command: child("plain", *does)}, nil
	}}
}

func TestHandover(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		h := newHome(t)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer ln.Close()
		socket := fileOf(t, ln)
		o := &process.Handover{Reactor: r, Options: func() (process.SpawnOptions, error) {
			return process.SpawnOptions{Command: h.child("plain", "greet"), Sockets: []process.Socket{{Network: "tcp", Address: ":1", File: socket}}}, nil
		}}
		c, err := deferred.Await[*process.Child](in, o.Begin())
		must(t, err)
		if err := socket.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the socket was left open: %v", err)
		}
		want(t, "busy", o.Busy(), true)
		if _, err := in.Yield(o.Begin()); !errors.Is(err, process.ErrHandingOver) {
			t.Errorf("a second time: %v", err)
		}
		successor := h.next()
		want(t, "the role", successor.Role, process.Successor)
		want(t, "the pid", successor.PID, c.PID())
		text, err := in.Yield(r.DeferToThread(func() (any, error) { return fetch(ln.Addr().String()) }))
		must(t, err)
		if text == "" {
			t.Error("the successor does not serve")
		}
		c.Kill()
		_, err = in.Yield(c.WhenEnded())
		return err
	})
}

func TestHandoverFails(t *testing.T) {
	broken := errors.New("broken")
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		does := ""
		h := handover(r, &does)
		h.Timeout = 300 * time.Millisecond
		cases := []struct {
			does string
			fits func(err error) bool
		}{
			{does: "fail:no", fits: func(err error) bool { var e *process.FailedError; return errors.As(err, &e) && err.Error() == "no" }},
			{does: "failAndStay:no", fits: func(err error) bool { var e *process.FailedError; return errors.As(err, &e) }},
			{does: "die", fits: func(err error) bool { var e *process.EndedError; return errors.As(err, &e) }},
			{does: "mute", fits: func(err error) bool { var e *process.NotReadyError; return errors.As(err, &e) && e.After == h.Timeout }},
			{does: "stubborn", fits: func(err error) bool { var e *process.NotReadyError; return errors.As(err, &e) }},
		}
		for _, tc := range cases {
			does = tc.does
			if tc.does != "mute" && tc.does != "stubborn" {
				h.Timeout = patience
			} else {
				h.Timeout = 300 * time.Millisecond
			}
			_, err := in.Yield(h.Begin())
			if err == nil || !tc.fits(err) {
				t.Errorf("%s: the error is %v", tc.does, err)
			}
			want(t, tc.does+": busy", h.Busy(), false)
		}
		h.Options = func() (process.SpawnOptions, error) { return process.SpawnOptions{}, broken }
		if _, err := in.Yield(h.Begin()); !errors.Is(err, broken) || h.Busy() {
			t.Errorf("options that fail: %v", err)
		}
		h.Options = func() (process.SpawnOptions, error) {
			return process.SpawnOptions{Command: process.Command{Path: "/no/such"}}, nil
		}
		if _, err := in.Yield(h.Begin()); !errors.Is(err, os.ErrNotExist) || h.Busy() {
			t.Errorf("a program that is not there: %v", err)
		}
		return nil
	})
}

// TestHandoverCancelled cancels one, and finds the successor gone.
func TestHandoverCancelled(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		h := newHome(t)
		o := &process.Handover{Reactor: r, Options: func() (process.SpawnOptions, error) {
			return process.SpawnOptions{Command: h.child("plain", "stubborn")}, nil
		}}
		d := o.Begin()
		successor, err := deferred.Await[*caller](in, r.DeferToThread(func() (any, error) { return h.next(), nil }))
		must(t, err)
		d.Cancel()
		if _, err := in.Yield(d); !errors.Is(err, deferred.ErrCancelled) {
			t.Errorf("the error is %v", err)
		}
		if _, err = in.Yield(r.DeferToThread(func() (any, error) { successor.ended(t); return nil, nil })); err != nil {
			return err
		}
		idle := deferred.New()
		var look func()
		look = func() {
			if o.Busy() {
				r.CallLater(time.Millisecond, look)
			} else {
				idle.Callback(nil)
			}
		}
		look()
		_, err = in.Yield(idle)
		return err
	})
}
