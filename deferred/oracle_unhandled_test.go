package deferred_test

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"skein/deferred"
)

func TestOracleUnhandledErrors(t *testing.T) {
	// The collector runs when it likes: "at deletion" is, in Go, at the first
	// collection after the last reference has gone.
	t.Run("del of the last reference to a failed deferred: logged at once", func(t *testing.T) {
		reports := catchReports(t)
		drop(func() { deferred.Fail(errV) })
		if u := reports.next(t); u.Err != errV {
			t.Errorf("reported %v", u.Err)
		}
	})
	t.Run("failed deferred in a reference cycle: only when the collector runs", func(t *testing.T) {
		reports := catchReports(t)
		drop(func() {
			d := deferred.New()
			d.AddCallback(func(any) (any, error) { return d, nil })
			d.Errback(errV)
		})
		if u := reports.next(t); u.Err != errV {
			t.Errorf("reported %v", u.Err)
		}
	})
	t.Run("kept alive: nothing is logged while the reference lives", func(t *testing.T) {
		reports := catchReports(t)
		d := deferred.Fail(errV)
		reports.none(t)
		runtime.KeepAlive(d)
	})
	t.Run("error handled later, before deletion: nothing logged", func(t *testing.T) {
		reports := catchReports(t)
		drop(func() { deferred.Fail(errV).AddErrback((&recorder{}).eb("r")) })
		reports.none(t)
	})
	t.Run("errback that returns the failure: logged", func(t *testing.T) {
		reports := catchReports(t)
		drop(func() {
			deferred.Fail(errV).AddErrback(func(err error) (any, error) { return nil, err })
		})
		if u := reports.next(t); u.Err != errV {
			t.Errorf("reported %v", u.Err)
		}
		reports.none(t)
	})
}

func TestOracleUnhandledErrorsOfOthers(t *testing.T) {
	t.Run("unfired deferred deleted: nothing", func(t *testing.T) {
		reports := catchReports(t)
		drop(func() { deferred.New() })
		reports.none(t)
	})
	t.Run("callback added to a failed deferred (passes the failure on): one report only", func(t *testing.T) {
		reports := catchReports(t)
		drop(func() { deferred.Fail(errV).AddCallback((&recorder{}).cb("r")) })
		if u := reports.next(t); u.Err != errV {
			t.Errorf("reported %v", u.Err)
		}
		reports.none(t)
	})
	t.Run("outer took the inner failure: one report, for the outer", func(t *testing.T) {
		reports := catchReports(t)
		outer := deferred.New()
		drop(func() {
			inner := deferred.Fail(errV)
			outer.AddCallback(returns(inner)).Callback(nil)
		})
		reports.none(t) // the inner is gone
		runtime.KeepAlive(outer)
		outer = nil
		if u := reports.next(t); u.Err != errV {
			t.Errorf("reported %v", u.Err)
		}
		reports.none(t)
	})
}

// report runs f and returns the text of the one report that it leads to.
func report(t *testing.T, f func()) string {
	t.Helper()
	reports := catchReports(t)
	f()
	deferred.SweepUnhandled()
	return (<-reports.c).String()
}

func TestOracleUnhandledErrorTexts(t *testing.T) {
	t.Run("Exact text on stderr of a process (no observer started), exception raised in a callback", func(t *testing.T) {
		text := report(t, func() {
			deferred.Succeed(1).AddCallback(func(any) (any, error) { panic(errV) })
		})
		if !strings.HasPrefix(text, "Unhandled error in Deferred: deferred: panic: v\ngoroutine ") {
			t.Errorf("got %q", text)
		}
		if !strings.Contains(text, "TestOracleUnhandledErrorTexts") {
			t.Errorf("the stack does not show where the panic was: %q", text)
		}
	})
	t.Run("... errback(Exception) without traceback", func(t *testing.T) {
		deferred.SweepUnhandled()
		previous := deferred.SetUnhandledHandler(nil) // the default: standard error
		defer func() { deferred.SetUnhandledHandler(previous) }()
		got := captureStderr(t, func() {
			deferred.New().Errback(errV)
			deferred.SweepUnhandled()
		})
		if want := "Unhandled error in Deferred: v\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("... through log.startLogging(sys.stdout)", func(t *testing.T) {
		// A handler stands in for the log; standard error stays silent.
		var text string
		got := captureStderr(t, func() {
			text = report(t, func() { deferred.Fail(errV) })
		})
		if got != "" || text != "Unhandled error in Deferred: v" {
			t.Errorf("handler got %q, standard error %q", text, got)
		}
	})
}

func TestOracleUnhandledErrorsAtTheEnd(t *testing.T) {
	// DIFFER: a program's end runs nothing in Go; a sweep takes its place.
	t.Run("... still alive at interpreter exit (module global): reported on exit", func(t *testing.T) {
		reports := catchReports(t)
		d := deferred.Fail(errV)
		if n := deferred.SweepUnhandled(); n != 1 {
			t.Errorf("SweepUnhandled() = %d, want 1", n)
		}
		if u := <-reports.c; u.Err != errV {
			t.Errorf("reported %v", u.Err)
		}
		runtime.KeepAlive(d)
	})
}

func TestOracleUnhandledErrorsInDebugMode(t *testing.T) {
	t.Run("... with defer.setDebugging(True): creation and invocation stacks", func(t *testing.T) {
		deferred.SetDebugging(true)
		defer deferred.SetDebugging(false)
		d := madeHere()
		text := report(t, func() { firedHere(d) })
		made, fired := strings.Index(text, "madeHere"), strings.Index(text, "firedHere")
		if made < 0 || fired < made {
			t.Errorf("the stacks are not there, or not in order: %q", text)
		}
		again := deferred.New()
		again.Callback(1)
		err := panicOf(t, func() { again.Callback(2) })
		if !errors.Is(err, deferred.ErrAlreadyCalled) || strings.Count(err.Error(), "oracle_unhandled_test.go:") < 2 {
			t.Errorf("the error of the second firing does not show both places: %v", err)
		}
	})
}

//go:noinline
func madeHere() *deferred.Deferred { return deferred.New() }

//go:noinline
func firedHere(d *deferred.Deferred) { d.Errback(errV) }

// panicOf returns the error that f panics with.
func panicOf(t *testing.T, f func()) (err error) {
	t.Helper()
	defer func() {
		v, ok := recover().(error)
		if !ok {
			t.Errorf("panicked with %v, not an error", v)
		}
		err = v
	}()
	f()
	return nil
}

// captureStderr returns what f writes on standard error.
func captureStderr(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	saved := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = saved }()
	f()
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
