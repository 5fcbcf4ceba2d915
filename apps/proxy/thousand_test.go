package proxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// What the proxy is for: a thousand clients at once, and an origin that takes
// its time. In memory, where the clock jumps and shows to the millisecond when
// things happen; and once on real sockets.

// clients is how many there are.
const clients = 1000

// epic is the poem: five pieces.
var epic = poetry.Poem{Title: "epic", Text: bytes.Repeat([]byte("Sing, O goddess, the anger of Achilles. "), 50)}

// slowOrigin is a server that counts its clients and tells how the last one left.
type slowOrigin struct {
	*poetry.SlowFactory
	served int
	last   protocol.Protocol
	lost   func(reason error)
}

func (o *slowOrigin) BuildProtocol(a net.Addr) protocol.Protocol {
	o.served++
	p := &slowConnection{o.SlowFactory.BuildProtocol(a).(*poetry.SlowProtocol), o}
	o.last = p
	return p
}

// reset breaks the connection that is being served.
func (o *slowOrigin) reset() { o.last.(*slowConnection).Transport.AbortConnection() }

type slowConnection struct {
	*poetry.SlowProtocol
	origin *slowOrigin
}

func (c *slowConnection) ConnectionLost(reason error) {
	c.SlowProtocol.ConnectionLost(reason)
	if c.origin.lost != nil {
		c.origin.lost(reason)
	}
}

// network is an origin, and a proxy in front of it, on one loop.
type network struct {
	*reactor.Reactor
	origin  *slowOrigin
	service *proxy.Service
	addr    string // the proxy's
	ports   []*reactor.Port
	began   time.Time
}

// newNetwork opens both. The origin needs four pauses for its poem.
func newNetwork(t *testing.T, r *reactor.Reactor, pause time.Duration) *network {
	t.Helper()
	n := &network{Reactor: r, began: r.Now(), origin: &slowOrigin{SlowFactory: &poetry.SlowFactory{
		Poem: epic, Clock: r, NumBytes: len(epic.Text) / 5, Delay: pause,
	}}}
	originAddr := n.listen(t, n.origin)
	n.service = proxy.NewService(r, map[string]proxy.Fetch{
		"epic": proxy.FetchFrom(r, originAddr, poetry.Options{}),
	}, proxy.Options{})
	n.addr = n.listen(t, &proxy.Factory{Service: n.service, Origin: "epic"})
	return n
}

// listen opens a port and returns its address.
func (n *network) listen(t *testing.T, f protocol.Factory) string {
	t.Helper()
	port, err := n.ListenTCP("127.0.0.1:0", f)
	if err != nil {
		t.Fatal(err)
	}
	n.ports = append(n.ports, port)
	return port.Addr().String()
}

// come lets the clients come, all at once.
func (n *network) come() []*deferred.Deferred {
	all := make([]*deferred.Deferred, clients)
	for i := range all {
		all[i] = poetry.GetPoem(n.Reactor, n.addr, poetry.Options{})
	}
	return all
}

// served returns a Deferred that fires when all have the whole poem.
func served(all []*deferred.Deferred) *deferred.Deferred {
	for _, d := range all {
		deferred.Then(d, func(poem []byte) (any, error) {
			if !bytes.Equal(poem, epic.Text) {
				return nil, fmt.Errorf("a client has got %d bytes, want the poem of %d", len(poem), len(epic.Text))
			}
			return nil, nil
		})
	}
	return deferred.GatherResults(all)
}

// after returns a Deferred that fires when d has, and f has checked.
func after(d *deferred.Deferred, f func() *deferred.Deferred) *deferred.Deferred {
	return d.AddCallback(func(any) (any, error) {
		if next := f(); next != nil {
			return next, nil
		}
		return nil, nil
	})
}

// wants checks the time, unless at is negative, the state and the numbers of
// the service.
func (n *network) wants(t *testing.T, at time.Duration, s proxy.State, want proxy.Stats) {
	t.Helper()
	if got := n.Now().Sub(n.began).Round(time.Millisecond); got != at && at >= 0 {
		t.Errorf("it is %v, want %v", got, at)
	}
	if got := n.service.State("epic"); got != s {
		t.Errorf("the poem is %v, want %v", got, s)
	}
	if got := n.service.Stats(); got != want {
		t.Errorf("the numbers are\n%+v, want\n%+v", got, want)
	}
	if n.origin.served != int(want.Fetches) {
		t.Errorf("the origin has had %d clients, want %d", n.origin.served, want.Fetches)
	}
}

// over closes all when d has fired.
func (n *network) over(d *deferred.Deferred) *deferred.Deferred {
	return deferred.Finally(d, n.service.Clear).AddBoth(func(v any, err error) (any, error) {
		var closed []*deferred.Deferred
		for _, p := range n.ports {
			closed = append(closed, p.StopListening())
		}
		return deferred.GatherResults(closed).AddCallback(func(any) (any, error) { return v, err }), nil
	})
}

const pause = 500 * time.Millisecond // so the origin takes two seconds

func TestThousandConnectionsOneFetch(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		n := newNetwork(t, m.Reactor, pause)
		d := after(served(n.come()), func() *deferred.Deferred {
			n.wants(t, 2*time.Second, proxy.Cached, proxy.Stats{
				Misses: clients, Fetches: 1, Cached: 1, Bytes: len(epic.Text),
			})
			return served(n.come()) // the next thousand do not wait
		})
		return n.over(after(d, func() *deferred.Deferred {
			n.wants(t, 2*time.Second, proxy.Cached, proxy.Stats{
				Hits: clients, Misses: clients, Fetches: 1, Cached: 1, Bytes: len(epic.Text),
			})
			return nil
		}))
	})
}

func TestThousandConnectionsLeave(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		n := newNetwork(t, m.Reactor, pause)
		left := deferred.New()
		n.origin.lost = left.Errback
		all := n.come()
		m.CallLater(time.Second, func() {
			for _, d := range all {
				d.Cancel()
				d.AddErrback(func(error) (any, error) { return nil, nil })
			}
		})
		d := deferred.CatchIs(left, protocol.ErrConnectionLost, func(error) (any, error) { return nil, nil })
		return n.over(after(d, func() *deferred.Deferred {
			n.wants(t, time.Second, proxy.Empty, proxy.Stats{Misses: clients, Fetches: 1, Cancelled: 1})
			return nil
		}))
	})
}

func TestAllButOneLeave(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		n := newNetwork(t, m.Reactor, pause)
		all := n.come()
		m.CallLater(time.Second, func() {
			for _, d := range all[1:] {
				d.Cancel()
				d.AddErrback(func(error) (any, error) { return nil, nil })
			}
		})
		return n.over(after(served(all[:1]), func() *deferred.Deferred {
			n.wants(t, 2*time.Second, proxy.Cached, proxy.Stats{
				Misses: clients, Fetches: 1, Cached: 1, Bytes: len(epic.Text),
			})
			return nil
		}))
	})
}

func TestOriginResetsMidway(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		n := newNetwork(t, m.Reactor, pause)
		m.CallLater(time.Second, func() { n.origin.reset() })
		all := n.come()
		for _, d := range all {
			d.AddBoth(wantsReset)
		}
		d := after(deferred.GatherResults(all), func() *deferred.Deferred {
			n.wants(t, time.Second, proxy.Empty, proxy.Stats{Misses: clients, Fetches: 1, Failed: 1})
			return served(n.come()) // nothing was kept, and nothing is broken
		})
		return n.over(after(d, func() *deferred.Deferred {
			n.wants(t, 3*time.Second, proxy.Cached, proxy.Stats{
				Misses: 2 * clients, Fetches: 2, Failed: 1, Cached: 1, Bytes: len(epic.Text),
			})
			return nil
		}))
	})
}

// wantsReset fails unless a client was reset before its first byte.
func wantsReset(v any, err error) (any, error) {
	var fe *poetry.FetchError
	if !errors.As(err, &fe) || !errors.Is(err, protocol.ErrConnectionLost) || fe.Bytes != 0 {
		return nil, fmt.Errorf("a client has got %v and %w, want a reset", v, err)
	}
	return nil, nil
}

func TestAfterItsTimeAPoemIsFetchedOnceMore(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		n := newNetwork(t, m.Reactor, pause)
		gone := 2*time.Second + proxy.DefaultTTL
		d := after(served(n.come()), func() *deferred.Deferred {
			later := deferred.New()
			m.CallLater(proxy.DefaultTTL-time.Millisecond, func() {
				n.wants(t, gone-time.Millisecond, proxy.Cached, proxy.Stats{Misses: clients, Fetches: 1, Cached: 1, Bytes: len(epic.Text)})
			})
			m.CallLater(proxy.DefaultTTL, func() { later.Callback(nil) })
			return later
		})
		after(d, func() *deferred.Deferred {
			n.wants(t, gone, proxy.Empty, proxy.Stats{Misses: clients, Fetches: 1, Expired: 1})
			return served(n.come())
		})
		return n.over(after(d, func() *deferred.Deferred {
			n.wants(t, gone+2*time.Second, proxy.Cached, proxy.Stats{
				Misses: 2 * clients, Fetches: 2, Expired: 1, Cached: 1, Bytes: len(epic.Text),
			})
			return nil
		}))
	})
}

func TestThousandRealConnections(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		n := newNetwork(t, r, pause)
		return n.over(after(served(n.come()), func() *deferred.Deferred {
			s := n.service.Stats()
			if n.origin.served != 1 || s.Fetches != 1 || s.Hits+s.Misses != clients {
				t.Errorf("the origin has had %d clients; the numbers are %+v", n.origin.served, s)
			}
			return nil
		}))
	})
}

func TestThousandRealConnectionsLeave(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		n := newNetwork(t, r, time.Hour)
		left := deferred.New()
		n.origin.lost = left.Errback
		leaveTogether(n, n.come())
		d := deferred.CatchIs(left, protocol.ErrConnectionLost, func(error) (any, error) { return nil, nil })
		return n.over(after(d, func() *deferred.Deferred {
			n.wants(t, -1, proxy.Empty, proxy.Stats{Misses: clients, Fetches: 1, Cancelled: 1})
			return nil
		}))
	})
}

// leaveTogether cancels all clients once the proxy has heard of each of them.
func leaveTogether(n *network, all []*deferred.Deferred) {
	n.CallLater(time.Millisecond, func() {
		if n.service.Stats().Waiting < len(all) {
			leaveTogether(n, all)
			return
		}
		for _, d := range all {
			d.Cancel()
			d.AddErrback(func(error) (any, error) { return nil, nil })
		}
	})
}
