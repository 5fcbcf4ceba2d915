package poetry

import (
	"errors"
	"net"

	"github.com/rs/zerolog"

	"skein/protocol"
)

// Factory makes the fast server: each client gets the whole poem at once, and
// then the end.
//
// The connections share the poem's bytes: ten thousand slow readers cost one
// poem and ten thousand small structs. Reactors may share a factory, too.
//
// Twisted: PoetryFactory of twisted-server-1/fastpoetry.py.
type Factory struct {
	// Poem is what to serve.
	Poem Poem
	// Log hears of each client: that it got the poem, or did not, and at the
	// debug level that it has come. The zero value is silent.
	Log zerolog.Logger
}

// BuildProtocol returns a [*Protocol].
func (f *Factory) BuildProtocol(net.Addr) protocol.Protocol { return &Protocol{factory: f} }

// Protocol serves one client.
//
// Twisted: PoetryProtocol of twisted-server-1/fastpoetry.py.
type Protocol struct {
	protocol.Base
	factory *Factory
}

// ConnectionMade sends the poem. LoseConnection sees to it that all of it
// arrives, however slowly the client reads.
func (p *Protocol) ConnectionMade() {
	logClient(&p.factory.Log, &p.factory.Poem, p.Transport)
	_ = p.Transport.WriteShared(p.factory.Poem.Text) // on a new connection it cannot fail
	p.Transport.LoseConnection()
}

// DataReceived ignores what a client says: it cannot want anything but a poem.
func (p *Protocol) DataReceived([]byte) {}

// ConnectionLost tells the log.
func (p *Protocol) ConnectionLost(reason error) {
	logServed(&p.factory.Log, &p.factory.Poem, p.Transport, reason)
}

// logClient writes the line about one client that has come.
func logClient(log *zerolog.Logger, poem *Poem, t protocol.Transport) {
	if line := log.Debug(); line.Enabled() {
		line.Str("poem", poem.Title).Stringer("peer", t.RemoteAddr()).Msg("A client has come.")
	}
}

// logServed writes the line about one client that is gone. The peer's address is
// made only if the line is wanted.
func logServed(log *zerolog.Logger, poem *Poem, t protocol.Transport, reason error) {
	if errors.Is(reason, protocol.ErrConnectionDone) {
		if line := log.Info(); line.Enabled() {
			line.Str("poem", poem.Title).Int("bytes", len(poem.Text)).Stringer("peer", t.RemoteAddr()).Msg("Served a poem.")
		}
		return
	}
	if line := log.Warn(); line.Enabled() {
		line.Str("poem", poem.Title).Stringer("peer", t.RemoteAddr()).AnErr("reason", reason).
			Msg("A client did not get the whole poem.")
	}
}
