package service_test

import (
	"errors"
	"strings"
	"testing"

	"skein/deferred"
	"skein/deferred/deferredtest"
	"skein/reactor/service"
)

func TestChildrenStartInOrderAndStopInReverse(t *testing.T) {
	var d diary
	inner := tree(t, "inner", newRootPart("b", &d), newPart("c", &d))
	m := tree(t, "m", newRootPart("a", &d), inner, newRootPart("z", &d))
	must(t, service.Start(m))
	d.expect(t, "prepare a", "prepare b", "prepare z", "start a", "start b", "start c", "start z")
	want(t, "running", m.Running() && inner.Running(), true)
	deferredtest.SuccessResultOf(t, service.Stop(m))
	d.expect(t, "stop z", "stop c", "stop b", "stop a")
	want(t, "still running", m.Running() || inner.Running(), false)
}

func TestAStopDoesNotWaitForTheOneBefore(t *testing.T) {
	var d diary
	a, b := newPart("a", &d), newPart("b", &d)
	release := deferred.New()
	b.stop = func() *deferred.Deferred { return release }
	m := tree(t, "m", a, b)
	must(t, service.Start(m))
	stop := service.Stop(m)
	d.expect(t, "start a", "start b", "stop b", "stop a")
	deferredtest.NoResult(t, stop) // but the whole waits for all
	release.Callback(nil)
	deferredtest.SuccessResultOf(t, stop)
}

func TestRollBack(t *testing.T) {
	cases := []struct {
		name string
		at   string // "prepare" or "start"
		want []string
	}{
		{"in the preparation", "prepare", []string{"prepare a", "prepare b", "stop a"}},
		{"in the start", "start", []string{"prepare a", "prepare b", "prepare c", "start a", "start plain", "start b",
			"stop b", "stop c", "stop plain", "stop a"}}, // what has failed undoes itself first
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var d diary
			a, plain, b, c := newRootPart("a", &d), newPart("plain", &d), newRootPart("b", &d), newRootPart("c", &d)
			fails := func() error { panic(errBroken) }
			if tc.at == "start" {
				b.start = fails
			} else {
				b.prepare = fails
			}
			release := deferred.New()
			a.stop = func() *deferred.Deferred { return release }
			m := tree(t, "m", a, plain, tree(t, "inner", b), c)
			err := service.Start(m)
			expectErr(t, "the error", err, errBroken)
			want(t, "who has failed", failing(t, err), service.Service(b))
			want(t, "running", m.Running() || a.Running() || plain.Running() || c.Running(), false)
			d.expect(t, tc.want...)

			expectErr(t, "a start while it is undone", service.Start(m), service.ErrStopping)
			stop := service.Stop(m)
			deferredtest.NoResult(t, stop)
			release.Callback(nil)
			deferredtest.SuccessResultOf(t, stop)
			d.entries = nil
			b.start, b.prepare, a.stop = nil, nil, nil
			must(t, service.Start(m))
			d.expect(t, "prepare a", "prepare b", "prepare c", "start a", "start plain", "start b", "start c")
		})
	}
}

func TestAllStopErrorsAreTold(t *testing.T) {
	deferredtest.Unhandled(t) // nothing is reported besides
	var d diary
	a, b, c := newPart("a", &d), newPart("b", &d), newPart("c", &d)
	other := errors.New("other")
	a.stop = func() *deferred.Deferred { return deferred.Fail(errBroken) }
	c.stop = func() *deferred.Deferred { panic(other) }
	m := tree(t, "m", tree(t, "inner", a), b, c)
	must(t, service.Start(m))
	err := deferredtest.ErrorResultOf(t, service.Stop(m))
	expectErr(t, "the error", err, errBroken)
	expectErr(t, "the error", err, other)
	for _, text := range []string{`stopping service "a": broken`, `stopping service "c": `} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the text is %q, want %q in it", err, text)
		}
	}
	d.expect(t, "start a", "start b", "start c", "stop c", "stop b", "stop a")
}

func TestWhatCannotBeAdded(t *testing.T) {
	var d diary
	a := newPart("a", &d)
	inner := tree(t, "inner", a)
	m := tree(t, "m", inner)
	other := tree(t, "other")
	refusals(t, other.AddService(a), service.ErrHasParent,
		`service: it has a parent already: disown it first: adding service "a" to service "other"`)
	expectErr(t, "once more", inner.AddService(a), service.ErrHasParent)
	expectErr(t, "a namesake", inner.AddService(newPart("a", &d)), service.ErrNameTaken)
	expectErr(t, "itself", m.AddService(m), service.ErrCycle)
	expectErr(t, "its root", inner.AddService(m), service.ErrCycle)
	want(t, "the parent of a", a.Parent(), service.Collection(inner))
	want(t, "the number of services", len(inner.Services())+len(m.Services())+len(other.Services()), 2)

	for range 2 { // those without a name do not clash
		must(t, other.AddService(newPart("", &d)))
	}
	must(t, other.AddService(newPart("a", &d))) // nor do cousins
	deferredtest.SuccessResultOf(t, a.DisownServiceParent())
	must(t, m.AddService(a))
}

func TestServiceNamed(t *testing.T) {
	var d diary
	a := newPart("a", &d)
	m := tree(t, "m", a, newPart("", &d), tree(t, "inner", newPart("deep", &d)))
	for name, there := range map[string]bool{"a": true, "": false, "deep": false, "b": false} {
		s, ok := m.ServiceNamed(name)
		want(t, "found "+name, ok, there)
		want(t, "a service of the name "+name, s != nil, there)
	}
	a.DisownServiceParent()
	_, ok := m.ServiceNamed("a")
	want(t, "found when it is gone", ok, false)
}

func TestAddToOneThatRuns(t *testing.T) {
	var d diary
	m := tree(t, "m")
	must(t, service.PrivilegedStart(m))
	must(t, m.AddService(newRootPart("prepared", &d)))
	d.expect(t, "prepare prepared")
	must(t, service.Start(m))
	d.expect(t, "start prepared")
	must(t, m.AddService(newRootPart("late", &d)))
	d.expect(t, "prepare late", "start late")

	broken := newPart("broken", &d)
	broken.start = func() error { return errBroken }
	expectErr(t, "the error", m.AddService(broken), errBroken)
	want(t, "its parent", broken.Parent(), nil)
	_, ok := m.ServiceNamed("broken")
	want(t, "found", ok, false)
	want(t, "the others run", m.Running(), true)
	d.expect(t, "start broken")

	fickle := newPart("fickle", &d)
	fickle.start = func() error { fickle.DisownServiceParent(); return errBroken }
	expectErr(t, "the error", m.AddService(fickle), errBroken)
	d.expect(t, "start fickle")

	early := newPart("early", &d)
	must(t, service.Start(early))
	must(t, m.AddService(early)) // it is not started twice
	d.expect(t, "start early")
	service.Stop(m)
	d.expect(t, "stop early", "stop late", "stop prepared")
}

func TestDisown(t *testing.T) {
	var d diary
	a, b := newPart("a", &d), newPart("b", &d)
	release := deferred.New()
	a.stop = func() *deferred.Deferred { return release }
	m := tree(t, "m", a, b)
	must(t, service.Start(m))
	stop := a.DisownServiceParent()
	deferredtest.NoResult(t, stop)
	want(t, "the parent, while it stops", a.Parent(), nil)
	expectErr(t, "once more", deferredtest.ErrorResultOf(t, a.DisownServiceParent()), service.ErrNotChild)
	expectErr(t, "from its parent", deferredtest.ErrorResultOf(t, m.RemoveService(a)), service.ErrNotChild)
	expectErr(t, "adding it, while it stops", m.AddService(a), service.ErrStopping)
	want(t, "the parent after that", a.Parent(), nil)
	release.Callback(nil)
	deferredtest.SuccessResultOf(t, stop)
	must(t, m.AddService(a))
	d.expect(t, "start a", "start b", "stop a", "start a")
	a.stop = nil
	service.Stop(m)
	d.expect(t, "stop a", "stop b") // it is the last one now
}

// TestTheTreeChangesUnderItsOwnStart has the start of one service do something to
// the others.
func TestTheTreeChangesUnderItsOwnStart(t *testing.T) {
	type scene struct {
		m       *service.MultiService
		a, b, c *part
		extra   *part
		fault   error // what the start of b fails with
	}
	cases := []struct {
		name    string
		act     func(t *testing.T, s *scene) // in the start of b
		outcome error
		want    []string
	}{
		{"stops the whole", func(t *testing.T, s *scene) { service.Stop(s.m) }, service.ErrStopped,
			[]string{"start a", "start b", "stop b", "stop a"}},
		{"stops itself", func(t *testing.T, s *scene) { service.Stop(s.b) }, nil,
			[]string{"start a", "start b", "stop b", "start c"}},
		{"disowns itself", func(t *testing.T, s *scene) { s.b.DisownServiceParent() }, nil,
			[]string{"start a", "start b", "stop b", "start c"}},
		{"disowns itself and fails", func(t *testing.T, s *scene) { s.b.DisownServiceParent(); s.fault = errBroken }, nil,
			[]string{"start a", "start b", "start c"}},
		{"stops one before", func(t *testing.T, s *scene) { service.Stop(s.a) }, nil,
			[]string{"start a", "start b", "stop a", "start c"}},
		{"disowns one before", func(t *testing.T, s *scene) { s.a.DisownServiceParent() }, nil,
			[]string{"start a", "start b", "stop a", "start c"}},
		{"disowns the next", func(t *testing.T, s *scene) { s.c.DisownServiceParent() }, nil,
			[]string{"start a", "start b"}},
		{"starts the next", func(t *testing.T, s *scene) { must(t, service.Start(s.c)) }, nil,
			[]string{"start a", "start b", "start c"}},
		{"adds another", func(t *testing.T, s *scene) { must(t, s.m.AddService(s.extra)) }, nil,
			[]string{"start a", "start b", "start c", "start extra"}},
		{"moves one before behind", func(t *testing.T, s *scene) { s.a.DisownServiceParent(); must(t, s.m.AddService(s.a)) }, nil,
			[]string{"start a", "start b", "stop a", "start c", "start a"}},
		{"starts the whole", func(t *testing.T, s *scene) {
			expectErr(t, "a start within", service.Start(s.m), service.ErrRunning)
		}, nil, []string{"start a", "start b", "start c"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var d diary
			s := &scene{a: newPart("a", &d), b: newPart("b", &d), c: newPart("c", &d), extra: newPart("extra", &d)}
			s.m = tree(t, "m", s.a, s.b, s.c)
			s.b.start = func() error { tc.act(t, s); return s.fault }
			expectErr(t, "the error", service.Start(s.m), tc.outcome)
			want(t, "running", s.m.Running(), tc.outcome == nil)
			d.expect(t, tc.want...)
		})
	}
}

func TestTheTreeChangesUnderItsOwnStop(t *testing.T) {
	var d diary
	a, b, c, extra := newPart("a", &d), newPart("b", &d), newPart("c", &d), newPart("extra", &d)
	m := tree(t, "m", a, b, c)
	other := tree(t, "other")
	must(t, service.Start(other))
	c.stop = func() *deferred.Deferred {
		must(t, m.AddService(extra))
		b.DisownServiceParent()
		must(t, other.AddService(b))
		return nil
	}
	must(t, service.Start(m))
	deferredtest.SuccessResultOf(t, service.Stop(m))
	d.expect(t, "start a", "start b", "start c", "stop c", "stop b", "start b", "stop a")
	want(t, "what was added runs", extra.Running(), false)
	want(t, "what is elsewhere now runs", b.Running(), true)
}

// pool is a service that is made of others and does something of its own.
type pool struct {
	service.MultiService
	diary *diary
}

func (p *pool) StartService() error {
	p.diary.note("before all")
	if err := p.MultiService.StartService(); err != nil {
		return err
	}
	p.diary.note("after all")
	return p.AddService(newPart("worker", p.diary))
}

func (p *pool) StopService() *deferred.Deferred {
	p.diary.note("before the end")
	return p.MultiService.StopService()
}

func TestMultiServiceCanBeEmbedded(t *testing.T) {
	var d diary
	p, a := &pool{diary: &d}, newPart("a", &d)
	must(t, p.AddService(a))
	m := tree(t, "m", p)
	want(t, "the parent", a.Parent(), service.Collection(p))
	must(t, service.Start(m))
	d.expect(t, "before all", "start a", "after all", "start worker")
	service.Stop(a.Parent()) // all of it, not only the part that holds a
	d.expect(t, "before the end", "stop worker", "stop a")
	worker, _ := p.ServiceNamed("worker")
	worker.DisownServiceParent()
	must(t, service.Start(&p.MultiService))
	service.Stop(&p.MultiService)
	d.expect(t, "before all", "start a", "after all", "start worker", "before the end", "stop worker", "stop a")
}
