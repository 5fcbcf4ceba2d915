package load_test

import (
	"strings"
	"testing"
	"time"

	"skein/bench/load"
	"skein/deferred"
	"skein/reactor/reactortest"
)

// stalling echoes at once, but for the second second, in which it does nothing.
func stalling() *behaviour {
	var began time.Time
	return &behaviour{
		made: func(p *peer) { began = p.r.Now() },
		data: func(p *peer, data []byte) {
			text := string(data)
			wait := time.Duration(0)
			if at := p.r.Now().Sub(began); at >= time.Second && at < 2*time.Second {
				wait = 2*time.Second - at
			}
			p.later(wait, func() { _, _ = p.Transport.Write([]byte(text)) })
		},
	}
}

// slower counts the times above a bound.
func slower(t load.Times, than time.Duration) (n int64) {
	for _, b := range t.Bars {
		if b.From >= int64(than) {
			n += b.Count
		}
	}
	return n
}

// A server that stands still for a second, at a hundred operations a second, has
// kept a hundred waiting: a tenth of a second at least for ninety of them. A client
// that waits for one answer before it asks again sees one slow answer.
func TestCoordinatedOmission(t *testing.T) {
	open := load.Options{Mode: load.Echo, Conns: 1, For: 3 * time.Second, Rate: 100, Size: 10}
	r := drive(t, open, stalling(), nil)
	wants(t, r, nil)
	if r.Operations != 300 || !r.Corrected {
		t.Errorf("%d operations, corrected %v", r.Operations, r.Corrected)
	}
	if n := slower(r.Latency, 100*time.Millisecond); n < 88 || n > 92 {
		t.Errorf("%d of the operations waited 100 ms, want 90", n)
	}
	if n := slower(r.Latency, 10*time.Millisecond); n < 97 || n > 101 {
		t.Errorf("%d of the operations waited 10 ms, want 99", n)
	}
	if n := slower(*r.Service, 10*time.Millisecond); n != 1 {
		t.Errorf("%d operations took 10 ms from when they began, want 1", n)
	}

	closed := open
	closed.Rate = 0
	lazy := stalling()
	at := lazy.data
	lazy.data = func(p *peer, data []byte) { // 10 ms each, so that there are a hundred a second here, too
		text := strings.Clone(string(data))
		p.later(10*time.Millisecond, func() { at(p, []byte(text)) })
	}
	r = drive(t, closed, lazy, nil)
	if n := slower(r.Latency, 100*time.Millisecond); n != 1 || r.Corrected || r.Service != nil {
		t.Errorf("in a closed loop, %d operations waited, want 1; corrected %v", n, r.Corrected)
	}
}

// What is due while all are busy begins later, and counts from when it was due,
// in poem mode too.
func TestOmissionOfPoems(t *testing.T) {
	o := load.Options{Mode: load.Poem, Conns: 2, For: time.Second, Rate: 100}
	r := drive(t, o, &behaviour{made: func(p *peer) { p.send(40*time.Millisecond, tyger) }}, nil)
	wants(t, r, nil)
	// 2 every 40 ms are 50 a second: the last of the 100 waits for a second.
	if r.Operations != 100 || r.Latency.Max < int64(900*time.Millisecond) || r.Service.Max > int64(60*time.Millisecond) {
		t.Errorf("%d operations, latency up to %v, service up to %v", r.Operations, time.Duration(r.Latency.Max), time.Duration(r.Service.Max))
	}
	if elapsed := time.Duration(r.Elapsed); elapsed < 1900*time.Millisecond || elapsed > 2200*time.Millisecond {
		t.Errorf("it took %v", elapsed)
	}
}

// The parts of a load that has a rate take turns.
func TestPartsTakeTurns(t *testing.T) {
	var times []time.Time
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		b := &behaviour{data: func(p *peer, data []byte) {
			times = append(times, p.r.Now())
			_, _ = p.Transport.Write(data)
		}}
		port, err := m.ListenTCP(target, b.factory(m.Reactor))
		if err != nil {
			t.Fatal(err)
		}
		var all []*deferred.Deferred
		for _, part := range (load.Options{Mode: load.Echo, Conns: 3, For: time.Second, Rate: 100, Size: 10}).Split(3) {
			var r *load.Result
			all = append(all, attack(m.Reactor, part, target, &r))
		}
		return deferred.ThenDeferred(deferred.GatherResults(all), func([]any) *deferred.Deferred { return port.StopListening() })
	})
	if len(times) != 100 {
		t.Fatalf("%d operations, want 100", len(times))
	}
	for i, at := range times[1:] {
		if gap := at.Sub(times[i]); gap < 9*time.Millisecond || gap > 11*time.Millisecond {
			t.Errorf("operation %d comes %v after the one before", i+1, gap)
		}
	}
}
