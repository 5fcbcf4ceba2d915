package load_test

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"skein/bench/load"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// modes are those that need a server.
var modes = []load.Mode{load.Poem, load.Idle, load.Echo, load.Transform}

// alone puts a load on an address in memory at which nobody listens.
func alone(t *testing.T, o load.Options, addr string, prepare func(m *reactortest.MemoryReactor)) *load.Result {
	t.Helper()
	var result *load.Result
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		if prepare != nil {
			prepare(m)
		}
		return attack(m.Reactor, o, addr, &result)
	})
	return result
}

// A closed port is found out early, and not hammered.
func TestRefused(t *testing.T) {
	for _, mode := range modes {
		for _, conns := range []int{1, 50, 1000} {
			o := load.Options{Mode: mode, Conns: conns, For: time.Hour, Name: "x"}
			r := alone(t, o, "127.0.0.1:1", nil)
			n := r.Errors[load.Refused]
			wants(t, r, map[load.Kind]uint64{load.Refused: n})
			if n < 3 || n > max(100, 3*uint64(conns)) {
				t.Errorf("%s with %d connections: %d attempts", mode, conns, n)
			}
			if r.Stopped != "no connection could be made" || r.Elapsed > int64(1200*time.Millisecond) {
				t.Errorf("%s with %d connections: stopped: %q after %v", mode, conns, r.Stopped, time.Duration(r.Elapsed))
			}
		}
	}
}

// An address that never answers costs one time limit.
func TestNoAnswer(t *testing.T) {
	for _, mode := range modes {
		o := load.Options{Mode: mode, Conns: 5, For: time.Hour, Timeout: 2 * time.Second, Name: "x"}
		var took time.Duration
		r := alone(t, o, "10.0.0.1:1", func(m *reactortest.MemoryReactor) {
			m.BlackHole("10.0.0.1")
			began := m.Now()
			m.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
				took = m.Now().Sub(began)
				return nil
			})
		})
		n := r.Errors[load.ConnectTimedOut]
		wants(t, r, map[load.Kind]uint64{load.ConnectTimedOut: n})
		if n < 3 || n > 5 || r.Stopped == "" || took > 3*time.Second {
			t.Errorf("%s: stopped: %q after %v", mode, r.Stopped, took)
		}
	}
}

// A server that dies leaves behind what was measured.
func TestServerDies(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			var live []*peer
			b := transforming(0, lowered)
			if mode != load.Transform {
				b = echoing()
			}
			b.made = func(p *peer) {
				live = append(live, p)
				if mode == load.Poem {
					p.send(10*time.Millisecond, tyger)
				}
			}
			o := load.Options{Mode: mode, Conns: 5, For: time.Hour, Size: 10, Name: "cummingsify", Text: []byte("ABcd")}
			r := drive(t, o, b, func(m *reactortest.MemoryReactor, port *reactor.Port) {
				m.CallLater(2*time.Second, func() {
					port.StopListening()
					for _, p := range live {
						if !p.Transport.Disconnecting() {
							p.Transport.AbortConnection()
						}
					}
				})
			})
			if r.Errors[load.Reset] != 5 || mode != load.Idle && (r.Operations < 900 || r.Errors[load.Refused] < 3) {
				t.Errorf("%d operations, errors %v", r.Operations, r.Errors)
			}
			if elapsed := time.Duration(r.Elapsed); r.Stopped == "" || r.OK || elapsed < 1990*time.Millisecond || elapsed > 3500*time.Millisecond {
				t.Errorf("stopped: %q after %v", r.Stopped, elapsed)
			}
			if mode != load.Idle && !strings.Contains(r.Stopped, "the server has gone") {
				t.Errorf("stopped: %q", r.Stopped)
			}
		})
	}
}

// A server that comes back soon is not given up.
func TestServerComesBack(t *testing.T) {
	var live []*peer
	b := echoing()
	b.made = func(p *peer) { live = append(live, p) }
	var again *reactor.Port
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		port, err := m.ListenTCP(target, b.factory(m.Reactor))
		if err != nil {
			t.Fatal(err)
		}
		m.CallLater(2*time.Second, func() {
			port.StopListening()
			for _, p := range live {
				p.Transport.AbortConnection()
			}
		})
		m.CallLater(2500*time.Millisecond, func() {
			if again, err = m.ListenTCP(target, b.factory(m.Reactor)); err != nil {
				t.Fatal(err)
			}
		})
		var r *load.Result
		d := attack(m.Reactor, load.Options{Mode: load.Echo, Conns: 3, For: 4 * time.Second, Size: 10}, target, &r)
		return deferred.ThenDeferred(d, func(any) *deferred.Deferred {
			if r.Stopped != "" || r.Elapsed < int64(4*time.Second) || r.Connections.Opened != 6 || r.Operations < 3*3300 {
				t.Errorf("stopped: %q, %d operations, %+v", r.Stopped, r.Operations, r.Connections)
			}
			return again.StopListening()
		})
	})
}

// What was due before the end is begun after it, even if connections have to be
// made again for that.
func TestServerComesBackAtTheEnd(t *testing.T) {
	var live []*peer
	b := echoing()
	b.made = func(p *peer) { live = append(live, p) }
	o := load.Options{Mode: load.Echo, Conns: 2, For: time.Second, Rate: 100, Size: 10}
	r := drive(t, o, b, func(m *reactortest.MemoryReactor, _ *reactor.Port) {
		m.CallLater(955*time.Millisecond, func() { // in the middle between two operations
			for _, p := range live {
				p.Transport.AbortConnection()
			}
		})
	})
	wants(t, r, map[load.Kind]uint64{load.Reset: 2})
	if r.Operations != 100 || r.Elapsed > int64(1200*time.Millisecond) {
		t.Errorf("%d operations in %v", r.Operations, time.Duration(r.Elapsed))
	}
}

// A server that takes requests and says nothing: each operation has its limit, and
// so has the whole.
func TestServerHangs(t *testing.T) {
	for _, mode := range []load.Mode{load.Poem, load.Echo, load.Transform} {
		for _, rate := range []float64{0, 10} {
			o := load.Options{Mode: mode, Conns: 2, For: 3 * time.Second, Timeout: time.Second, Rate: rate, Size: 10, Name: "x", Text: []byte("y")}
			r := drive(t, o, &behaviour{}, nil)
			if r.Operations != 0 || r.Errors[load.TimedOut] < 4 || r.Failed < r.Errors[load.TimedOut] {
				t.Errorf("%s, rate %v: %d operations, %d failed, errors %v", mode, rate, r.Operations, r.Failed, r.Errors)
			}
			if rate > 0 && (r.Failed != 30 || r.Errors[load.Overdue] == 0) {
				t.Errorf("%s: of the 30 that were due, %d failed, %d of them not begun", mode, r.Failed, r.Errors[load.Overdue])
			}
			if r.Latency.Count != int64(r.Failed) || r.Latency.Min < int64(time.Second) { // they waited, if in vain
				t.Errorf("%s, rate %v: %d failed, %d latencies from %v on", mode, rate, r.Failed, r.Latency.Count, time.Duration(r.Latency.Min))
			}
			if elapsed := time.Duration(r.Elapsed); elapsed < 3*time.Second || elapsed > 5300*time.Millisecond {
				t.Errorf("%s, rate %v: it took %v", mode, rate, elapsed)
			}
		}
	}
}

// A rate that nobody bears leaves more undone than can be counted one by one.
func TestHopelessRate(t *testing.T) {
	o := load.Options{Mode: load.Echo, Conns: 2, For: 10 * time.Second, Timeout: time.Second, Rate: 10_000_000, Size: 10}
	began := time.Now()
	r := drive(t, o, echoing(), nil)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	const due = 100_000_000
	wants(t, r, map[load.Kind]uint64{load.Overdue: due - r.Operations})
	if r.Failed != due-r.Operations || r.Latency.Count != due || r.Latency.Max < int64(10*time.Second) {
		t.Errorf("%d right, %d failed, %d latencies up to %v", r.Operations, r.Failed, r.Latency.Count, time.Duration(r.Latency.Max))
	}
	if p50 := time.Duration(r.Latency.P50); p50 < 5900*time.Millisecond || p50 > 6100*time.Millisecond { // due at 5 s, given up at 11 s
		t.Errorf("the median is %v", p50)
	}
}

func TestOutOfDescriptors(t *testing.T) {
	o := load.Options{Mode: load.Echo, Conns: 10, For: time.Second, Size: 10}
	r := drive(t, o, echoing(), func(m *reactortest.MemoryReactor, _ *reactor.Port) {
		m.FailNext(reactortest.Connect, 0, 0, syscall.EMFILE, syscall.ENFILE, syscall.EMFILE)
	})
	wants(t, r, map[load.Kind]uint64{load.NoDescriptors: 3})
	if r.Operations < 9000 || r.Connections.Most != 10 { // the three tried again
		t.Errorf("%d operations, %+v", r.Operations, r.Connections)
	}
}

// Where one source address has no port left, another has.
func TestNextSource(t *testing.T) {
	var from []string
	b := &behaviour{made: func(p *peer) { from = append(from, strings.Split(p.Transport.RemoteAddr().String(), ":")[0]) }}
	r := drive(t, load.Options{Mode: load.Idle, Conns: 3, For: time.Second}, b, func(m *reactortest.MemoryReactor, _ *reactor.Port) {
		m.FailNext(reactortest.Connect, 0, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE)
	})
	wants(t, r, nil)
	counts := map[string]int{}
	for _, a := range from {
		counts[a]++
	}
	if counts["127.0.0.1"] != 1 || counts["127.0.0.2"] != 2 {
		t.Errorf("the connections came from %v", from)
	}
}

func TestNoPortsAnywhere(t *testing.T) {
	o := load.Options{Mode: load.Idle, Conns: 1, For: time.Second, Sources: []netip.Addr{netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.4")}}
	r := drive(t, o, &behaviour{}, func(m *reactortest.MemoryReactor, _ *reactor.Port) {
		m.FailNext(reactortest.Connect, syscall.EADDRNOTAVAIL, syscall.EADDRNOTAVAIL)
	})
	wants(t, r, map[load.Kind]uint64{load.NoPorts: 1}) // then there were some
	if r.Connections.AtEnd != 1 {
		t.Errorf("%+v", r.Connections)
	}
}

// Of a server with several addresses, the one that answers is used.
func TestNextAddress(t *testing.T) {
	for _, mode := range modes {
		b := echoing()
		if mode == load.Poem {
			b.made = func(p *peer) { p.send(time.Millisecond, tyger) }
		}
		o := load.Options{Mode: mode, Conns: 5, For: time.Second, Name: "reverse", Text: []byte("abc"), Size: 4}
		o.Addrs = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("[::1]:2"), netip.MustParseAddrPort(target)}
		r := drive(t, o, b, nil)
		wants(t, r, nil)
		if r.Connections.Opened < 5 {
			t.Errorf("%s: %+v", mode, r.Connections)
		}
	}
}

// If none of the addresses works, the errors are the first one's.
func TestNoAddressWorks(t *testing.T) {
	o := load.Options{Mode: load.Poem, Conns: 5, For: time.Hour, Timeout: time.Second}
	o.Addrs = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("10.0.0.1:2")}
	r := alone(t, o, "", func(m *reactortest.MemoryReactor) { m.BlackHole("10.0.0.1") })
	wants(t, r, map[load.Kind]uint64{load.Refused: r.Errors[load.Refused]})
	if r.Errors[load.Refused] < 3 {
		t.Errorf("errors: %v", r.Errors)
	}
}

// A load that is stopped has a result, whenever that is.
func TestStop(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond} {
		reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
			b := &behaviour{made: func(p *peer) { p.send(300*time.Millisecond, tyger) }}
			port, err := m.ListenTCP(target, b.factory(m.Reactor))
			if err != nil {
				t.Fatal(err)
			}
			o := load.Options{Mode: load.Poem, Conns: 4, For: time.Hour, Timeout: time.Second, Addrs: []netip.AddrPort{netip.MustParseAddrPort(target)}}
			total := load.NewTotal(o, target, 1)
			g := load.New(m.Reactor, o, total)
			g.Open().AddCallback(func(any) (any, error) {
				g.Begin()
				return nil, nil
			})
			stop := m.CallLater(after, g.Stop)
			return deferred.ThenDeferred(g.Over(), func(any) *deferred.Deferred {
				r := total.Result(true)
				if stop.Active() {
					t.Error("it was over before it was stopped")
				}
				if r.OK || r.Unfinished != 4 || (r.Operations == 4) != (after > 300*time.Millisecond) || len(r.Errors) != 0 {
					t.Errorf("after %v: %d operations, %d unfinished, errors %v", after, r.Operations, r.Unfinished, r.Errors)
				}
				return port.StopListening()
			})
		})
	}
}
