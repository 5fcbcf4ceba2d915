package drive

import "errors"

var errSoon = errors.New("drive: not there yet")

type script struct{}

func echoScript(size, depth int) *script      { return nil }
func transformScript(size, depth int) *script { return nil }
func (s *script) request(int) []byte          { return nil }
func (s *script) answer(int) []byte           { return nil }

func openExchange(addr string, s *script, conns, depth, window int) (Load, error) { return nil, errSoon }
func openVisits(addr string, request, answer []byte, atOnce int) (Load, error)   { return nil, errSoon }
func openStreams(addr string, conns int, bytes int64) (Load, error)              { return nil, errSoon }
func openPaced(addr string, p Paced) (Load, error)                               { return nil, errSoon }

// Poem is the poem of n bytes that every server sends.
func Poem(n int) []byte { return nil }

// Spawn opens a load in a process of its own, on a core (one below zero stands
// for any): argv runs a program that calls Main with the arguments that follow
// those in argv. Closing the load ends it.
func Spawn(core int, argv []string, w Work, addr string) (Load, error) { return nil, errSoon }

// Main is the program of Spawn, and returns its exit status.
func Main(args []string) int { return 1 }
