package task

import (
	"errors"
	"fmt"
	"runtime/debug"

	"skein/deferred"
)

// The errors of using a [LoopingCall] at the wrong time. Match them with
// [errors.Is].
var (
	// ErrLoopRunning is the panic of Start when the loop runs already, or when
	// it has been stopped but its last call has not finished.
	//
	// Twisted: the AssertionError of LoopingCall.start.
	ErrLoopRunning = errors.New("task: the looping call is running, or its last call is: " +
		"start it again when the Deferred of Start has fired")

	// ErrLoopNotRunning says that there is no loop to stop or reset.
	//
	// Twisted: the AssertionError of LoopingCall.stop and reset.
	ErrLoopNotRunning = errors.New("task: the looping call is not running")
)

// The errors of a [CooperativeTask]. Match them with [errors.Is].
var (
	// ErrTaskFinished matches the four states in which a task is over.
	//
	// Twisted: task.TaskFinished.
	ErrTaskFinished = errors.New("task: the cooperative task is finished")

	// ErrTaskDone says that the steps have come to their end.
	//
	// Twisted: task.TaskDone.
	ErrTaskDone = fmt.Errorf("%w: it is done", ErrTaskFinished)

	// ErrTaskFailed says that a step panicked or yielded a Deferred that failed.
	//
	// Twisted: task.TaskFailed.
	ErrTaskFailed = fmt.Errorf("%w: it failed", ErrTaskFinished)

	// ErrTaskStopped says that the task was stopped by its Stop.
	//
	// Twisted: task.TaskStopped.
	ErrTaskStopped = fmt.Errorf("%w: it was stopped", ErrTaskFinished)

	// ErrSchedulerStopped says that the task's cooperator was stopped.
	//
	// Twisted: task.SchedulerStopped.
	ErrSchedulerStopped = fmt.Errorf("%w: its cooperator was stopped", ErrTaskFinished)

	// ErrNotPaused says that a task was resumed more often than paused.
	//
	// Twisted: task.NotPaused.
	ErrNotPaused = errors.New("task: Resume without Pause: call each Resume once, after its Pause")
)

// newPanicError describes a recovered panic. Call it from the function that
// recovers, while the panicking frames are still there.
func newPanicError(value any) error {
	return &deferred.PanicError{Value: value, Stack: debug.Stack()}
}
