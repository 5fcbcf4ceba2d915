package command

import (
	"fmt"
	"strings"
	"time"

	"skein/apps/proxy"
	"skein/reactor"
)

// This file is the words of the demonstration. They go to standard error, and
// the poems to standard output.

// say writes a line of the story.
func (s *show) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.Stderr, format+"\n", args...) // a story that nobody hears is no failure
}

// tellBeginning introduces the servers and the plan.
func (s *show) tellBeginning() {
	s.say("Five servers and a client, in one process, on one goroutine:")
	s.say("")
	last := len(s.servers) - 1
	for i, sv := range s.servers {
		how := "all at once"
		if i == last {
			how = fmt.Sprintf("slowly: %d bytes every %v", demoNumBytes, demoDelay)
		}
		s.say("  poetry server     %-15s  has %s, %d bytes, and sends it %s", sv.port.Addr(), sv.poem.Title, len(sv.poem.Text), how)
	}
	s.say("  proxy             %-15s  fetches %s from the slow server once, and keeps it", s.proxyPort.Addr(), s.servers[last].poem.Title)
	s.say("  transform server  %-15s  offers %s", s.xformPort.Addr(), strings.Join(s.service.Table().Names(), ", "))
	s.say("")
	s.say("The client asks for three poems at the same moment, over real TCP connections,")
	s.say("and has some of them transformed. Nobody waits for anybody: each poem is printed")
	s.say("when it is ready, under a line that says what has happened to it.")
	s.say("")
}

// progressPause is the time between two lines about the slow poem.
const progressPause = 500 * time.Millisecond

// tellProgress tells how far the slow poem has come, now and then.
func (s *show) tellProgress() {
	slow, now := s.servers[len(s.servers)-1].poem, s.now()
	if s.slow.received == len(slow.Text) || s.slow.told > 0 && now-s.slow.told < progressPause {
		return
	}
	s.slow.told = now
	s.say("%s  %s: the proxy has %d of %d bytes, and the client waits.", ms(now), slow.Title, s.slow.received, len(slow.Text))
}

// tellCame tells that a poem has come to the client.
func (s *show) tellCame(t *tale) {
	s.say("%s  %s has come from %s, in %s.", ms(s.now()), t.poem.Title, t.from, counted(t.pieces, "piece"))
}

// tellPoem prints a poem, below what has happened to it.
func (s *show) tellPoem(t *tale, poem []byte) error {
	what := "is printed as it came; nobody asked for a transformation"
	switch {
	case t.fellBack:
		what = fmt.Sprintf("is printed as it came: the transform server has no %q, and closed", t.transform)
	case t.transform == "cummingsify":
		what = "has been cummingsified by the transform server: all is in lower case"
	case t.transform == "gobbledegook":
		what = "has been turned to gobbledegook: the inside of each word is turned around"
	}
	s.say("%s  %s %s.", ms(t.ready), t.poem.Title, what)
	s.say("")
	if _, err := s.Stdout.Write(poem); err != nil {
		return fmt.Errorf("can't print a poem: %w", err)
	}
	s.say("")
	return nil
}

// tellEnd sums up.
func (s *show) tellEnd(stats reactor.Stats, cache proxy.Stats) {
	s.say("What the client saw:")
	s.say("")
	s.say("  %-19s  %-17s  %-28s  %10s  %10s", "poem", "came from", "then", "first byte", "printed")
	for _, t := range s.tales {
		then := "transformed: " + t.transform
		switch {
		case t.fellBack:
			then = "not transformed: no " + t.transform
		case t.transform == "":
			then = "nothing"
		}
		s.say("  %-19s  %-17s  %-28s  %10s  %10s", t.poem.Title, t.from, then, ms(t.first), ms(t.ready))
	}
	s.say("")
	s.say("The proxy answered %s with %s: the second time it had the poem.",
		counted(int(cache.Hits+cache.Misses), "request"), counted(int(cache.Fetches), "slow fetch"))
	s.say("All of it ran on one goroutine, without a lock: both ends of %d connections, in", stats.Accepted)
	s.say("%d turns of the loop and %d callbacks. The slow poem held up nobody.", stats.Turns, stats.Callbacks)
	s.say("")
	s.say("Now try it yourself, each in a terminal of its own:")
	s.say("")
	s.say("  go run ./apps/skein slowpoetry --port 10000")
	s.say("  go run ./apps/skein proxy --port 10001 10000")
	s.say("  go run ./apps/skein transform --port 11000")
	s.say("  go run ./apps/skein get --transform cummingsify --via 11000 10001")
}

// ms writes a time in milliseconds, in a column.
func ms(d time.Duration) string { return fmt.Sprintf("%7.1f ms", float64(d.Microseconds())/1000) }

// counted writes a number of things.
func counted(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "ch"):
		return fmt.Sprintf("%d %ses", n, thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
