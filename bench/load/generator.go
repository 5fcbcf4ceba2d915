package load

import (
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/reactor"
)

// Generator is the load of one process, on one loop. All its methods belong to
// the reactor's goroutine.
//
//	Open ──▶ Opening ──▶ Ready ── Begin ──▶ Measuring ──▶ Over
//	                                            │  ▲
//	                                         Options.For, then what is under way
type Generator struct {
	r    *reactor.Reactor
	opts Options
	mode mode

	// The time, in nanoseconds since the epoch.
	epoch   time.Time
	opening int64 // when the opening began
	began   int64 // when the measurement did
	timers  [timerKinds]*clock.DelayedCall

	phase  Phase
	timeUp bool // nothing is begun any more, but for what was due
	opened *deferred.Deferred
	over   *deferred.Deferred

	clients []client
	ops     []op // Depth for each client
	source  sources
	sched   schedule // what is due, if there is a rate
	queue   clients  // those that are free then
	resting clients  // those that wait after an error

	// Gauges.
	live       int // connections
	peak       int // of live
	connecting int
	unsettled  int // clients whose first connection is not decided
	unopened   int // the next client to be opened
	underway   int // operations
	server     int // the address of the server that is used

	watch  watch // whether the server is there
	single bool  // the server closes after its first answer, it seems
	keeps  bool  // it does not, that is certain

	// What is told. See send.
	report *Report
	full   *Histograms
	fullAt int64 // when full was told last
	out    output
}

// op is one operation that is under way.
type op struct {
	due   int64 // when it should have begun
	begun int64 // when it did
}

// New returns a generator on r that adds what it finds to the total.
func New(r *reactor.Reactor, o Options, t *Total) *Generator { return newGenerator(r, o, local{t}) }

// newGenerator returns a generator on r that tells what it finds to out.
func newGenerator(r *reactor.Reactor, o Options, out output) *Generator {
	o = o.withDefaults()
	g := &Generator{r: r, opts: o, out: out, epoch: r.Now(), phase: Opening}
	g.report, g.full = out.begin()
	g.mode = newMode(g)
	g.clients = make([]client, o.Conns)
	g.ops = make([]op, o.Conns*o.Depth)
	g.source = newSources(o)
	for i := range g.clients {
		g.clients[i].g, g.clients[i].id = g, int32(i)
		g.clients[i].source = g.source.first(i)
	}
	g.sched = newSchedule(o)
	g.opened, g.over = deferred.New(), deferred.New()
	return g
}

// now returns the time since the epoch.
func (g *Generator) now() int64 { return int64(g.r.Now().Sub(g.epoch)) }

// connectingAtOnce is how many connections are being opened at one time before
// the measurement: a server has a queue for those that it has not accepted, and
// one that is full costs a second.
const connectingAtOnce = 128

// Open opens the connections that the measurement begins with, if its mode has
// some. The Deferred fires when all of them stand or have failed.
func (g *Generator) Open() *deferred.Deferred {
	g.opening = g.now()
	g.watch.since = g.opening
	g.tick()
	g.sweep()
	if g.mode.perOperation() {
		g.ready()
		return g.opened
	}
	g.unsettled = len(g.clients)
	g.openMore()
	return g.opened
}

// openMore goes on with the opening.
func (g *Generator) openMore() {
	for g.phase == Opening && g.unopened < len(g.clients) && g.connecting < connectingAtOnce {
		c := &g.clients[g.unopened]
		g.unopened++
		c.connect()
	}
}

// settle counts a client whose first connection stands, or is not to be had.
func (g *Generator) settle(c *client) {
	if c.settled || g.mode.perOperation() {
		return
	}
	c.settled = true
	g.unsettled--
	if g.unsettled == 0 && g.phase == Opening {
		g.ready()
	}
}

// ready ends the opening.
func (g *Generator) ready() {
	g.phase = Ready
	if !g.mode.perOperation() {
		g.report.Opening = time.Duration(g.now() - g.opening)
	}
	if g.live == 0 && !g.mode.perOperation() {
		g.finish(neverConnected)
		return
	}
	g.flush()
	g.opened.Callback(nil)
}

// Begin begins the measurement, unless the load is over already.
func (g *Generator) Begin() {
	if g.phase != Ready {
		return
	}
	g.flush() // what has come meanwhile belongs to the opening
	g.phase, g.began = Measuring, g.now()
	g.watch.since = g.began
	g.report.From, g.report.To = 0, 0
	g.set(endTimer, g.opts.For, g.endOfTime)
	g.set(backlogTimer, g.opts.For+g.opts.Timeout, g.endOfBacklog)
	for i := range g.clients {
		if c := &g.clients[i]; c.state == connected {
			g.free(c)
		} else {
			c.resume()
		}
	}
}

// Over returns the Deferred that fires when the measurement is over and the
// connections are closed.
func (g *Generator) Over() *deferred.Deferred { return g.over }

// The timers of a generator.
const (
	tickTimer = iota
	sweepTimer
	dueTimer
	restTimer
	endTimer
	backlogTimer
	deadlineTimer
	closeTimer
	timerKinds
)

// set sets a timer, unless that one is set.
func (g *Generator) set(kind int, d time.Duration, f func()) {
	if t := g.timers[kind]; t == nil || !t.Active() {
		g.timers[kind] = g.r.CallLater(max(d, 0), f)
	}
}

// unset ends all timers.
func (g *Generator) unset() {
	for _, t := range g.timers {
		if t != nil && t.Active() {
			_ = t.Cancel()
		}
	}
}

// endOfTime stops beginning operations. With a rate, those that were due before
// still begin: to leave them out would leave out the worst.
func (g *Generator) endOfTime() {
	g.timeUp = true
	g.pump()
	g.maybeOver()
}

// maybeOver ends the measurement when nothing is left to wait for.
func (g *Generator) maybeOver() {
	if g.phase == Measuring && g.timeUp && g.underway == 0 && !g.sched.pending(g.since()) {
		g.finish("")
	}
}

// since returns the time since the measurement began.
func (g *Generator) since() int64 { return g.now() - g.began }

// endOfBacklog gives up what was due and has not begun: those who wait for a
// result have waited for another time limit.
func (g *Generator) endOfBacklog() {
	now := g.since()
	g.sched.rest(now, func(n, due int64) {
		g.report.Failed += uint64(n)
		g.report.Errors[Overdue] += uint64(n)
		g.record(now-due, n) // at least
	})
	g.set(deadlineTimer, g.opts.Timeout+time.Second, g.deadline)
	g.maybeOver()
}

// deadline ends what should have ended by its own time limit.
func (g *Generator) deadline() {
	for i := range g.clients {
		if c := &g.clients[i]; c.underway > 0 {
			g.count(TimedOut, "it did not end with the measurement")
			c.failAll(TimedOut)
		}
	}
	g.finish("")
}

// Stop ends the load before its time. What is under way counts as unfinished.
func (g *Generator) Stop() { g.finish("") }

// closePatience is how long the servers have to close their ends.
const closePatience = time.Second

// finish ends the measurement, says why if it is before its time, and closes the
// connections.
func (g *Generator) finish(why string) {
	if g.phase == Over {
		return
	}
	if g.phase == Measuring {
		g.report.To = time.Duration(g.since())
	}
	g.phase, g.timeUp = Over, true
	g.report.Unfinished += uint64(g.underway)
	g.report.Stopped = why
	g.unset()
	g.send()
	for i := range g.clients {
		g.clients[i].close()
	}
	if !g.opened.Called() {
		g.opened.Callback(nil)
	}
	g.set(closeTimer, closePatience, g.abort)
	g.maybeClosed()
}

// abort resets the connections that are still there.
func (g *Generator) abort() {
	for i := range g.clients {
		g.clients[i].abort()
	}
}

// maybeClosed fires the Deferred when the last connection has gone.
func (g *Generator) maybeClosed() {
	if g.phase == Over && g.live == 0 && g.connecting == 0 && !g.over.Called() {
		g.unset()
		g.over.Callback(nil)
	}
}

// tick reports at the end of each interval.
func (g *Generator) tick() {
	g.set(tickTimer, g.opts.Interval, func() {
		g.flush()
		g.checkServer()
		if g.phase != Over {
			g.tick()
		}
	})
}

// flush reports what is new.
func (g *Generator) flush() {
	if g.phase == Measuring {
		g.report.To = time.Duration(g.since())
	}
	g.send()
}

// send passes the report on, and goes on with an empty one. The histograms go
// with it when it is time, and with the last.
func (g *Generator) send() {
	now, r := g.now(), g.report
	r.Process, r.Phase, r.Open, r.Peak = g.opts.Index, g.phase, g.live, g.peak
	if now-g.fullAt >= fullEvery || g.phase == Over {
		r.Full, g.fullAt = g.full, now
	}
	g.report, g.full = g.out.exchange(r, g.full)
	g.report.From, g.report.To = r.To, r.To
}

// fullEvery is the time between reports with histograms.
const fullEvery = int64(time.Second)

// record counts the latency of n operations.
func (g *Generator) record(ns, n int64) {
	g.report.Recent.record(ns, n)
	g.full.Latency.record(ns, n)
}

// count counts an error; sample is what it was.
func (g *Generator) count(k Kind, sample string) {
	g.report.Errors[k]++
	if _, known := g.report.Samples[k]; !known && sample != "" {
		g.report.Samples[k] = sample
	}
}
