package service_test

import (
	"errors"
	"testing"

	"skein/deferred"
	"skein/deferred/deferredtest"
	"skein/reactor/service"
)

func TestLifeOfAService(t *testing.T) {
	var d diary
	p := newRootPart("p", &d)
	p.start = func() error {
		want(t, "running in its start", p.Running(), true)
		return nil
	}
	p.stop = func() *deferred.Deferred {
		want(t, "running in its stop", p.Running(), false)
		return nil
	}
	for range 2 { // it can be started again
		must(t, service.PrivilegedStart(p))
		want(t, "running when prepared", p.Running(), false)
		must(t, service.PrivilegedStart(p))
		must(t, service.Start(p))
		want(t, "running", p.Running(), true)
		deferredtest.SuccessResultOf(t, service.Stop(p))
		want(t, "running when stopped", p.Running(), false)
		d.expect(t, "prepare p", "start p", "stop p")
	}
	must(t, service.Start(p))
	d.expect(t, "prepare p", "start p")
}

func TestStopUndoesWhatHasSucceeded(t *testing.T) {
	fails := func() error { return errBroken }
	panics := func() error { panic(errBroken) }
	cases := []struct {
		name           string
		prepare, start func() error
		want           []string
	}{
		{"the start fails", nil, fails, []string{"prepare p", "start p", "stop p"}},
		{"the start panics", nil, panics, []string{"prepare p", "start p", "stop p"}},
		{"the preparation fails", fails, nil, []string{"prepare p"}},
		{"the preparation panics", panics, nil, []string{"prepare p"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var d diary
			p := newRootPart("p", &d)
			p.prepare, p.start = tc.prepare, tc.start
			err := service.Start(p)
			expectErr(t, "the error", err, errBroken)
			want(t, "the service of the error", failing(t, err), service.Service(p))
			want(t, "running", p.Running(), false)
			d.expect(t, tc.want...)
			deferredtest.SuccessResultOf(t, service.Stop(p))
			d.expect(t)
		})
	}
	t.Run("nothing was prepared", func(t *testing.T) {
		var d diary
		p := newPart("p", &d)
		p.start = fails
		refusals(t, service.Start(p), errBroken, `can't start service "p": broken`)
		d.expect(t, "start p")
		p = &part{diary: &d, start: fails}
		refusals(t, service.Start(p), errBroken, `can't start *service_test.part: broken`)
		d.expect(t, "start ")
	})
	t.Run("only prepared", func(t *testing.T) {
		var d diary
		p, plain := newRootPart("p", &d), newPart("plain", &d)
		must(t, service.PrivilegedStart(p))
		must(t, service.PrivilegedStart(plain))
		service.Stop(p)
		service.Stop(plain)
		d.expect(t, "prepare p", "stop p")
	})
}

func TestStartAtTheWrongTime(t *testing.T) {
	var d diary
	p := newPart("p", &d)
	release := deferred.New()
	p.stop = func() *deferred.Deferred { return release }
	must(t, service.Start(p))
	expectErr(t, "a second start", service.Start(p), service.ErrRunning)
	expectErr(t, "a late preparation", service.PrivilegedStart(p), service.ErrRunning)
	want(t, "running after that", p.Running(), true)

	first, second := service.Stop(p), service.Stop(p)
	deferredtest.NoResult(t, first)
	expectErr(t, "a start while it stops", service.Start(p), service.ErrStopping)
	expectErr(t, "a preparation while it stops", service.PrivilegedStart(p), service.ErrStopping)
	first.Cancel()
	expectErr(t, "who has cancelled", deferredtest.ErrorResultOf(t, first), deferred.ErrCancelled)
	release.Callback("ignored")
	want(t, "the result of a stop", deferredtest.SuccessResultOf(t, second), nil)
	d.expect(t, "start p", "stop p")
	must(t, service.Start(p))
	p.stop = nil
}

func TestStopTwice(t *testing.T) {
	var d diary
	p := newPart("p", &d)
	deferredtest.SuccessResultOf(t, service.Stop(&part{})) // nobody has had to do with that one
	deferredtest.SuccessResultOf(t, service.Stop(p))
	must(t, service.Start(p))
	for range 2 {
		deferredtest.SuccessResultOf(t, service.Stop(p))
	}
	d.expect(t, "start p", "stop p")
}

func TestStopDuringAStart(t *testing.T) {
	cases := []struct {
		name    string
		in      string
		outcome error
		want    []string
	}{
		{"in the preparation", "prepare", nil, []string{"prepare p", "stop p"}},
		{"in a preparation that fails", "prepare", errBroken, []string{"prepare p"}},
		{"in the start", "start", nil, []string{"prepare p", "start p", "stop p"}},
		{"in a start that fails", "start", errBroken, []string{"prepare p", "start p", "stop p"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var d diary
			var asked *deferred.Deferred
			p := newRootPart("p", &d)
			method := func() error {
				asked = service.Stop(p)
				deferredtest.NoResult(t, asked)
				return tc.outcome
			}
			if tc.in == "start" {
				p.start = method
			} else {
				p.prepare = method
			}
			err := service.Start(p)
			if tc.outcome == nil {
				expectErr(t, "the error", err, service.ErrStopped)
			} else {
				expectErr(t, "the error", err, tc.outcome)
			}
			deferredtest.SuccessResultOf(t, asked)
			want(t, "running", p.Running(), false)
			d.expect(t, tc.want...)
			p.prepare, p.start = nil, nil
			must(t, service.Start(p)) // what was asked for then is forgotten
		})
	}
}

func TestStartDuringAStartOrStop(t *testing.T) {
	var d diary
	p := newPart("p", &d)
	p.start = func() error {
		expectErr(t, "a start in its start", service.Start(p), service.ErrRunning)
		return nil
	}
	p.stop = func() *deferred.Deferred {
		expectErr(t, "a start in its stop", service.Start(p), service.ErrStopping)
		return nil
	}
	must(t, service.Start(p))
	service.Stop(p).AddCallback(func(any) (any, error) { // but behind it, it may
		p.stop = nil
		return nil, service.Start(p)
	})
	want(t, "running", p.Running(), true)
	d.expect(t, "start p", "stop p", "start p")
}

func TestAStopThatGoesWrong(t *testing.T) {
	cases := map[string]func() *deferred.Deferred{
		"fails":  func() *deferred.Deferred { return deferred.Fail(errBroken) },
		"panics": func() *deferred.Deferred { panic(errBroken) },
	}
	for name, stop := range cases {
		t.Run(name, func(t *testing.T) {
			var d diary
			p := newPart("p", &d)
			p.stop = stop
			must(t, service.Start(p))
			err := deferredtest.ErrorResultOf(t, service.Stop(p))
			expectErr(t, "the error", err, errBroken)
			var e *service.StopError
			if !errors.As(err, &e) || e.Service != service.Service(p) {
				t.Errorf("the error is %#v, want a StopError of the service", err)
			}
			want(t, "running", p.Running(), false)
			must(t, service.Start(p)) // it is stopped all the same
		})
	}
}

// TestAFailedUndoingIsReported: a start has only one error to return.
func TestAFailedUndoingIsReported(t *testing.T) {
	log := deferredtest.Unhandled(t)
	var d diary
	p := newRootPart("p", &d)
	p.start = func() error { return errors.New("first") }
	p.stop = func() *deferred.Deferred { return deferred.Fail(errBroken) }
	if err := service.Start(p); err == nil || errors.Is(err, errBroken) {
		t.Errorf("the error is %v, want that of the start", err)
	}
	got := log.Flush()
	if len(got) != 1 || !errors.Is(got[0].Err, errBroken) {
		t.Errorf("reported: %v, want the error of the undoing", got)
	}
}

func TestNamedComesBeforeTheParent(t *testing.T) {
	var d diary
	p := newPart("p", &d)
	tree(t, "", p)
	defer func() {
		err, _ := recover().(error)
		expectErr(t, "the panic", err, service.ErrHasParent)
		want(t, "the name", p.Name(), "p")
	}()
	service.Named("q", p)
}
