package transform

import (
	"net/netip"

	"skein/deferred"
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

	work    map[*deferred.Deferred]bool // what is worked on
	stopped bool
}

// DatagramReceived answers one datagram. The clients together have no more of
// them worked on than one connection of the [Server] may have; the others wait
// in the system's buffer, or are lost.
func (p *Datagrams) DatagramReceived(data []byte, from netip.AddrPort) {
	if p.work == nil {
		p.work = make(map[*deferred.Deferred]bool)
	}
	d := p.Datagram(data)
	p.work[d] = true
	if len(p.work) == p.maxPending() {
		p.Transport.PauseProducing()
	}
	d.AddBoth(func(answer any, err error) (any, error) {
		if p.stopped {
			return nil, nil
		}
		delete(p.work, d)
		if len(p.work) == p.maxPending()-1 {
			p.Transport.ResumeProducing()
		}
		p.answer(answer, err, from)
		return nil, nil
	})
}

// answer sends the answer to one datagram, a []byte, if there is one, and tells
// the log.
func (p *Datagrams) answer(answer any, err error, to netip.AddrPort) {
	text, _ := answer.([]byte)
	if err == nil {
		_, err = p.Transport.WriteTo(text, to)
	}
	if err != nil {
		p.Log.Warn().Stringer("peer", to).AnErr("reason", err).Msg("Refused a datagram.")
		return
	}
	p.Log.Info().Int("bytes", len(text)).Stringer("peer", to).Msg("Transformed a poem.")
}

// StopProtocol cancels what is worked on: nobody will get it.
func (p *Datagrams) StopProtocol() {
	p.stopped = true
	for d := range p.work {
		d.Cancel()
	}
}
