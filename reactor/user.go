package reactor

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
)

// owner is whose callback runs, for the log: a connection, a port, a timer. It
// says its name only when a line is written.
type owner interface{ logName() string }

// ownerName is the owner that has no object.
type ownerName string

func (n ownerName) logName() string { return string(n) }

// do runs user code: it is the place from which the loop calls any, but for
// DataReceived, for which there is conn.deliver. A panic is logged with its stack and returned, so that it costs what it came from and
// not the loop. what names the call for the log.
//
// f does not escape, so a closure over locals costs no allocation.
func (r *Reactor) do(who owner, what string, f func()) (failure error) {
	outer := r.owner
	r.owner = who
	r.stats.Callbacks++
	returned := false
	defer func() {
		if !returned { // else there is nothing to recover, and asking takes a while
			if v := recover(); v != nil {
				failure = r.panicked(r.callName(who, what), v)
			}
		}
		r.owner = outer
	}()
	if r.opts.timing {
		r.timed(who, what, f)
	} else {
		f()
	}
	returned = true
	return nil
}

// next is called in a do: the call named over has returned, and who's call of another
// name follows, of another owner than the do's. That is how the three calls of a new
// connection share what it costs to be ready for a panic.
func (r *Reactor) next(over string, who owner, what string) {
	if r.opts.timing {
		r.judge(over)
	}
	r.owner, r.nextName = who, what
	r.stats.Callbacks++
}

// callName returns the name of the call that runs in the do of who and what: what,
// until next has put another owner in who's place.
func (r *Reactor) callName(who owner, what string) string {
	if r.owner != who {
		return r.nextName
	}
	return what
}

// timed runs f and warns if it held up everybody else.
func (r *Reactor) timed(who owner, what string, f func()) {
	outer := r.began
	r.began = r.nanos()
	f()
	r.judge(r.callName(who, what))
	r.began = outer
}

// judge warns if the call that ends has held up everybody else. The next one may
// begin at once.
func (r *Reactor) judge(what string) {
	now := r.nanos()
	if took := time.Duration(now - r.began); took > r.opts.slow {
		r.stats.SlowCallbacks++
		r.log.Warn().Str("call", what).Dur("took", took).Msg("slow callback: the loop stood still meanwhile")
	}
	r.began = now
}

// panicked logs a panic and makes an error of it.
func (r *Reactor) panicked(what string, v any) error {
	// fmt.Sprint survives a value whose Error or String method panics; what else
	// there is in a log library need not.
	e := &deferred.PanicError{Value: v, Stack: debug.Stack()}
	r.stats.Panics++
	r.log.Error().Str("call", what).Str("panic", fmt.Sprint(v)).Str("stack", string(e.Stack)).Msg("panic in " + what)
	return e
}

// check panics if the caller is not the loop's goroutine. calling is a plain
// field on purpose: a foreign goroutine that comes while the loop sleeps finds
// it false; one that comes while the loop works may get through, but under
// -race the detector reports this read, with both stacks. Before and after Run
// anybody may call.
func (r *Reactor) check(method string) {
	if r.calling && !r.opts.debug {
		return
	}
	r.checkExactly(method)
}

// checkExactly is the slow half of check.
func (r *Reactor) checkExactly(method string) {
	if r.phase.Load() != running || r.calling && r.onLoop() {
		return
	}
	panic(&AffinityError{Method: method})
}

// onLoop reports whether the caller is the loop's goroutine, or an inline
// callback's, which stands in for it. It takes microseconds.
func (r *Reactor) onLoop() bool {
	return goroutineID() == r.loopID.Load() || deferred.InBody()
}

// checkTimers guards the methods of delayed calls.
func (r *Reactor) checkTimers() { r.check("a timer's method") }

// goroutineID returns the number that the runtime gives the calling goroutine.
// It is read from a stack trace, which takes a microsecond: for checks only.
func goroutineID() uint64 {
	var buf [64]byte
	text := strings.TrimPrefix(string(buf[:runtime.Stack(buf[:], false)]), "goroutine ")
	id, _ := strconv.ParseUint(text[:max(strings.IndexByte(text, ' '), 0)], 10, 64)
	return id
}

// ownerHook adds to each line whose callback was running.
type ownerHook struct{ r *Reactor }

// Run adds the field.
func (h ownerHook) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	if h.r.owner != nil {
		e.Str("owner", h.r.owner.logName())
	}
}

// Log returns the reactor's logger, whose lines carry the owner of the running
// callback.
//
// Twisted: log.msg, with the context's system.
func (r *Reactor) Log() *zerolog.Logger { return &r.log }
