package reactor

// A relay does not read from its client before it has somewhere to send that to, so it
// pauses it in ConnectionMade: Twisted's portforward does. Such a connection is parked:
//
//	ConnectionMade has paused ─▶ parked ─┬─▶ it resumes:            watched then and there
//	                                     ├─▶ its output gets full:  watched then and there
//	                                     ├─▶ it closes:             leaving.go
//	                                     └─▶ after 10 ms:           watched like any other
//
// Nothing that the poller could tell meanwhile is for its protocol, but for a reset,
// and that it hears of when it is watched. What else has come by then, the poller
// tells at once. So a client whose relay has an answer within 10 ms is never watched:
// bench/cmd/compare's row "relay" shows what that is worth, beside a build in which
// accepted parks nobody.

// park lets a connection wait unwatched. First it forgets those who wait no longer: on a
// busy server that is most of them, and no tick could come soon enough to keep the line
// short.
func (r *Reactor) park(c *conn) {
	r.watchParked(patienceTicks)
	r.parked.push(c, r.ticks.n)
	r.startTicks()
}

// watchParked has the poller watch those who have been parked for some ticks. One that
// lingers has come to the line of those who leave, and one that is watched has resumed.
func (r *Reactor) watchParked(ticks uint32) {
	for l := &r.parked; !l.isEmpty(); l.pop() {
		p := l.places[l.head]
		if p.c.has(isDead | isWatched | isLingering) {
			continue
		}
		if r.ticks.n-p.since < ticks {
			return
		}
		p.c.watch()
	}
}
