package reactor_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// stressVariable holds the seed of a run to repeat: the whole run on the
// machine, where only the first choices repeat; to the last bit in memory.
const stressVariable = "SKEIN_STRESS_SEED"

// stressTime is how long each of the two tests may take.
const stressTime = 800 * time.Millisecond

// TestStressMemory lets hundreds of connections do whatever a user can do, from
// every callback there is, on their own behalf and on others', on the reactor
// in memory: one world after the other until the time is up.
func TestStressMemory(t *testing.T) {
	stress(t, func(seed uint64) *world {
		w := newWorld(t, seed, 1500)
		m := reactortest.NewMemory(w.options(30*time.Second, 5*time.Second)...)
		w.r, w.memory = m.Reactor, m
		m.Buffers(1<<(6+w.rng.IntN(11)), 1<<(6+w.rng.IntN(11)))
		m.Chunk(w.pick(0, 0, 20+w.rng.IntN(5000)))
		m.LimitDescriptors(w.pick(10, 30, 1000, 1000))
		m.BlackHole(blackHole)
		return w
	})
}

// TestStressMachine is the same over the loopback interface.
func TestStressMachine(t *testing.T) {
	stress(t, func(seed uint64) *world {
		w := newWorld(t, seed, 400)
		r, err := reactor.New(append(w.options(60*time.Millisecond, 20*time.Millisecond), reactor.WithoutSignals())...)
		if err != nil {
			t.Fatal(err)
		}
		w.r = r
		return w
	})
}

// stress runs worlds with one seed after the other, or the one seed that is
// asked for.
func stress(t *testing.T, build func(seed uint64) *world) {
	if text := os.Getenv(stressVariable); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", stressVariable, err)
		}
		build(seed).run()
		return
	}
	seed, worlds := rand.Uint64N(1<<40), uint64(0)
	for start := time.Now(); time.Since(start) < stressTime && !t.Failed(); worlds++ {
		build(seed + worlds).run()
	}
	t.Logf("%d worlds", worlds)
}

// world is one run: a reactor, what lives on it, and the chance that rules it.
//
// It goes through three stages. While there is budget, every callback and a
// ticker do random things. Then, by chance, the reactor is stopped in the midst
// of it; or else nobody holds anything back any more, so that everything must
// flow, and after a while everybody is told to close, so that nothing must be
// left. After Run, the books must balance.
type world struct {
	t      *testing.T
	r      *reactor.Reactor
	memory *reactortest.MemoryReactor // nil on the machine
	rng    *rand.Rand
	seed   uint64

	patience time.Duration // a little more than the deadlines
	budget   int           // random things that may still be done
	inside   string        // the method of the reactor's that runs, if any
	ending   bool          // no more random things: all is told to close
	abrupt   bool          // the reactor is stopped instead

	ports   []*stressPort
	dialers []*dialer
	ends    []*end
	waiting map[string]*end // without their peer yet, by the client's address
	calls   []*call

	panics   int // planned
	stopping int // Deferreds of StopListening that have not fired
}

// newWorld returns a world without a reactor.
func newWorld(t *testing.T, seed uint64, budget int) *world {
	return &world{
		t: t, seed: seed, budget: budget,
		rng:     rand.New(rand.NewPCG(seed, 0)),
		waiting: make(map[string]*end),
	}
}

// options returns the reactor's options; panics that are planned need no log.
func (w *world) options(closing, linger time.Duration) []reactor.Option {
	w.patience = closing * 5 / 4
	all := []reactor.Option{
		reactor.WithLogger(zerolog.New(io.Discard)),
		reactor.WithCloseTimeout(closing), reactor.WithLingerTimeout(linger), reactor.WithShutdownGrace(linger),
	}
	if w.chance(4) {
		all = append(all, reactor.WithWatermarks(100, 1000))
	}
	if w.chance(4) {
		all = append(all, reactor.WithDebug())
	}
	return all
}

// run lives the world through.
func (w *world) run() {
	before := openFiles()
	w.abrupt = w.chance(3)
	w.r.CallWhenRunning(func() {
		for range 1 + w.rng.IntN(3) {
			w.listen()
		}
		w.tick()
	})
	hang := time.AfterFunc(30*time.Second, func() {
		w.r.CallFromThread(func() {
			w.errorf("Run does not return: %s", w.census())
			w.t.FailNow()
		})
	})
	defer hang.Stop()
	if err := w.r.Run(); err != nil {
		w.errorf("Run: %v", err)
	}
	w.audit()
	if after := openFiles(); after > before && w.memory == nil {
		w.errorf("%d descriptors before, %d after", before, after)
	}
}

// tick does something at random, and comes back.
func (w *world) tick() {
	if w.budget <= 0 {
		w.end()
		return
	}
	pause := time.Duration(w.rng.IntN(2000)) * time.Microsecond
	if w.chance(30) { // long enough for a deadline to pass
		pause = time.Duration(w.rng.Int64N(int64(w.patience)))
	}
	w.later(pause, w.tick) // first: what follows may panic
	w.budget--
	w.act(nil)
	if w.chance(3) {
		w.connect()
	}
}

// end begins the last stage.
func (w *world) end() {
	w.ending = true
	if w.abrupt {
		w.budget = 100 // and go on while the reactor stops
		w.api("Stop", func() { _ = w.r.Stop() })
		return
	}
	for _, p := range w.ports {
		p.stop()
	}
	for _, d := range w.dialers {
		if d.c.State() == protocol.Connecting {
			w.api("Disconnect", d.c.Disconnect)
		}
	}
	for _, e := range w.ends {
		e.let()
	}
	w.r.CallLater(w.patience, func() {
		for _, e := range w.ends {
			e.flowed()
		}
		for _, e := range w.ends {
			e.leave()
		}
		w.settle(600)
	})
}

// settle waits until nothing is left, and stops the reactor.
func (w *world) settle(patience int) {
	left := w.r.Stats()
	if left.Open == 0 && left.PendingTimers == 0 && w.stopping == 0 && w.idle() || patience == 0 {
		if patience == 0 {
			w.errorf("something stays for ever: %s", w.census())
		}
		w.api("Stop", func() { _ = w.r.Stop() })
		return
	}
	pause := 10 * time.Millisecond
	if w.memory != nil {
		pause = time.Second
	}
	w.r.CallLater(pause, func() { w.settle(patience - 1) })
}

// idle reports whether no dialer has anything under way.
func (w *world) idle() bool {
	for _, d := range w.dialers {
		if d.stage != dialIdle {
			return false
		}
	}
	return true
}

// audit looks at the books after Run.
func (w *world) audit() {
	for _, e := range w.ends {
		e.audit()
	}
	for _, d := range w.dialers {
		if (d.stage != dialIdle || d.running) && !d.late {
			w.errorf("%s has stayed %v, its factory started: %v", d.name, d.stage, d.running)
		}
	}
	for _, c := range w.calls {
		if !w.abrupt && !c.over {
			w.errorf("a call for %v has never run", c.due)
		}
	}
	if w.stopping > 0 {
		w.errorf("%d Deferreds of StopListening have not fired", w.stopping)
	}
	s := w.r.Stats()
	if s.Open != 0 {
		w.errorf("%d connections are open by Stats", s.Open)
	}
	if int(s.Panics) != w.panics {
		w.errorf("%d panics, %d were planned", s.Panics, w.panics)
	}
	if w.memory != nil {
		if n := len(w.memory.Connections()) + len(w.memory.Listening()); n > 0 {
			w.errorf("%d sockets are open after Run", n)
		}
	}
}

// census says what there is, for one who looks for what is wrong.
func (w *world) census() string {
	s := w.r.Stats()
	text := fmt.Sprintf("%d open, %d timers, %d Deferreds", s.Open, s.PendingTimers, w.stopping)
	for _, d := range w.dialers {
		if d.stage != dialIdle {
			text += fmt.Sprintf("; %s %v", d.name, d.stage)
		}
	}
	for _, e := range w.ends {
		if e.stage != endLost {
			text += "; " + e.String()
		}
	}
	return text
}

// errorf reports a failure with the seed that repeats it.
func (w *world) errorf(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("%s=%d: %s", stressVariable, w.seed, fmt.Sprintf(format, args...))
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

// pick returns one of the numbers.
func (w *world) pick(of ...int) int { return of[w.rng.IntN(len(of))] }

// openFiles counts this process' descriptors, where that can be asked.
func openFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files)
}

// api calls a method of the reactor's, from inside which nothing may be called
// back but what is known.
func (w *world) api(method string, f func()) {
	outer := w.inside
	w.inside = method
	defer func() { w.inside = outer }()
	f()
}

// callback is the frame of every callback: it must not come from inside a
// method, but for those that are allowed to call it; and it does random things.
func (w *world) callback(name string, allowed ...string) (done func()) {
	outer := w.inside
	for _, method := range allowed {
		if outer == method {
			outer = ""
		}
	}
	if outer != "" {
		w.errorf("%s from inside %s", name, outer)
	}
	outer, w.inside = w.inside, ""
	return func() { w.inside = outer }
}

// call is a delayed call that keeps its own time.
type call struct {
	*delayed
	due  time.Time
	over bool // has run, or was cancelled
}

// later runs f after d, and sees to it that this is so.
func (w *world) later(d time.Duration, f func()) {
	c := &call{due: w.r.Now().Add(d)}
	w.calls = append(w.calls, c)
	c.delayed = w.r.CallLater(d, func() {
		defer w.callback("a timer")()
		if c.over {
			w.errorf("a call has run twice, or after its end")
		}
		if now := w.r.Now(); now.Before(c.due) {
			w.errorf("a call for %v ran %v early", c.due, c.due.Sub(now))
		}
		c.over = true
		f()
	})
}
