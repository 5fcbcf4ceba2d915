package policies

import (
	"container/list"
	"time"

	"skein/deferred/clock"
)

// Rate is one limit of a [ThrottlingFactory].
type Rate struct {
	// BytesPerSecond is what passes in the long run; 0: no limit.
	BytesPerSecond int
	// Burst is how many bytes may pass at once after a silence, and so how
	// coarse the pieces are; 0: what passes in a tenth of a second.
	Burst int
}

// bucket is a token bucket: it fills at the rate, up to the burst, and each byte
// that passes takes a token out. Flows that find too few wait in line; those at
// the head take a share each and go to the back, so none waits for ever and
// none is preferred. There is a timer only while somebody waits.
//
//	         rate
//	          │ │ │
//	        ┌─▼─▼─▼─┐  burst
//	        │ tokens│
//	        └───┬───┘
//	flow flow flow ──▶ a share ──▶ flow, behind the others
//
// Tokens are counted in billionths, so that rate * nanoseconds is exact and a
// timer that is set for the missing ones finds them.
type bucket struct {
	clock  clock.Scheduler
	rate   int64 // tokens per second: billionths per nanosecond
	burst  int64 // tokens
	filled int64 // billionths of a token, at most burst * unit
	at     time.Time

	line    list.List // of *flow
	call    *clock.DelayedCall
	serving bool
	turn    *flow // whose turn it is: out of the line, but not overtaken
}

const (
	unit = int64(time.Second) // billionths in a token

	// maxBurst and maxRate keep the sums within 63 bits.
	maxBurst = 1 << 32
	maxRate  = 1 << 40
	// minShare is the least that a flow waits for in a crowd, in bytes, unless
	// the burst is smaller.
	minShare = 512
	// tick is the least time between two services of the line, so that a high
	// rate does not mean a timer for each share; unless the burst is smaller.
	tick = 5 * time.Millisecond
)

// newBucket returns a full bucket; nil if the rate is no limit.
func newBucket(c clock.Scheduler, r Rate) *bucket {
	if r.BytesPerSecond <= 0 {
		return nil
	}
	b := &bucket{clock: c, rate: min(int64(r.BytesPerSecond), maxRate), burst: int64(r.Burst), at: c.Now()}
	if b.burst <= 0 {
		b.burst = b.rate / 10
	}
	b.burst = min(max(b.burst, 1), maxBurst)
	b.filled = b.burst * unit
	return b
}

// tokens returns how many there are now.
func (b *bucket) tokens() int64 {
	now := b.clock.Now()
	full := (b.burst*unit-b.filled)/b.rate + 1 // nanoseconds until full
	if passed := now.Sub(b.at).Nanoseconds(); passed >= full {
		b.filled = b.burst * unit
	} else if passed > 0 {
		b.filled += passed * b.rate
	}
	b.at = now
	return b.filled / unit
}

// share returns how many tokens one of so many flows waits for that want so
// many bytes: all of them if it is alone, as far as the burst goes, else its
// part of the burst.
func (b *bucket) share(want, crowd int) int64 {
	part := b.burst / int64(max(crowd, 1))
	return min(int64(want), max(part, min(minShare, b.burst)))
}

// offer returns how many tokens the flow may take now, at most want; 0 if it
// has to wait. A flow that is alone takes what there is, unless that is less
// than its share: nothing moves in crumbs.
func (b *bucket) offer(f *flow, want int) int {
	crowd := b.line.Len()
	if crowd > 0 && b.turn != f {
		return 0
	}
	share, most := b.share(want, crowd+1), int64(want)
	if crowd > 0 {
		most = share
	}
	if n := min(b.tokens(), most); n >= share {
		return int(n)
	}
	return 0
}

// join puts the flow in line.
func (b *bucket) join(f *flow) {
	f.waits, f.place = b, b.line.PushBack(f)
	b.arm()
}

// leave takes the flow out of the line.
func (b *bucket) leave(f *flow) {
	b.line.Remove(f.place)
	f.waits, f.place = nil, nil
	if b.line.Len() == 0 {
		stop(&b.call)
	}
}

// arm sets the timer for the head of the line.
func (b *bucket) arm() {
	if b.line.Len() == 0 || b.call != nil || b.serving {
		return
	}
	need := max(b.headShare(), b.rate*int64(tick)/unit)
	need = min(need, b.burst)
	b.tokens()
	wait := max(need*unit-b.filled+b.rate-1, 0) / b.rate
	b.call = b.clock.CallLater(time.Duration(wait), func() { b.call = nil; b.serve() })
}

// headShare returns the share of the flow at the head of the line.
func (b *bucket) headShare() int64 {
	return b.share(b.line.Front().Value.(*flow).wants(), b.line.Len())
}

// serve lets each flow that waits now have its turn, while the tokens last. The
// next serve goes on where this one ends, even if that is a panic.
func (b *bucket) serve() {
	b.serving = true
	defer func() { b.serving, b.turn = false, nil; b.arm() }()
	for range b.line.Len() {
		if b.line.Len() == 0 || b.tokens() < b.headShare() {
			return
		}
		b.turn = b.line.Front().Value.(*flow)
		b.turn.rest()
		b.turn.pump()
		b.turn = nil
	}
}

// flow is one direction of one connection on its way through buckets.
type flow struct {
	buckets []*bucket
	mover

	waits *bucket // in whose line it stands
	place *list.Element
	busy  bool // pump runs
}

// mover has bytes that wait and moves them on.
type mover interface {
	// wants returns how many bytes could be moved if there were tokens.
	wants() int
	// move moves n of them, for which tokens have been taken.
	move(n int)
}

// newFlow returns a flow through those of the buckets that are not nil.
func newFlow(m mover, buckets ...*bucket) *flow {
	f := &flow{mover: m}
	for _, b := range buckets {
		if b != nil {
			f.buckets = append(f.buckets, b)
		}
	}
	return f
}

// pump moves what there are tokens for, and waits for more if there is more to
// move.
func (f *flow) pump() {
	if f.busy {
		return
	}
	f.busy = true
	defer func() { f.busy = false }()
	for {
		want := f.wants()
		if want == 0 {
			f.rest()
			return
		}
		n := f.grant(want)
		if n == 0 {
			return
		}
		f.move(n)
	}
}

// grant takes tokens for the next bytes, at most want, and returns how many. If
// it is 0, the flow waits in line, and pump will be called.
func (f *flow) grant(want int) int {
	if f.waits != nil {
		return 0
	}
	n := want
	for _, b := range f.buckets {
		if n = b.offer(f, n); n == 0 {
			f.yieldTurn()
			b.join(f)
			return 0
		}
	}
	for _, b := range f.buckets {
		b.filled -= int64(n) * unit
	}
	f.yieldTurn()
	return n
}

// yieldTurn ends the flow's turn where it has one.
func (f *flow) yieldTurn() {
	for _, b := range f.buckets {
		if b.turn == f {
			b.turn = nil
		}
	}
}

// rest takes the flow out of the line it may stand in.
func (f *flow) rest() {
	if f.waits != nil {
		f.waits.leave(f)
	}
}
