//go:build race

package main_test

// raceEnabled tells whether the race detector watches.
const raceEnabled = true
