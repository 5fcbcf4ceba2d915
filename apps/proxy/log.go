package proxy

import (
	"time"

	"github.com/rs/zerolog"
)

// logBegin writes the line about a fetch that begins.
func (c *cache) logBegin(e *entry) {
	c.log.Info().Str(c.kind, e.name).Msg("Fetching from the server.")
}

// logCancelled writes the line about a fetch that nobody waits for any more.
func (c *cache) logCancelled(e *entry) {
	c.log.Info().Str(c.kind, e.name).Func(c.took(e)).Msg("Nobody waits any more: the fetch is cancelled.")
}

// logEnd writes the line about a fetch that has ended by itself.
func (c *cache) logEnd(e *entry, value []byte, err error) {
	if err != nil {
		c.log.Warn().Str(c.kind, e.name).Func(c.took(e)).Int("waiting", e.waiters.Len()).AnErr("reason", err).
			Msg("The fetch failed.")
		return
	}
	c.log.Info().Str(c.kind, e.name).Int("bytes", len(value)).Func(c.took(e)).Int("waiting", e.waiters.Len()).
		Bool("kept", e.place != nil).Msg("The fetch is complete.")
}

// took adds how long a fetch took to its line.
func (c *cache) took(e *entry) func(*zerolog.Event) {
	return func(line *zerolog.Event) {
		line.Stringer("took", c.clock.Now().Sub(e.began).Round(time.Millisecond))
	}
}

// how is what the log says of a client, by the state its poem was in.
var how = map[State]string{Empty: "fetched", Fetching: "waited", Cached: "cached"}

// logServed writes the line about a client that has got its poem. The peer's
// address is made only if the line is wanted.
func (p *Protocol) logServed() {
	if line := p.factory.Log.Info(); line.Enabled() {
		line.Str("poem", p.factory.Origin).Stringer("peer", p.Transport.RemoteAddr()).Int("bytes", p.sent).
			Str("how", how[p.state]).Msg("Served a poem.")
	}
}

// logNotServed writes the line about a client that has not, or not all of it.
func (p *Protocol) logNotServed(reason error) {
	if line := p.factory.Log.Warn(); line.Enabled() {
		line.Str("poem", p.factory.Origin).Stringer("peer", p.Transport.RemoteAddr()).Str("how", how[p.state]).
			AnErr("reason", reason).Msg("A client did not get the whole poem.")
	}
}
