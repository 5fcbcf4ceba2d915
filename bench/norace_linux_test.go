//go:build !race

package bench_test

// raceDetector reports whether this is a run under the race detector.
const raceDetector = false
