package protocoltest_test

import (
	"errors"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"skein/protocol/protocoltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// expectCalls fails the test unless exactly these calls have come, in order.
func expectCalls(t *testing.T, who string, r *protocoltest.Recorder, want ...string) {
	t.Helper()
	if got := r.Calls(); !slices.Equal(got, want) {
		t.Errorf("%s got\n %q, want\n %q", who, got, want)
	}
	if err := r.Err(); err != nil {
		t.Errorf("%s: %v", who, err)
	}
}

// expectErr fails the test unless err is each of the targets.
func expectErr(t *testing.T, what string, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%s is %v, want %v", what, err, target)
		}
	}
}

// expectMisuse fails the test unless f panics with an ErrMisuse.
func expectMisuse(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		err, _ := recover().(error)
		expectErr(t, "the panic", err, protocoltest.ErrMisuse)
	}()
	f()
}
