//go:build linux || darwin || freebsd

package conformance

import (
	"testing"
	"time"

	"skein/reactor"
)

// This file is the end of a reactor that is not in good order: Crash. The tests
// are among those of its life.

func crashEnds(t *testing.T, l Loop) {
	r := newLife(t, l)
	for _, phase := range []reactor.Phase{reactor.Before, reactor.During, reactor.After} {
		r.AddSystemEventTrigger(phase, reactor.Shutdown, r.teller("a trigger"))
	}
	r.CallLater(0, func() {
		r.CallFromThread(func() { r.tell("the next turn") })
		r.Crash()
		r.Crash()
		r.tell("the rest of the call")
	})
	r.CallLater(0, func() { r.tell("what was due") })
	is(t, "Run", r.Run(), reactor.ErrForcedStop)
	r.saw("the rest of the call", "what was due")
	if r.Running() {
		t.Error("it runs after Run has returned")
	}
}

func crashIdle(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.Crash()
	r.CallLater(time.Millisecond, func() { _ = r.Stop() })
	r.run()
	r.Crash()
}

// crashDrain ends reactors with an open connection: one in good order, which
// closes it, and one not.
func crashDrain(t *testing.T, l Loop) {
	for _, end := range []struct {
		name string
		ends func(r *life)
		run  error
		told error
	}{
		{"Stop", func(r *life) { _ = r.Stop() }, nil, nil},
		{"Crash", func(r *life) { r.Crash() }, reactor.ErrForcedStop, reactor.ErrStopped},
	} {
		t.Run(end.name, func(t *testing.T) {
			st := newStage(t, l, func(st *stage) {
				st.WhenDrained().AddBoth(func(_ any, err error) (any, error) {
					st.tell("told")
					is(t, "what is told", err, end.told)
					return nil, nil
				})
				end.ends(st.life)
			})
			is(t, "Run", st.Run(), end.run)
			st.saw("told")
			st.WhenDrained().AddBoth(func(_ any, err error) (any, error) {
				st.tell("told again")
				is(t, "what is told after the end", err, end.told)
				return nil, nil
			})
			st.saw("told", "told again")
		})
	}
}
