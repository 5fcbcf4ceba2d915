//go:build !race

package reactor_test

// raceEnabled tells whether the race detector watches.
const raceEnabled = false
