package transform_test

import (
	"bytes"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"skein/apps/transform"
	"skein/deferred/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newServer returns a server of all transformations on c, and what it logs.
func newServer(c clock.Scheduler) (*transform.Server, *bytes.Buffer) {
	var log bytes.Buffer
	service := &transform.Service{Clock: c}
	return &transform.Server{Permitted: service.Table(), Direct: service.Direct(), Clock: c, Log: zerolog.New(&log)}, &log
}
