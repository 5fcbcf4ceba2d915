package producers_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"skein/protocol/producers"
	"skein/protocol/protocoltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// count returns n bytes that differ from place to place.
func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 2)
	}
	return b
}

// connected returns two connected Recorders.
func connected() (from, to *protocoltest.Recorder, pair *protocoltest.Pair) {
	from, to = &protocoltest.Recorder{}, &protocoltest.Recorder{}
	pair = protocoltest.NewPair(from, to)
	pair.Pump()
	return from, to, pair
}

// want fails the test if the two differ.
func want[T comparable](t *testing.T, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
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

// expectSendError fails the test unless err tells that so many bytes were sent,
// and is each of the targets.
func expectSendError(t *testing.T, err error, sent int64, targets ...error) {
	t.Helper()
	var e *producers.SendError
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v, want a *SendError", err)
	}
	want(t, "Sent", e.Sent, sent)
	expectErr(t, "the error", err, targets...)
}
