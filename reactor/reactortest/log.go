package reactortest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
)

// testLog writes a reactor's log to a test, one call of t.Log for each line,
// and drops what comes after the test: t.Log would panic.
type testLog struct {
	t testing.TB

	mu     sync.Mutex
	closed bool
}

// logger returns the logger that writes here.
func (l *testLog) logger() zerolog.Logger { return zerolog.New(l) }

// Write writes one line. Any goroutine may call it.
func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.t.Log(readable(line))
	}
	return len(line), nil
}

// close ends the log.
func (l *testLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// readable turns a line of JSON into text: level, message, fields by name, and
// a stack as the lines that it has.
func readable(line []byte) string {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return strings.TrimRight(string(line), "\n")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %v", fields[zerolog.LevelFieldName], fields[zerolog.MessageFieldName])
	stack, _ := fields["stack"].(string)
	for _, key := range sortedKeys(fields) {
		switch key {
		case zerolog.LevelFieldName, zerolog.MessageFieldName, "stack":
		default:
			fmt.Fprintf(&b, " %s=%v", key, fields[key])
		}
	}
	if stack != "" {
		fmt.Fprintf(&b, "\n%s", stack)
	}
	return b.String()
}

// sortedKeys returns the names of the fields in order.
func sortedKeys(fields map[string]any) []string {
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
