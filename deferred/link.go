package deferred

// inlineLinks is how many links a Deferred holds in itself. Four serve nearly
// every chain, so that a Deferred and its callbacks are one allocation; the
// whole struct then fills a size class of the allocator (192 bytes).
const inlineLinks = 4

// link is one step of a chain. Functions and pointers are stored in the
// interface word itself, so making a link allocates nothing.
//
//	on        meaning
//	Callback  run it on success; on error run eb, if there is one
//	nil       run eb on error
//	both      run it in either case
//	joint     hand the result to another object of this package
type link struct {
	on any
	eb Errback
}

// both is what AddBoth adds.
type both func(result any, err error) (any, error)

// joint is a link that does not compute but connects: it hands d's result to a
// waiting Deferred, a suspended body or a list. arrive leaves in d what d goes
// on with, and returns the Deferred that can run now because of it, or nil.
// The runner then runs that one: nothing here may call it, or the stack would
// grow with the length of the chain.
type joint interface {
	arrive(d *Deferred) (next *Deferred)
}

// push appends a link.
func (d *Deferred) push(l link) {
	if d.n < inlineLinks && len(d.more) == 0 {
		d.first[d.n] = l
		d.n++
		return
	}
	d.more = append(d.more, l)
}

// pop removes the oldest link. The caller has made sure that there is one.
func (d *Deferred) pop() (l link) {
	if d.pos < d.n {
		l = d.first[d.pos]
		d.first[d.pos] = link{} // let go of what the callback holds
		d.pos++
		if d.pos == d.n {
			d.pos, d.n = 0, 0
		}
		return l
	}
	l = d.more[0]
	d.more[0] = link{}
	// Cutting the front off is enough: when the slice has to grow, only what is
	// left of it is copied.
	if d.more = d.more[1:]; len(d.more) == 0 {
		d.more = nil
	}
	return l
}

// drained reports whether no link is left.
func (d *Deferred) drained() bool { return d.n == 0 && len(d.more) == 0 }
