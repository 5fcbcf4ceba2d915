package reactor

import (
	"slices"

	"skein/deferred"
)

// Event is a moment in a reactor's life for which triggers can be set.
type Event uint8

// The system events.
const (
	// Startup is when Run begins.
	Startup Event = iota
	// Shutdown is when Stop is carried out.
	Shutdown
)

// String returns the event's name.
func (e Event) String() string {
	if e == Startup {
		return "startup"
	}
	return "shutdown"
}

// Phase says when, in an event, a trigger runs.
type Phase uint8

// The phases of an event.
const (
	// Before triggers run first. The event waits for the Deferreds they return,
	// and the loop goes on meanwhile: connections are served, and accepted.
	Before Phase = iota
	// During triggers run next. At Shutdown that is when ports and connections
	// have been closed.
	During
	// After triggers run last.
	After
)

// String returns the phase's name.
func (p Phase) String() string { return [...]string{"before", "during", "after"}[p] }

// TriggerID names a trigger, to remove it.
type TriggerID struct{ t *trigger }

// trigger is one function that waits for a phase of an event.
type trigger struct {
	event Event
	phase Phase
	f     func() *deferred.Deferred
}

// systemEvent holds the triggers that wait for one event.
type systemEvent struct{ triggers [3][]*trigger }

// AddSystemEventTrigger makes f run in a phase of an event. Triggers of a phase
// run in the order in which they were added; those added while the event goes
// on still run if their phase is not over, so one that adds itself to its own
// phase never lets it end. f may return nil; the Deferred of a
// trigger in another phase than Before is not waited for. A panic or a failed
// Deferred is logged and stops nothing.
//
// Twisted: reactor.addSystemEventTrigger.
func (r *Reactor) AddSystemEventTrigger(phase Phase, event Event, f func() *deferred.Deferred) TriggerID {
	if f == nil {
		panic(errNilFunc("AddSystemEventTrigger"))
	}
	r.check("AddSystemEventTrigger")
	t := &trigger{event: event, phase: phase, f: f}
	list := &r.events[event].triggers[phase]
	*list = append(*list, t)
	return TriggerID{t}
}

// RemoveSystemEventTrigger removes a trigger that has not run. Otherwise it
// returns [ErrUnknownTrigger].
//
// Twisted: reactor.removeSystemEventTrigger.
func (r *Reactor) RemoveSystemEventTrigger(id TriggerID) error {
	r.check("RemoveSystemEventTrigger")
	if id.t == nil {
		return ErrUnknownTrigger
	}
	list := &r.events[id.t.event].triggers[id.t.phase]
	i := slices.Index(*list, id.t)
	if i < 0 {
		return ErrUnknownTrigger
	}
	*list = slices.Delete(*list, i, i+1)
	return nil
}

// fire runs an event's Before triggers, waits for their Deferreds, and runs
// middle, whose Deferred it waits for too; then the During and After triggers,
// and last.
func (r *Reactor) fire(event Event, middle func() *deferred.Deferred, last func()) {
	waiting := r.runTriggers(event, Before)
	deferred.DeferredList(waiting, deferred.ConsumeErrors()).
		AddCallback(func(result any) (any, error) {
			for _, res := range result.([]deferred.Result) {
				if res.Err != nil {
					r.log.Error().Err(res.Err).Stringer("event", event).Msg("a trigger's Deferred failed")
				}
			}
			if d := middle(); d != nil {
				return d, nil
			}
			return nil, nil
		}).
		AddBoth(func(any, error) (any, error) {
			r.runTriggers(event, During)
			r.runTriggers(event, After)
			last()
			return nil, nil
		})
}

// runTriggers runs the triggers of a phase and returns their Deferreds.
func (r *Reactor) runTriggers(event Event, phase Phase) (waiting []*deferred.Deferred) {
	list := &r.events[event].triggers[phase]
	for len(*list) > 0 {
		t := (*list)[0]
		*list = (*list)[1:]
		var d *deferred.Deferred
		what := "a trigger " + phase.String() + " " + event.String()
		if r.do(ownerName("trigger"), what, func() { d = t.f() }) == nil && d != nil {
			waiting = append(waiting, d)
		}
	}
	*list = nil
	return waiting
}
