package deferred

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
)

// The errors that travel down a chain. Match them with [errors.Is].
var (
	// ErrCancelled is what a Deferred fails with when it is cancelled and its
	// canceller does not give it another result.
	//
	// Twisted: defer.CancelledError.
	ErrCancelled = errors.New("deferred: cancelled")

	// ErrTimeout matches every [*TimeoutError].
	//
	// Twisted: defer.TimeoutError.
	ErrTimeout = errors.New("deferred: timed out")

	// ErrStopped is what a body of [InlineCallbacks] sees when [StopSuspended]
	// ends it. It is also an ErrCancelled, so code that ignores cancellation
	// ignores it too.
	//
	// Twisted: GeneratorExit, thrown in when the generator is dropped.
	ErrStopped = fmt.Errorf("deferred: the loop ended while the body waited: %w", ErrCancelled)

	// ErrReturnedSelf is what a chain goes on with when one of its callbacks
	// returns the very Deferred that it is on.
	ErrReturnedSelf = errors.New("deferred: a callback returned the Deferred it is attached to, " +
		"which would wait for itself for ever: return a result, or another Deferred")

	// ErrCycle is what a chain goes on with when one of its callbacks returns a
	// Deferred that waits, over however many others, for this one.
	ErrCycle = errors.New("deferred: a callback returned a Deferred that waits for this one: " +
		"break the circle")

	// ErrNilDeferred says that a nil *Deferred stands where a Deferred was needed.
	ErrNilDeferred = errors.New("deferred: a nil *Deferred: return nil for no result, or a Deferred")

	// ErrDeferredResult says that a Deferred was given as a final result. A
	// callback may return one, to be waited for; nothing else may.
	ErrDeferredResult = errors.New("deferred: a Deferred cannot be the result of a Deferred: " +
		"return it from a callback, or use ChainDeferred")

	// ErrNoDeferreds is what [Race], and [DeferredList] with
	// [FireOnOneCallback], fail with when there is nothing to wait for.
	ErrNoDeferreds = errors.New("deferred: no Deferreds, so none of them can be the first")

	// ErrNilFunc says that a function to run is nil.
	ErrNilFunc = errors.New("deferred: a nil function: pass the function to run")

	// errGoexit is left in a chain whose callback ended its goroutine.
	errGoexit = errors.New("deferred: a callback ended the goroutine with runtime.Goexit")
)

// The errors that misuse panics with: each names the remedy. The value of the
// panic is always an error; match it with [errors.Is].
var (
	// ErrAlreadyCalled says that a Deferred was fired a second time. In debug
	// mode the text also says where the Deferred was made and first fired.
	//
	// Twisted: defer.AlreadyCalledError.
	ErrAlreadyCalled = errors.New("deferred: this Deferred has already been fired: " +
		"fire it once (SetDebugging(true) tells where that was)")

	// ErrNilError says that Errback or Fail was given a nil error.
	//
	// Twisted: failure.NoCurrentExceptionError.
	ErrNilError = errors.New("deferred: Errback and Fail need an error: for success use Callback or Succeed")

	// ErrNotPaused says that Unpause was called more often than Pause.
	ErrNotPaused = errors.New("deferred: Unpause without Pause: call each Unpause once, after its Pause")
)

// PanicError is a panic of a callback, a canceller or a body, turned into an
// error of the chain.
//
// Twisted: failure.Failure, when it holds a caught exception.
type PanicError struct {
	// Value is what the panic was called with.
	Value any
	// Stack is the stack of the goroutine at the moment of the panic.
	Stack []byte
}

// newPanicError describes a recovered panic. Call it from the function that
// recovers, while the panicking frames are still there.
func newPanicError(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// Error returns the panic's value, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("deferred: panic: %v", e.Value) }

// Unwrap returns the panic's value if it is an error, so that [errors.Is] and
// [errors.As] find it.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// TypeError says that a result has another type than a typed helper wants.
type TypeError struct {
	// Op is the function that wanted the type: "Then", "Await", ...
	Op string
	// Want is the type asked for.
	Want reflect.Type
	// Got is the type of the result; nil if the result is nil.
	Got reflect.Type
}

// Error names both types.
func (e *TypeError) Error() string {
	got := "nil"
	if e.Got != nil {
		got = "of type " + e.Got.String()
	}
	return fmt.Sprintf("deferred: %s wants a result of type %v, but it is %s", e.Op, e.Want, got)
}

// cast converts a result to T. A nil result is the zero value of a T that can
// be nil. The error is a [*TypeError].
func cast[T any](op string, result any) (T, error) {
	if t, ok := result.(T); ok {
		return t, nil
	}
	var zero T
	want := reflect.TypeFor[T]()
	if result == nil {
		switch want.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
			return zero, nil
		}
	}
	return zero, &TypeError{Op: op, Want: want, Got: reflect.TypeOf(result)}
}
