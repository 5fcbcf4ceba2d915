package deferred_test

import (
	"errors"
	"fmt"
	"testing"

	"skein/deferred"
)

// e1 and e2 stand for the exception classes of the rows: e2 derives from e1,
// which in Go is an error that wraps one.
type e1 struct{ text string }

func (e *e1) Error() string { return e.text }

type e2 struct{ e1 *e1 }

func (e *e2) Error() string { return "e2: " + e.e1.text }
func (e *e2) Unwrap() error { return e.e1 }

func TestOracleFailure(t *testing.T) {
	caught := func(r *recorder) func(*e1) (any, error) {
		return func(e *e1) (any, error) { r.note("E1 %s", e.text); return "caught", nil }
	}
	runRows(t, []row{
		{"check: class, base class, several, none; by dotted name", func(r *recorder) {
			for _, err := range []error{&e1{"x"}, &e2{&e1{"x"}}, errX} {
				r.probe(deferred.Catch(deferred.Fail(err), caught(r)), "r")
			}
		}, []string{"E1 x", "r:cb(caught)", "E1 x", "r:cb(caught)", "r:eb(x)"}},
		{"trap: matches / does not match", func(r *recorder) {
			is := func(err error) (any, error) { r.note("is v: %v", err); return nil, nil }
			r.probe(deferred.CatchIs(deferred.Fail(fmt.Errorf("wrapped %w", errV)), errV, is), "r")
			r.probe(deferred.CatchIs(deferred.Fail(errX), errV, is), "r")
		}, []string{"is v: wrapped v", "r:cb(<nil>)", "r:eb(x)"}},
		{"trap that does not match inside an errback: same failure goes on", func(r *recorder) {
			d := deferred.Catch(deferred.Fail(errV), caught(r))
			d.AddErrback(func(err error) (any, error) { r.note("same object %v", err == errV); return nil, nil })
		}, []string{"same object true"}},
		{"trap matches: returns the class; the errback's return value is what counts", func(r *recorder) {
			r.probe(deferred.Catch(deferred.Fail(&e1{"x"}), func(e *e1) (any, error) { return e.text, nil }), "r")
		}, []string{"r:cb(x)"}},
		// A panic with an error keeps it within reach of errors.Is and errors.As.
		{"throwing a Failure: `raise f` in an errback", func(r *recorder) {
			d := deferred.Fail(&e1{"x"}).AddErrback(func(err error) (any, error) { panic(err) })
			d.AddErrback(func(err error) (any, error) {
				var p *deferred.PanicError
				var e *e1
				r.note("PanicError %v, E1 %v", errors.As(err, &p), errors.As(err, &e))
				return nil, nil
			})
		}, []string{"PanicError true, E1 true"}},
	})
}
