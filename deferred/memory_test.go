package deferred_test

import (
	"runtime"
	"testing"
	"weak"

	"skein/deferred"
)

// big is something that one wants to get rid of.
type big struct{ _ [1024]byte }

// What is over must not hold on to anything: a Deferred lives as long as its
// longest chain, a queue as long as the program.
func TestNothingIsHeld(t *testing.T) {
	for _, test := range held {
		t.Run(test.name, func(t *testing.T) {
			var kept any
			var w weak.Pointer[big]
			drop(func() {
				b := new(big)
				w = weak.Make(b)
				kept = test.do(b)
			})
			runtime.GC()
			if w.Value() != nil {
				t.Error("it is still in memory")
			}
			runtime.KeepAlive(kept)
		})
	}
	deferred.StopSuspended()
}

// held lists what might be held on to.
var held = []struct {
	name string
	// do makes something that uses b, and returns what stays referenced.
	do func(b *big) (kept any)
}{
	{"a callback that has run", func(b *big) any {
		d := deferred.Succeed(nil)
		d.AddCallback(func(v any) (any, error) { _ = *b; return nil, nil })
		return d
	}},
	{"a callback that has run while others wait", func(b *big) any {
		d := deferred.New().AddCallback(func(v any) (any, error) { _ = *b; return nil, nil })
		d.AddCallback(func(v any) (any, error) { return deferred.New(), nil })
		d.AddCallback(pass)
		d.Callback(nil)
		return d
	}},
	{"a callback of the overflow that has run while others wait", func(b *big) any {
		d := deferred.New().AddCallback(pass).AddCallback(pass).AddCallback(pass).AddCallback(pass)
		d.AddCallback(func(v any) (any, error) { _ = *b; return nil, nil })
		d.AddCallback(func(v any) (any, error) { return deferred.New(), nil })
		d.AddCallback(pass)
		d.Callback(nil)
		return d
	}},
	{"a result that was replaced", func(b *big) any {
		return deferred.Succeed(b).AddCallback(func(any) (any, error) { return nil, nil })
	}},
	{"a result that an outer took", func(b *big) any {
		inner := deferred.New()
		deferred.Succeed(nil).AddCallback(returns(inner))
		inner.Callback(b)
		return inner
	}},
	{"the canceller of a fired one", func(b *big) any {
		d := deferred.NewCancellable(func(*deferred.Deferred) { _ = *b })
		d.Callback(nil)
		return d
	}},
	{"an error that was handled", func(b *big) any {
		return deferred.Fail(&deferred.PanicError{Value: b}).AddErrback((&recorder{}).eb(""))
	}},
	{"a body that has ended", func(b *big) any {
		d, e := deferred.New(), deferred.New()
		body(func(in inline) (any, error) {
			in.Yield(d)
			in.Yield(e)
			_ = *b
			return nil, nil
		})
		d.Callback(nil)
		e.Callback(nil)
		return d
	}},
	{"a value that a body had waited for", func(b *big) any {
		d, e := deferred.New(), deferred.New()
		body(func(in inline) (any, error) {
			in.Yield(d)
			return in.Yield(e)
		})
		d.Callback(b)
		return e
	}},
	{"a value that was got from a queue", func(b *big) any {
		q := deferred.NewQueue(deferred.Unlimited, 0)
		_, _ = q.Put(b), q.Put(nil)
		q.Get()
		return q
	}},
}
