package poetry_test

import (
	"bytes"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logTo returns a logger without timestamps, and what it writes.
func logTo() (zerolog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return zerolog.New(&b), &b
}
