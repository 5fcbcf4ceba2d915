package deferred

import "errors"

// Then adds a callback with static types: f gets the result as a T. A nil
// result is the zero value of a T that can be nil; a result of another type
// moves the chain to its errback side with a [*TypeError], and f does not run.
// A nil f passes the result on. Then returns d; to be a method it would need
// type parameters.
//
// If f returns a Deferred, use [ThenDeferred], which says so.
func Then[T, U any](d *Deferred, f func(T) (U, error)) *Deferred {
	if f == nil {
		return d
	}
	return d.AddCallback(func(result any) (any, error) {
		t, err := cast[T]("Then", result)
		if err != nil {
			return nil, err
		}
		return f(t)
	})
}

// ThenDeferred is [Then] for an f that begins something which takes time: the
// chain waits for the Deferred that f returns, and goes on with its result.
func ThenDeferred[T any](d *Deferred, f func(T) *Deferred) *Deferred {
	if f == nil {
		return d
	}
	return d.AddCallback(func(result any) (any, error) {
		t, err := cast[T]("ThenDeferred", result)
		if err != nil {
			return nil, err
		}
		return f(t), nil
	})
}

// Tap is [Then] for an f that only looks at the result: the chain goes on with
// the result it had, or with the error that f returns.
func Tap[T any](d *Deferred, f func(T) error) *Deferred {
	if f == nil {
		return d
	}
	return d.AddCallback(func(result any) (any, error) {
		t, err := cast[T]("Tap", result)
		if err != nil {
			return nil, err
		}
		return result, f(t)
	})
}

// Catch adds an errback for one type of error: f runs if there is an E in the
// error's chain, as [errors.As] finds it; other errors pass by. It returns d.
//
// Twisted: Failure.trap at the top of an errback.
func Catch[E error](d *Deferred, f func(E) (any, error)) *Deferred {
	if f == nil {
		return d
	}
	return d.AddErrback(func(err error) (any, error) {
		var e E
		if !errors.As(err, &e) {
			return nil, err
		}
		return f(e)
	})
}

// CatchIs adds an errback for one error value: f runs if the error is target,
// as [errors.Is] finds it; other errors pass by. It returns d.
//
// Twisted: Failure.trap at the top of an errback.
func CatchIs(d *Deferred, target error, f func(err error) (any, error)) *Deferred {
	if f == nil {
		return d
	}
	return d.AddErrback(func(err error) (any, error) {
		if !errors.Is(err, target) {
			return nil, err
		}
		return f(err)
	})
}

// Finally adds f for either outcome, to clean up; the outcome passes on
// unchanged, unless f panics. It returns d.
//
// Twisted: addBoth with a function that returns its argument.
func Finally(d *Deferred, f func()) *Deferred {
	if f == nil {
		return d
	}
	return d.AddBoth(func(result any, err error) (any, error) {
		f()
		return result, err
	})
}
