package servers

import (
	"skein/apps/proxy"
	"skein/deferred"
	"skein/protocol"
)

// skeinEcho sends back what comes.
type skeinEcho struct{ protocol.Base }

// DataReceived sends it back.
func (p *skeinEcho) DataReceived(data []byte) {
	_, _ = p.Transport.Write(data) // ConnectionLost would have come first
}

// skeinStream sends one buffer over and over, some pieces whenever it is asked, and
// the end. It is its own producer.
type skeinStream struct {
	protocol.Base
	piece []byte
	left  int64 // bytes
}

// ConnectionMade begins.
func (p *skeinStream) ConnectionMade() {
	_ = p.Transport.RegisterProducer(p, false) // on a new connection it cannot fail
}

// DataReceived ignores what a client says.
func (p *skeinStream) DataReceived([]byte) {}

// skeinPieces is how many pieces skeinStream gives at a time: what the reactor passes
// to the kernel by one call. Of a hundred streams each piece finds the processor's
// caches full of the others' bytes, and the way to the next call is longer than it
// looks. A turn asks four times, so it is 1 MiB then, as in the servers in C.
const skeinPieces = 4

// ResumeProducing sends the next pieces.
func (p *skeinStream) ResumeProducing() {
	for i := 0; i < skeinPieces && p.left > 0; i++ {
		piece := p.piece[:min(p.left, pieceSize)]
		p.left -= int64(len(piece))
		_ = p.Transport.WriteShared(piece) // the connection lives, or nobody would ask
	}
	if p.left == 0 {
		p.Transport.UnregisterProducer()
		p.Transport.LoseConnection()
	}
}

// StopProducing has nothing to stop.
func (p *skeinStream) StopProducing() {}

// skeinRelay fetches a poem for its client alone. A proxy that keeps nothing
// would not do: clients that come during a fetch share it.
type skeinRelay struct {
	protocol.Base
	fetch proxy.Fetch
	poem  *deferred.Deferred
}

// ConnectionMade fetches the poem and passes it on. Nothing is read from the client
// before there is something to send it to, as in Twisted's portforward, and that never
// comes: so its end waits, and it can still read.
func (p *skeinRelay) ConnectionMade() {
	p.Transport.PauseProducing()
	p.poem = p.fetch()
	p.poem.AddBoth(p.arrived)
}

// arrived passes on what has become of the fetch: the poem, which is the
// connection's own, or its failure.
func (p *skeinRelay) arrived(poem any, err error) (any, error) {
	if err == nil {
		err = p.Transport.WriteShared(poem.([]byte))
	}
	if err != nil {
		p.Transport.AbortConnectionCause(err) // does nothing if the client is what is gone
		return nil, nil
	}
	p.Transport.LoseConnection()
	return nil, nil
}

// DataReceived is not called: the client stays paused.
func (p *skeinRelay) DataReceived([]byte) {}

// ConnectionLost gives up the fetch, if it is under way.
func (p *skeinRelay) ConnectionLost(error) { p.poem.Cancel() }
