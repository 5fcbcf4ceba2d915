package transform

import (
	"net/netip"

	"skein/protocol"
)

// Datagrams offers a server's transformations over UDP: a request is one
// datagram, "name.poem", and so is the answer. Bad requests, and answers that do
// not fit into a datagram, are not answered.
//
// Twisted: none; a reader asks for it under part 12.
type Datagrams struct {
	protocol.DatagramBase
	*Server

	pending int // datagrams that are worked on
}

// DatagramReceived answers one datagram. The clients together have no more of
// them worked on than one connection of the [Server] may have; the others wait
// in the system's buffer, or are lost.
func (p *Datagrams) DatagramReceived(data []byte, from netip.AddrPort) {
	if p.pending++; p.pending == p.maxPending() {
		p.Transport.PauseProducing()
	}
	p.Datagram(data).AddBoth(func(answer any, err error) (any, error) {
		if p.pending--; p.pending == p.maxPending()-1 {
			p.Transport.ResumeProducing()
		}
		if err == nil {
			_, err = p.Transport.WriteTo(answer.([]byte), from)
		}
		if err != nil {
			p.Log.Warn().Stringer("peer", from).AnErr("reason", err).Msg("Refused a datagram.")
			return nil, nil
		}
		p.Log.Info().Int("bytes", len(answer.([]byte))).Stringer("peer", from).Msg("Transformed a poem.")
		return nil, nil
	})
}
