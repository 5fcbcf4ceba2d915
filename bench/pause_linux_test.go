package bench_test

import (
	"testing"
	"time"

	"skein/bench/internal/drive"
)

// pauseBound is how long a collection of garbage may stop the reactor. Beside the
// tests of other packages, most of a pause is the time that these take.
func pauseBound() time.Duration {
	if alone() {
		return time.Millisecond
	}
	return 100 * time.Millisecond
}

// TestCollectionsPauseBriefly has the reactor, with 1,000 connections at work,
// collect its garbage, which it has no reason to do of itself. A pause counts
// from when the runtime asks all to stop to when they go on. What disturbs the
// machine does not make it long in three attempts.
func TestCollectionsPauseBriefly(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	if raceDetector {
		t.Skip("the race detector makes pauses longer")
	}
	const (
		attempts    = 3
		collections = 50
	)
	p := choosePlace(t)
	for range attempts {
		// The longest pause is that since the start, so each has its own server.
		l := newRow(t, p, drive.Paced{Conns: 1000, Size: messageSize, Rate: 20_000}, "echo").lane(t, "skein")
		stats, err := drive.Collect(l.server, l.load, collections)
		if err != nil {
			t.Fatal(err)
		}
		if stats.NumGC < collections {
			t.Fatalf("%d collections were counted, want %d at least", stats.NumGC, collections)
		}
		longest := time.Duration(stats.MaxPauseNs)
		t.Logf("of %d collections, the longest pause was %v, and all together %v", stats.NumGC, longest, time.Duration(stats.PauseTotalNs))
		if 0 < longest && longest <= pauseBound() {
			return
		}
	}
	t.Errorf("that is not within %v, in %d attempts", pauseBound(), attempts)
}
