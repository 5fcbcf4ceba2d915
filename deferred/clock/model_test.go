package clock_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skein/deferred/clock"
)

// modelCall is a call in the reference model.
type modelCall struct {
	id, at, seq int
	real        *clock.DelayedCall
}

// model keeps the calls that wait in a slice that it sorts whenever it is
// asked: too slow to use, too simple to be wrong.
type model struct {
	now, seq int
	waiting  []*modelCall
}

// file puts a call (back) in, as the latest one of its time.
func (m *model) file(c *modelCall, at int) {
	m.seq++
	c.at, c.seq = at, m.seq
	m.drop(c)
	m.waiting = append(m.waiting, c)
}

func (m *model) drop(c *modelCall) {
	m.waiting = slices.DeleteFunc(m.waiting, func(o *modelCall) bool { return o == c })
}

// due removes and returns what is due, in order.
func (m *model) due() (ids []int) {
	slices.SortFunc(m.waiting, func(a, b *modelCall) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return a.seq - b.seq
	})
	for len(m.waiting) > 0 && m.waiting[0].at <= m.now {
		ids = append(ids, m.waiting[0].id)
		m.waiting = m.waiting[1:]
	}
	return ids
}

// TestQueueAgainstModel drives the heap and a sorted slice with the same
// random operations and compares what runs, and when.
func TestQueueAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, m := newTurn(), &model{}
		var ran []int
		// Few distinct times, so that ties are common.
		delay := rapid.IntRange(0, 5)
		pick := func(t *rapid.T) *modelCall {
			if len(m.waiting) == 0 {
				t.Skip("nothing waits")
			}
			return m.waiting[rapid.IntRange(0, len(m.waiting)-1).Draw(t, "which")]
		}
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				d, id := delay.Draw(t, "delay"), next
				next++
				c := &modelCall{id: id}
				c.real = l.queue.Add(time.Duration(d), func() { ran = append(ran, id) })
				m.file(c, m.now+d)
			},
			"cancel": func(t *rapid.T) {
				c := pick(t)
				if err := c.real.Cancel(); err != nil {
					t.Fatal(err)
				}
				m.drop(c)
			},
			"reset": func(t *rapid.T) {
				c, d := pick(t), delay.Draw(t, "delay")
				if err := c.real.Reset(time.Duration(d)); err != nil {
					t.Fatal(err)
				}
				m.file(c, m.now+d)
			},
			"delay": func(t *rapid.T) {
				c, d := pick(t), rapid.IntRange(-5, 5).Draw(t, "by")
				if err := c.real.Delay(time.Duration(d)); err != nil {
					t.Fatal(err)
				}
				m.file(c, c.at+d)
			},
			"turn": func(t *rapid.T) {
				d := delay.Draw(t, "step")
				ran, m.now = nil, m.now+d
				l.run(time.Duration(d))
				if want := m.due(); !slices.Equal(ran, want) {
					t.Fatalf("at %d the queue ran %v, the model %v", m.now, ran, want)
				}
			},
			"": func(t *rapid.T) {
				if l.queue.Len() != len(m.waiting) {
					t.Fatalf("%d calls wait, in the model %d", l.queue.Len(), len(m.waiting))
				}
			},
		})
	})
}

// TestCrowdAgainstModel does the same on a heap several levels deep, where a
// call that is cancelled or moved leaves its hole far from root and leaves: the
// call that fills the hole may have to rise as well as sink.
func TestCrowdAgainstModel(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l, m := newTurn(), &model{}
		var ran []int
		for id := range 2000 {
			d := rng.IntN(1000)
			c := &modelCall{id: id}
			c.real = l.queue.Add(time.Duration(d), func() { ran = append(ran, id) })
			m.file(c, d)
		}
		for range 1000 {
			c := m.waiting[rng.IntN(len(m.waiting))]
			if rng.IntN(2) == 0 {
				m.drop(c)
				_ = c.real.Cancel() // a call that stays would run, and show
			} else {
				d := rng.IntN(1000)
				m.file(c, d)
				_ = c.real.Reset(time.Duration(d))
			}
		}
		for m.now < 1000 {
			step := rng.IntN(20)
			ran, m.now = nil, m.now+step
			l.run(time.Duration(step))
			if want := m.due(); !slices.Equal(ran, want) {
				t.Fatalf("seed %d, at %d: the queue ran %v, the model %v", seed, m.now, ran, want)
			}
		}
	}
}
