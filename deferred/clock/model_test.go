package clock_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skein/deferred/clock"
)

// model keeps the calls that wait in a slice that it sorts whenever it is
// asked: too slow to use, too simple to be wrong. All that is done to it is done to
// a real queue, too, and what is seen of that is compared.
type model struct {
	fatalf  func(format string, args ...any)
	real    *turn
	seq     int
	all     []*modelCall // by id
	waiting []*modelCall
	batch   []*modelCall // due in the turn that runs, and not begun
}

// modelCall is a call of both.
type modelCall struct {
	id, at, seq int
	over        error  // what is said to who would change it; nil while it waits
	deed        func() // what it does besides running; nil for nothing
	real        *clock.DelayedCall
}

func newModel(fatalf func(string, ...any)) *model {
	return &model{fatalf: fatalf, real: newTurn()}
}

func (m *model) now() int { return int(m.real.now) }

// add makes a call.
func (m *model) add(d int) {
	c := &modelCall{id: len(m.all)}
	c.real = m.real.queue.Add(time.Duration(d), func() { m.began(c) })
	m.all = append(m.all, c)
	m.file(c, m.now()+d)
}

// change does something to a call, which may be over.
func (m *model) change(c *modelCall, how string, d int) {
	var err error
	switch how {
	case "cancel":
		err = c.real.Cancel()
	case "reset":
		err = c.real.Reset(time.Duration(d))
	case "delay":
		err = c.real.Delay(time.Duration(d))
	}
	if !errors.Is(err, c.over) {
		m.fatalf("%s of call %d: %v, want %v", how, c.id, err, c.over)
	}
	switch {
	case c.over != nil:
	case how == "cancel":
		m.drop(c)
		c.over = clock.ErrAlreadyCancelled
	case how == "reset":
		m.file(c, m.now()+d)
	default:
		m.file(c, c.at+d)
	}
}

// file puts a call (back) in, as the latest one of its time.
func (m *model) file(c *modelCall, at int) {
	m.seq++
	c.at, c.seq = at, m.seq
	m.drop(c)
	m.waiting = append(m.waiting, c)
}

func (m *model) drop(c *modelCall) {
	is := func(o *modelCall) bool { return o == c }
	m.waiting, m.batch = slices.DeleteFunc(m.waiting, is), slices.DeleteFunc(m.batch, is)
}

// sort puts what waits in order.
func (m *model) sort() {
	slices.SortFunc(m.waiting, func(a, b *modelCall) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return a.seq - b.seq
	})
}

// turn takes a turn that begins a step from now. Its batch is what is due after
// meanwhile, but for what that has made or moved.
func (m *model) turn(step int, meanwhile func()) {
	mark, seq := m.real.queue.Mark(), m.seq
	m.real.now += time.Duration(step)
	meanwhile()
	m.sort()
	due := func(c *modelCall) bool { return c.at <= m.now() && c.seq <= seq }
	for _, c := range m.waiting {
		if due(c) {
			m.batch = append(m.batch, c)
		}
	}
	m.waiting = slices.DeleteFunc(m.waiting, due)
	m.real.pop(mark)
	for _, c := range m.batch {
		m.fatalf("at %d: call %d, of %d, has not run", m.now(), c.id, c.at)
	}
}

// began is called by the real call.
func (m *model) began(c *modelCall) {
	if len(m.batch) == 0 || m.batch[0] != c {
		m.fatalf("at %d: call %d, of %d, runs out of turn", m.now(), c.id, c.at)
	}
	m.drop(c)
	c.over = clock.ErrAlreadyCalled
	if c.deed != nil {
		c.deed()
	}
}

// look compares what the queue says of itself. Next is asked if exactly is true: it
// puts in order what was put off, so what follows is told less often of disorder.
func (m *model) look(exactly bool) {
	q := m.real.queue
	if q.Len() != len(m.waiting) {
		m.fatalf("%d calls wait, want %d", q.Len(), len(m.waiting))
	}
	first := 0
	if m.sort(); len(m.waiting) > 0 {
		first = m.waiting[0].at
	}
	if at, ok := q.NotBefore(); ok != (len(m.waiting) > 0) || int(at) > first {
		m.fatalf("nothing before %d, %t, but one at %d", at, ok, first)
	}
	if !exactly {
		return
	}
	if at, ok := q.Next(); ok != (len(m.waiting) > 0) || int(at) != first {
		m.fatalf("the next is at %d, %t, want %d", at, ok, first)
	}
	if at, _ := q.NotBefore(); int(at) != first {
		m.fatalf("after Next: nothing before %d, want %d", at, first)
	}
}

// TestQueueAgainstModel does random things to a queue, between turns, in a turn
// before its batch is taken, and from the batch's calls.
func TestQueueAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t.Fatalf)
		// Few distinct times, so that ties are common.
		delay := rapid.IntRange(0, 5)
		how := rapid.SampledFrom([]string{"reset", "delay", "cancel"})
		pick := func(t *rapid.T, from []*modelCall) *modelCall {
			if len(from) == 0 {
				t.Skip("no call")
			}
			return rapid.SampledFrom(from).Draw(t, "which")
		}
		change := func(t *rapid.T, c *modelCall) func() {
			how, d := how.Draw(t, "how"), delay.Draw(t, "delay")
			if how == "delay" {
				d -= rapid.IntRange(0, 5).Draw(t, "less")
			}
			return func() { m.change(c, how, d) }
		}
		t.Repeat(map[string]func(*rapid.T){
			"add":    func(t *rapid.T) { m.add(delay.Draw(t, "delay")) },
			"change": func(t *rapid.T) { change(t, pick(t, m.waiting))() },
			"change anyone": func(t *rapid.T) {
				change(t, pick(t, m.all))()
			},
			"put off": func(t *rapid.T) { m.change(pick(t, m.waiting), "delay", delay.Draw(t, "delay")) },
			"a deed":  func(t *rapid.T) { pick(t, m.waiting).deed = change(t, pick(t, m.all)) },
			"a birth": func(t *rapid.T) {
				c, d := pick(t, m.waiting), delay.Draw(t, "delay")
				c.deed = func() { m.add(d) }
			},
			"turn": func(t *rapid.T) { m.turn(delay.Draw(t, "step"), func() {}) },
			"turn with news": func(t *rapid.T) {
				meanwhile := change(t, pick(t, m.all))
				m.turn(delay.Draw(t, "step"), func() { meanwhile(); m.add(0) })
			},
			"next": func(t *rapid.T) { m.look(true) },
			"": func(t *rapid.T) {
				m.look(false)
				for _, c := range m.all {
					if at := c.real.Time().UnixNano(); int(at) != c.at || c.real.Active() != (c.over == nil) {
						t.Fatalf("call %d is set for %d, active: %t; want %d, over: %v", c.id, at, c.real.Active(), c.at, c.over)
					}
				}
			},
		})
	})
}

// TestCrowdAgainstModel does the same on a heap several levels deep, where a
// call that is cancelled or moved leaves its hole far from root and leaves: the
// call that fills the hole may have to rise as well as sink. Calls of a few delays
// only stand behind each other, and hardly any in the heap.
func TestCrowdAgainstModel(t *testing.T) {
	for _, test := range []struct {
		name   string
		delays int // the next is 1000 / delays longer
	}{{"all delays", 1000}, {"five delays", 5}, {"one delay", 1}} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(5) {
				rng := rand.New(rand.NewPCG(seed, 1))
				crowd(newModel(t.Fatalf), rng, func() int { return 1000 / test.delays * (1 + rng.IntN(test.delays)) })
			}
		})
	}
}

// crowd sets calls for such delays, at several times, changes some, and runs all.
func crowd(m *model, rng *rand.Rand, delay func() int) {
	change := func() {
		how, d := []string{"reset", "delay", "cancel"}[rng.IntN(3)], delay()
		if how == "delay" {
			d -= 500
		}
		if len(m.waiting) > 0 {
			m.change(m.waiting[rng.IntN(len(m.waiting))], how, d)
		}
	}
	for i := range 2000 {
		m.add(delay())
		if i%10 == 0 {
			m.real.now++
		}
	}
	for range 500 {
		change()
	}
	for turns := 0; len(m.waiting) > 0; turns++ {
		for range rng.IntN(10) {
			change()
		}
		if turns < 100 {
			m.add(delay())
		}
		m.turn(rng.IntN(20), change)
	}
}
