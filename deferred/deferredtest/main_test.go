package deferredtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spy is a test under test: it notes its failures, ends its goroutine where a
// test would end, and runs its cleanups when told.
type spy struct {
	testing.TB
	failures []string
	cleanups []func()
	survived bool // the code under test has returned
}

func (s *spy) Helper()          {}
func (s *spy) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
func (s *spy) Errorf(format string, args ...any) {
	s.failures = append(s.failures, fmt.Sprintf(format, args...))
}
func (s *spy) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

// finish runs the cleanups as the end of a test does.
func (s *spy) finish() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
	s.cleanups = nil
}

// watch runs f in a test under test, to its end or to its Fatalf.
func watch(f func(t testing.TB)) *spy {
	s := &spy{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f(s)
		s.survived = true
	}()
	<-ended
	return s
}

// expectFatal fails the test unless f ends its own with one failure that says
// all of want.
func expectFatal(t *testing.T, f func(t testing.TB), want ...string) {
	t.Helper()
	s := watch(f)
	if len(s.failures) != 1 || s.survived {
		t.Fatalf("failures are %q, went on: %t; want one failure, at once", s.failures, s.survived)
	}
	for _, text := range want {
		if !strings.Contains(s.failures[0], text) {
			t.Errorf("the failure is %q, want it to say %q", s.failures[0], text)
		}
	}
}
