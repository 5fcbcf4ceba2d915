package reactor

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// Reactor is the event loop: one goroutine, the one that calls [Reactor.Run],
// waits for events and calls the protocols, timers and Deferreds that they
// concern, one at a time.
//
// Before Run, any one goroutine may use it, to set up. While it runs, its
// methods, and those of everything it made, belong to its own goroutine, but
// for the few whose comments say otherwise: [Reactor.CallFromThread] is the
// way in for all others. A call from elsewhere panics with an [AffinityError].
//
// Twisted: reactor.
type Reactor struct {
	// What each event of a connection needs, in a few lines of the processor's cache.
	kernel  kernel.Kernel
	table   []source // what watches each descriptor number
	current *conn    // whose own callback runs: its flush follows anyway
	serving *conn    // whose event is being served: if it ends, ready or answer finishes it
	calling bool     // the loop is at work: the affinity check's plain field
	owner   owner    // whose callback runs
	readBuf []byte   // one for all: a callback must copy what it keeps
	timers  *clock.Queue
	seen    uint64 // the last timer that setAlarm knows of
	stats   Stats
	served  []*conn // their own events have left them something to do: see Served
	pool    chunkPool
	opts    options

	log zerolog.Logger

	// The loop: what the next turn has to do. See turn.go.
	backlog  []source   // descriptors with input or room left after their share
	dirty    []*conn    // written to from outside their own callback
	lost     []*conn    // ConnectionLost is due
	leaving  leaving    // closed, and not worth watching: see leaving.go
	parked   line       // paused, and not worth watching yet: see parked.go
	ticks    ticks      // until those two are watched: see unwatched.go
	released []released // closed, but for the number: see release
	inTurn   bool
	over     bool // this turn is the last

	afterClose []func() // what waits for released descriptors to be closed

	// Time. See timers.go.
	due     []*clock.DelayedCall // scratch of runTimers
	mark    uint64               // tells the timers set before this turn from those set in it
	alarmAt int64                // when the kernel's timer expires, 0 if it is not set

	// User code. See user.go.
	nextName string // the running callback's, if it is the next in a do
	began    int64  // when it did, WithTiming
	loopID   atomic.Uint64

	// Sockets.
	slices     [][]byte
	conns      slab[conn]
	endings    slab[ending]
	done       ending // what is kept of those that ended well
	addrs      slab[address]
	starved    []*Port      // ports that wait for a descriptor
	quietUntil time.Time    // no line about that before
	attempts   []*connector // those that connect
	target     target       // where the last one went
	unused     []*attempt   // see giveBack
	dialed     uint32       // the tag of the last dial
	factories  map[protocol.StartStopper]int

	// Sockets of other processes. See sockets.go.
	given      []given
	places     uint64 // how many ports have been opened
	handedOver bool

	// Life. See run.go.
	phase      atomic.Int32
	started    bool // the Startup event is over
	stopCalled bool
	stopping   bool // the Shutdown event has begun
	closed     bool // nothing new is opened any more
	graceOver  bool // the shutdown waits for nobody any more
	crashed    bool
	events     [2]systemEvent
	live       int                  // ports, attempts and connections that have not ended
	drained    *deferred.Deferred   // fires when live is 0, during shutdown
	draining   []*deferred.Deferred // WhenDrained
	signal     os.Signal
	finished   chan struct{}
	threads    threadPool
	lookups    int // name lookups off the loop

	// Shared with other goroutines. See calls.go.
	mu     sync.Mutex
	posted []func()
	spare  []func()
}

// source is whatever watches a descriptor.
type source interface {
	// ready takes an edge. It is a hint: it may concern what the number stood
	// for before. A tag that is not 0 tells, see dial.
	ready(ev kernel.Events, tag uint32)
	// serve gives a source of the backlog its share of a turn.
	serve()
}

// New returns a reactor that has not run yet. It holds a few descriptors, which
// the end of Run gives back; one that never runs is given up with
// [Reactor.Close].
func New(opts ...Option) (*Reactor, error) {
	o := choose(opts)
	k, err := kernel.Open()
	if err != nil {
		closeSockets(o.sockets)
		return nil, err
	}
	r, err := newOn(k, o)
	if err != nil {
		_ = k.Close()
	}
	return r, err
}

// NewOn returns a reactor on another kernel than the machine's: reactortest's
// in-memory one. It panics where New returns the error of an option.
func NewOn(k kernel.Kernel, opts ...Option) *Reactor {
	r, err := newOn(k, choose(opts))
	if err != nil {
		panic(err)
	}
	return r
}

// newOn is New on a kernel, which it leaves open if it fails.
func newOn(k kernel.Kernel, o options) (*Reactor, error) {
	if err := o.check(); err != nil {
		closeSockets(o.sockets)
		return nil, err
	}
	sockets, err := receive(k, o.sockets)
	if err != nil {
		return nil, err
	}
	r := &Reactor{
		kernel:    k,
		opts:      o,
		given:     sockets,
		readBuf:   make([]byte, readSize),
		finished:  make(chan struct{}),
		factories: make(map[protocol.StartStopper]int),
		done:      ending{reason: protocol.ErrConnectionDone},
	}
	r.log = r.opts.logger.Hook(ownerHook{r})
	r.timers = newTimers(k)
	r.timers.Guard = r.checkTimers
	k.Attach(loop{r})
	return r, nil
}

// Close gives back the descriptors of a reactor that has not run and will not.
// One that has run has nothing left to close. Ports and connections that were
// opened are closed without a callback.
func (r *Reactor) Close() error {
	if !r.phase.CompareAndSwap(idle, stopped) {
		if r.phase.Load() == stopped {
			return nil
		}
		return ErrAlreadyRunning
	}
	return r.dismantle()
}

// Option is a choice made when a reactor is made.
type Option func(*options)

// options are the choices and their defaults.
type options struct {
	debug         bool
	timing        bool
	signals       bool
	low, high     int
	logger        zerolog.Logger
	closeTimeout  time.Duration
	lingerTimeout time.Duration
	grace         time.Duration
	threads       int
	slow          time.Duration
	sockets       []Socket
	reusePort     bool
}

// defaults returns the choices of those who make none.
func defaults() options {
	return options{
		logger:        zerolog.New(os.Stderr).Level(zerolog.InfoLevel).With().Timestamp().Logger(),
		signals:       true,
		closeTimeout:  30 * time.Second,
		lingerTimeout: 5 * time.Second,
		grace:         2 * time.Second,
		low:           16 << 10,
		high:          64 << 10,
		threads:       64,
		slow:          100 * time.Millisecond,
	}
}

// choose applies the options to the defaults.
func choose(opts []Option) options {
	o := defaults()
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// check returns the error of a choice that cannot be.
func (o options) check() error {
	for _, d := range []struct {
		option string
		value  time.Duration
	}{{"WithCloseTimeout", o.closeTimeout}, {"WithLingerTimeout", o.lingerTimeout}, {"WithShutdownGrace", o.grace}} {
		if d.value < 0 {
			return fmt.Errorf("reactor: %s(%v): a time cannot be negative: 0 does not wait at all", d.option, d.value)
		}
	}
	if o.low < 0 || o.high < o.low {
		return fmt.Errorf("reactor: WithWatermarks(%d, %d): the low one comes first and is not above the high one", o.low, o.high)
	}
	if o.threads < 1 {
		return fmt.Errorf("reactor: WithThreads(%d): at least one function must be able to run", o.threads)
	}
	return nil
}

// WithLogger sets where the reactor logs; the default is JSON lines on standard
// error, from level info on. The reactor adds the field "owner": whose callback
// was running.
func WithLogger(l zerolog.Logger) Option { return func(o *options) { o.logger = l } }

// WithDebug makes the reactor look for mistakes, at a price per callback: it
// checks the goroutine of every call exactly, times callbacks as [WithTiming]
// does, and overwrites the read buffer after DataReceived, so that a slice
// that was kept shows at once. For the stacks of Deferreds see
// deferred.SetDebugging.
//
// Twisted: defer.setDebugging, and twistd --debug.
func WithDebug() Option { return func(o *options) { o.debug, o.timing = true, true } }

// WithTiming makes the reactor time each callback, count those slower than 100 ms
// in [Stats].SlowCallbacks, and warn of them: the loop stood still meanwhile. It
// reads the clock twice for each callback, which takes some 60 ns.
func WithTiming() Option { return func(o *options) { o.timing = true } }

// WithoutSignals leaves SIGINT and SIGTERM alone. By default the first one
// stops the reactor in good order and a second one at once.
//
// Twisted: reactor.run(installSignalHandlers=False).
func WithoutSignals() Option { return func(o *options) { o.signals = false } }

// WithCloseTimeout sets for how long a connection that is being closed may wait
// for its peer to accept another byte before it is aborted; 30 s by default.
// Progress of one byte starts the wait anew: a slow reader is not cut off.
func WithCloseTimeout(d time.Duration) Option { return func(o *options) { o.closeTimeout = d } }

// WithLingerTimeout sets for how long a connection that has sent all waits for
// the peer's end; 5 s by default. See [protocol.Transport].LoseConnection.
func WithLingerTimeout(d time.Duration) Option { return func(o *options) { o.lingerTimeout = d } }

// WithShutdownGrace sets for how long a stopping reactor waits for connections
// that are being closed to send what they have; 2 s by default.
func WithShutdownGrace(d time.Duration) Option { return func(o *options) { o.grace = d } }

// WithWatermarks sets, in bytes, above which length of a transport's queue its
// push producer is paused and at which it is resumed; 16 and 64 KiB by default.
func WithWatermarks(low, high int) Option {
	return func(o *options) { o.low, o.high = low, high }
}

// WithThreads sets how many functions of [Reactor.DeferToThread] run at once;
// 64 by default.
//
// Twisted: suggestThreadPoolSize.
func WithThreads(n int) Option { return func(o *options) { o.threads = n } }
