//go:build !race

package servers_test

// raceEnabled tells whether the race detector watches.
const raceEnabled = false
