package reactor

import (
	"errors"
	"fmt"
)

// The errors of using a reactor wrongly. Match them with [errors.Is].
var (
	// ErrNotRunning says that the reactor is not running, or is stopping already.
	//
	// Twisted: error.ReactorNotRunning.
	ErrNotRunning = errors.New("reactor: can't stop a reactor that isn't running")

	// ErrAlreadyRunning says that Run was called while the reactor runs.
	//
	// Twisted: error.ReactorAlreadyRunning.
	ErrAlreadyRunning = errors.New("reactor: already running: one goroutine calls Run, once")

	// ErrNotRestartable says that the reactor has run before.
	//
	// Twisted: error.ReactorNotRestartable.
	ErrNotRestartable = errors.New("reactor: not restartable: make another with reactor.New")

	// ErrStopped is the cause of what ends because the reactor does: open
	// connections, connection attempts, thread calls.
	ErrStopped = errors.New("the reactor has stopped")

	// ErrForcedStop is what Run returns after a second signal or a call of Crash:
	// connections that were being closed may have lost their last bytes.
	ErrForcedStop = errors.New("reactor: stopped at once, by a second signal or by Crash")

	// ErrWouldDeadlock says that BlockingCallFromThread was called on the
	// reactor's own goroutine, which would wait for itself.
	ErrWouldDeadlock = errors.New("reactor: BlockingCallFromThread on the reactor's own goroutine would wait for itself: call the function directly")

	// ErrCloseTimeout is the cause of aborting a connection whose peer accepted
	// nothing for the close timeout.
	ErrCloseTimeout = errors.New("the peer accepted no data for the close timeout")

	// ErrProducerTimeout is the cause of aborting a connection that was being
	// closed and whose producer neither wrote nor unregistered for the close
	// timeout.
	ErrProducerTimeout = errors.New("the producer wrote nothing for the close timeout and did not unregister")

	// ErrUnknownTrigger says that a trigger has run or was removed before.
	ErrUnknownTrigger = errors.New("reactor: no such system event trigger: it has fired or was removed")

	// ErrDescriptorBusy says that something watches a descriptor already.
	ErrDescriptorBusy = errors.New("reactor: the descriptor is being watched already")
)

// AffinityError is the value of the panic that a call from a foreign goroutine
// leads to.
type AffinityError struct {
	// Method is the method that was called.
	Method string
}

// Error names the method and the remedy.
func (e *AffinityError) Error() string {
	return "reactor: " + e.Method + " called from outside the reactor's goroutine: wrap the call in reactor.CallFromThread(func() { ... })"
}

// errNilFunc is the value of the panic for a function that is nil.
func errNilFunc(method string) error {
	return fmt.Errorf("reactor: %s needs a function, not nil", method)
}
