//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"io"
	"sync/atomic"

	"skein/deferred"
	"skein/reactor"
)

// threading is DeferToThread and BlockingCallFromThread.
var threading = []test{
	{name: "a value, an error, a panic", f: threadResults},
	{name: "the Deferred fires on the loop", f: threadOnLoop},
	{name: "cancelled, the function runs on unheard", f: threadCancel},
	{name: "no more at once than allowed", f: threadLimit, opts: within(reactor.WithThreads(2))},
	{name: "the loop runs on meanwhile", f: threadMeanwhile},
	{name: "a blocking call brings back what the loop says", f: blockingResults},
	{name: "a blocking call on the loop is refused", f: blockingOnLoop},
}

// results are what a function may end in, and what comes of it.
var results = map[string]struct {
	f     func() (any, error)
	value any
	check func(error) bool
}{
	"a value":    {func() (any, error) { return 7, nil }, 7, func(err error) bool { return err == nil }},
	"nothing":    {func() (any, error) { return nil, nil }, nil, func(err error) bool { return err == nil }},
	"an error":   {func() (any, error) { return 7, io.EOF }, nil, func(err error) bool { return errors.Is(err, io.EOF) }},
	"a panic":    {func() (any, error) { panic(errOops) }, nil, isPanic},
	"a Deferred": {func() (any, error) { return deferred.Succeed(7), nil }, 7, func(err error) bool { return err == nil }},
	"a failed Deferred": {func() (any, error) { return deferred.Fail(io.EOF), nil }, nil,
		func(err error) bool { return errors.Is(err, io.EOF) }},
}

// isPanic reports whether err is what a panic became.
func isPanic(err error) bool {
	var p *deferred.PanicError
	return errors.As(err, &p) && errors.Is(err, errOops) && len(p.Stack) > 0
}

func threadResults(s *scene) {
	for name, want := range results {
		if name == "a Deferred" || name == "a failed Deferred" {
			continue // a Deferred belongs to the loop
		}
		value, err := s.try(s.r.DeferToThread(want.f))
		s.check("the error of "+name, want.check(err))
		equal(s, "the value of "+name, value, want.value)
	}
}

// threadOnLoop relies on the race detector, too: on the loop, plain variables
// need no lock.
func threadOnLoop(s *scene) {
	d := s.r.DeferToThread(func() (any, error) { return nil, nil })
	s.check("not from inside DeferToThread", !d.Called())
	fired := 0
	d.AddCallback(func(any) (any, error) {
		fired++
		return nil, nil
	})
	s.await(d)
	equal(s, "callbacks", fired, 1)
}

func threadCancel(s *scene) {
	release := make(chan struct{})
	ended := make(chan struct{})
	d := s.r.DeferToThread(func() (any, error) {
		defer close(ended)
		<-release
		return "unheard", nil
	})
	s.turns(2)
	d.Cancel()
	_, err := s.try(d)
	s.isError("the Deferred's error", err, deferred.ErrCancelled)
	close(release)
	<-ended
	s.await(s.r.DeferToThread(func() (any, error) { return nil, nil }))
	s.turns(2)
}

func threadLimit(s *scene) {
	var now, most atomic.Int32
	ds := make([]*deferred.Deferred, 20)
	for i := range ds {
		ds[i] = s.r.DeferToThread(func() (any, error) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			now.Add(-1)
			return i, nil
		})
	}
	for i, v := range s.await(deferred.GatherResults(ds)).([]any) {
		equal(s, "a value", v, any(i))
	}
	s.check("two at once at most", most.Load() <= 2)
}

func threadMeanwhile(s *scene) {
	release := make(chan struct{})
	d := s.r.DeferToThread(func() (any, error) { <-release; return nil, nil })
	s.marker()
	s.check("the function still runs", !d.Called())
	close(release)
	s.await(d)
}

// blockingResults asks from another goroutine, which is DeferToThread's.
func blockingResults(s *scene) {
	for name, want := range results {
		type outcome struct {
			value any
			err   error
		}
		got := s.await(s.r.DeferToThread(func() (any, error) {
			value, err := s.r.BlockingCallFromThread(want.f)
			return outcome{value, err}, nil
		})).(outcome)
		s.check("the error of "+name, want.check(got.err))
		equal(s, "the value of "+name, got.value, want.value)
	}
	later := deferred.New()
	d := s.r.DeferToThread(func() (any, error) {
		return s.r.BlockingCallFromThread(func() (any, error) {
			s.r.CallLater(0, func() { later.Callback("later") })
			return later, nil
		})
	})
	equal(s, "the value of a Deferred that fires later", s.await(d), any("later"))
}

// blockingOnLoop asks in a timer, on the loop's own stack, and in an inline
// body, which is on the loop but has a stack of its own.
func blockingOnLoop(s *scene) {
	ran := false
	f := func() (any, error) { ran = true; return nil, nil }
	var err error
	s.r.CallLater(0, func() {
		_, err = s.r.BlockingCallFromThread(f)
		s.poke()
	})
	s.until("the call has been answered", func() bool { return err != nil })
	s.isError("a blocking call in a timer", err, reactor.ErrWouldDeadlock)
	_, err = s.r.BlockingCallFromThread(f)
	s.isError("a blocking call in an inline body", err, reactor.ErrWouldDeadlock)
	s.turns(2)
	s.check("the function does not run", !ran)
}
