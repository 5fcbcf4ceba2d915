package deferred

import (
	"fmt"
	"runtime"
	"strings"
)

// SetDebugging turns debug mode on or off for Deferreds made from now on: they
// remember where they were made and fired, and say so in the text of
// [ErrAlreadyCalled] and in [Unhandled]. It costs about two microseconds per
// Deferred. Any goroutine may call it.
//
// Twisted: defer.setDebugging.
func SetDebugging(on bool) { debugging.set(on) }

// Debugging reports whether debug mode is on. Any goroutine may call it.
//
// Twisted: defer.getDebugging.
func Debugging() bool { return chosen().has(debugging) }

// maxFrames bounds the stacks that debug mode keeps.
const maxFrames = 32

// callers returns the stack of its caller.
func callers() []uintptr {
	pcs := make([]uintptr, maxFrames)
	return pcs[:runtime.Callers(2, pcs)]
}

// packagePrefix begins the name of every function of this package, and of no
// other: the external tests are "skein/deferred_test.".
const packagePrefix = "skein/deferred."

// formatStack writes a stack, one function and its place per line, without the
// frames of this package that lead to the user's.
func formatStack(pcs []uintptr) string {
	if len(pcs) == 0 {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(pcs)
	inside := true
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		inside = inside && strings.HasPrefix(f.Function, packagePrefix)
		if !inside {
			fmt.Fprintf(&b, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
		}
	}
	return b.String()
}

// alreadyCalled returns the error for a second firing, with the stacks that t
// has kept; t may be nil.
func alreadyCalled(t *tracker) error {
	if t == nil || len(t.created) == 0 {
		return ErrAlreadyCalled
	}
	return fmt.Errorf("%w\nit was made at:\n%sand first fired at:\n%s",
		ErrAlreadyCalled, formatStack(t.created), formatStack(t.fired))
}
