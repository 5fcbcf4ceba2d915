//go:build !race

package transform_test

// raceEnabled tells whether the race detector watches.
const raceEnabled = false
