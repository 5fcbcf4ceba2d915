// Package deferredtest looks into Deferreds from a test, which cannot wait: it
// moves a fake clock or pumps a connection, and then the result is there or it
// is not.
//
//	                     ┌── fired: a result ──▶ SuccessResultOf, ResultOf[T]
//	test ──▶ Deferred ───┼── fired: an error ──▶ ErrorResultOf
//	                     └── not yet ──────────▶ NoResult
//
//	errors that no errback handled ─────────────▶ Unhandled(t).Flush()
//
// A Deferred that is not in the state the test expects fails the test, with a
// message that says what it is instead. The functions are for the goroutine
// that owns the Deferred, which must be the test's.
//
// Reading order: results.go, unhandled.go.
package deferredtest
