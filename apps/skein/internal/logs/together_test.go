package logs_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"skein/apps/skein/internal/logs"
)

// Two who write to the same file, as a server and its successor do for a while,
// rotate it in turns: no line is lost, and none is torn.
func TestTwoRotateTheSameFile(t *testing.T) {
	const lines = 2000
	path := newPath(t)
	var both sync.WaitGroup
	for _, name := range []string{"old", "new"} {
		l := open(t, logs.Options{Format: "json", File: path, MaxBytes: 1000, Keep: math.MaxInt})
		both.Go(func() {
			for n := range lines {
				_, _ = fmt.Fprintf(l, "{\"message\":\"%s %d\"}\n", name, n)
				if n%20 == 0 {
					<-l.Flush()
				}
			}
			_ = l.Close() // the count below says it, too
		})
	}
	both.Wait()
	seen := map[string]int{}
	names, err := filepath.Glob(path + "*")
	must(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		must(t, err)
		for line := range strings.Lines(string(text)) {
			seen[line]++
		}
	}
	if len(names) < 20 || len(seen) != 2*lines {
		t.Errorf("there are %d lines, of %d, in %d files", len(seen), 2*lines, len(names))
	}
	for line, times := range seen {
		if times > 1 || !strings.HasPrefix(line, `{"message":"`) || strings.Contains(line, "rotated") {
			t.Errorf("%d times: %s", times, line)
		}
	}
}
