package reactor_test

import (
	"errors"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// idle is a push producer that has nothing to say.
type idle struct{ stopped int }

func (*idle) PauseProducing()  {}
func (*idle) ResumeProducing() {}
func (i *idle) StopProducing() { i.stopped++ }

// TestPeerLeavesAnIdleProducer closes a client whose server waits for news of a
// push producer that has none.
func TestPeerLeavesAnIdleProducer(t *testing.T) {
	both(t, func(t *testing.T, r *reactor.Reactor) *deferred.Deferred {
		feed, lost := &idle{}, deferred.New()
		port, addr := listen(t, r, build(func() protocol.Protocol {
			return &proto{
				made: func(p *proto) {
					if err := p.Transport.RegisterProducer(feed, true); err != nil {
						t.Error(err)
					}
				},
				lost: func(_ *proto, reason error) { lost.Callback(reason) },
			}
		}))
		r.ConnectTCP(addr, &client{t: t, p: &proto{made: func(p *proto) { p.Transport.LoseConnection() }}})
		return closing(port, lost.AddCallback(func(reason any) (any, error) {
			return nil, errors.Join(
				want("a clean end", errors.Is(reason.(error), protocol.ErrConnectionDone), true),
				want("calls of StopProducing", feed.stopped, 1))
		}))
	})
}
