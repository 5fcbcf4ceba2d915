package deferred

// Succeed returns a Deferred that has already fired with result. It panics
// with [ErrDeferredResult] if the result is a *Deferred.
//
// Twisted: defer.succeed.
func Succeed(result any) *Deferred {
	d := fired()
	d.Callback(result)
	return d
}

// Fail returns a Deferred that has already failed with err. It panics with
// [ErrNilError] if err is nil.
//
// Twisted: defer.fail.
func Fail(err error) *Deferred {
	d := fired()
	d.Errback(err)
	return d
}

// fired returns a Deferred that is about to be fired: there is nothing to count.
func fired() *Deferred {
	d := &Deferred{}
	if m := chosen() &^ counting; m != 0 {
		d.trackFor(m)
	}
	return d
}

// MaybeDeferred calls f and returns a Deferred whatever happens: the one that
// f returns, or one that has already fired with f's result, its error or its
// panic. A nil f is [ErrNilFunc].
//
// Twisted: defer.maybeDeferred.
func MaybeDeferred(f func() (any, error)) *Deferred {
	if f == nil {
		return Fail(ErrNilFunc)
	}
	result, err := call(f)
	if err != nil {
		return Fail(err)
	}
	d, ok := result.(*Deferred)
	switch {
	case !ok:
		return Succeed(result)
	case d == nil:
		return Fail(ErrNilDeferred)
	}
	return d
}

// call runs f and turns a panic into an error.
func call(f func() (any, error)) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			result, err = nil, newPanicError(v)
		}
	}()
	return f()
}
