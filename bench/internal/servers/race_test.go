//go:build race

package servers_test

// raceEnabled tells whether the race detector watches. Then a sync.Pool loses some
// of what it is given, on purpose, and allocations are not worth counting.
const raceEnabled = true
