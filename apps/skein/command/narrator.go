package command

import (
	"fmt"
	"time"

	"skein/reactor"
)

// This file is the words of the demonstration. They go to standard error, and
// the poems to standard output.

// say writes a line of the story.
func (s *show) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.stderr, format+"\n", args...) // a story that nobody hears is no failure
}

// tellBeginning introduces the servers.
func (s *show) tellBeginning() {
	s.say("Three poetry servers and a client, in one process, on one goroutine:")
	s.say("")
	for _, sc := range s.scenes {
		how := "fast: all at once"
		if sc.slow {
			how = fmt.Sprintf("slow: %d bytes every %v", demoNumBytes, demoDelay)
		}
		s.say("  %-21s  %-15s  %4d bytes, %s", sc.poem.Title, sc.port.Addr(), len(sc.poem.Text), how)
	}
	s.say("")
	s.say("The client asks all three at the same moment, over real TCP connections.")
	s.say("Nobody waits for anybody: the poems come in the order in which they are ready.")
	s.say("")
}

// progressPause is the time between two lines about one slow poem.
const progressPause = 500 * time.Millisecond

// tellProgress tells of a poem that is not complete, now and then.
func (s *show) tellProgress(sc *scene) {
	if sc.received == len(sc.poem.Text) || sc.pieces > 1 && sc.last-sc.told < progressPause {
		return
	}
	sc.told = sc.last
	s.say("%s  %s: %d of %d bytes so far", ms(sc.last), sc.poem.Title, sc.received, len(sc.poem.Text))
}

// tellPoem prints a complete poem.
func (s *show) tellPoem(sc *scene) error {
	now := s.reactor.Now().Sub(s.began)
	s.say("%s  %s is complete: %d bytes in %s.", ms(now), sc.poem.Title, sc.received, counted(sc.pieces, "piece"))
	s.say("")
	if _, err := s.stdout.Write(sc.poem.Text); err != nil {
		return fmt.Errorf("can't print a poem: %w", err)
	}
	s.say("")
	return nil
}

// tellEnd sums up.
func (s *show) tellEnd(stats reactor.Stats) {
	s.say("What the client saw:")
	s.say("")
	s.say("  %-21s  %10s  %10s  %6s", "poem", "first byte", "last byte", "pieces")
	for _, sc := range s.scenes {
		s.say("  %-21s  %10s  %10s  %6d", sc.poem.Title, ms(sc.first), ms(sc.last), sc.pieces)
	}
	s.say("")
	s.say("All of it ran on one goroutine, without a lock: both ends of %d connections, in", len(s.scenes))
	s.say("%d turns of the loop and %d callbacks. The slow poem held up nobody.", stats.Turns, stats.Callbacks)
	s.say("")
	s.say("Now try it yourself:      go run ./apps/skein slowpoetry")
	s.say("and in another terminal:  go run ./apps/skein get 10000")
}

// ms writes a time in milliseconds, in a column.
func ms(d time.Duration) string { return fmt.Sprintf("%7.1f ms", float64(d.Microseconds())/1000) }

// counted writes a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
