//go:build (linux || darwin || freebsd) && !poll_opt

package kernel

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	errorx "github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/logging"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/queue"
	"github.com/rs/zerolog"
)

// machine is the real kernel: gnet's poller, an alarm, and system calls. This
// is the one file that knows gnet.
//
// Three habits of the poller shape it:
//   - It drains its queue of tasks until empty, so a task that triggers itself
//     would starve the sockets. At most one task is queued here (woken says so),
//     and what is left over rings a bell, which is heard behind the next poll.
//   - It runs tasks after the batch of events, which is what Turn promises.
//   - It drops the errors of callbacks without a word, but for one that ends
//     Polling: so event returns nil, and turn returns that one to stop.
type machine struct {
	calls
	poller  *netpoll.Poller
	alarm   *alarm
	handler Handler
	task    queue.Func // turn, made a value once
	woken   atomic.Bool

	mu     sync.RWMutex // keeps Wake from writing to a number that Close gave back
	closed bool
}

// Open returns the machine's own kernel.
func Open() (Kernel, error) {
	quiet()
	p, err := netpoll.OpenPoller()
	if err != nil {
		return nil, fmt.Errorf("reactor: open the poller: %w", err)
	}
	m := &machine{poller: p}
	m.task = m.turn
	if m.alarm, err = newAlarm(m.Wake, m.trigger); err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("reactor: open the timer: %w", err)
	}
	for _, fd := range m.alarm.descriptors() {
		if err := p.AddRead(&netpoll.PollAttachment{FD: fd}, true); err != nil {
			_ = m.Close()
			return nil, fmt.Errorf("reactor: watch the timer: %w", err)
		}
	}
	return m, nil
}

// Attach sets the loop.
func (m *machine) Attach(h Handler) { m.handler = h }

// Poll runs gnet's poller until a turn stops it.
func (m *machine) Poll() error {
	err := m.poller.Polling(m.event)
	if errors.Is(err, errorx.ErrEngineShutdown) {
		return nil
	}
	return fmt.Errorf("reactor: poll: %w", err)
}

// event passes one event of a batch on.
func (m *machine) event(fd int, ev netpoll.IOEvent, flags netpoll.IOFlags) error {
	if !m.alarm.event(fd) {
		m.handler.Ready(fd, translate(ev, flags))
	}
	return nil
}

// Wake queues the turn, unless it is queued or running.
func (m *machine) Wake() {
	if !m.woken.Load() && m.woken.CompareAndSwap(false, true) {
		m.trigger()
	}
}

// trigger hands the turn to the poller, to be run after the batch. The one
// error there is says that the poller's event counter is full: it is awake.
func (m *machine) trigger() {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.closed {
		_ = m.poller.Trigger(queue.HighPriority, m.task, nil)
	}
}

// turn is the poller's task. woken stays up while Turn runs, because the poller
// would run a task that is queued now before it polls again; after it has come
// down, whoever calls Wake triggers, and what came before is for More to find.
func (m *machine) turn(any) error {
	stop := m.handler.Turn()
	m.woken.Store(false)
	if stop {
		return errorx.ErrEngineShutdown
	}
	if m.handler.More() && m.woken.CompareAndSwap(false, true) {
		m.alarm.ring()
	}
	return nil
}

// SetTimer sets the alarm.
func (m *machine) SetTimer(d time.Duration) { m.alarm.set(max(d, 1)) }

// Now returns the time, with the monotonic clock's reading.
func (m *machine) Now() time.Time { return time.Now() }

// Add watches by edges, both directions, once for the descriptor's life: pause,
// resume and half-close are then plain flags and cost no system call.
func (m *machine) Add(fd int) syscall.Errno {
	return errnoOf(m.poller.AddReadWrite(&netpoll.PollAttachment{FD: fd}, true))
}

// Remove ends the watch; a descriptor that is not watched is no error.
func (m *machine) Remove(fd int) { _ = m.poller.Delete(fd) }

// Close closes the alarm and the poller.
func (m *machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.alarm.close()
	return m.poller.Close()
}

// quiet sends gnet's own log, which goes to standard output, to standard
// error. It is process-global there, so it is set once, before a poller opens.
var quiet = sync.OnceFunc(func() {
	logger := zerolog.New(os.Stderr).With().Timestamp().Str("owner", "gnet").Logger()
	logging.SetDefaultLoggerAndFlusher(gnetLogger{logger}, func() error { return nil })
})

// gnetLogger is zerolog with the method names that gnet wants.
type gnetLogger struct{ l zerolog.Logger }

func (g gnetLogger) Debugf(format string, args ...any) { g.l.Debug().Msgf(format, args...) }
func (g gnetLogger) Infof(format string, args ...any)  { g.l.Info().Msgf(format, args...) }
func (g gnetLogger) Warnf(format string, args ...any)  { g.l.Warn().Msgf(format, args...) }
func (g gnetLogger) Errorf(format string, args ...any) { g.l.Error().Msgf(format, args...) }
func (g gnetLogger) Fatalf(format string, args ...any) { g.l.Error().Msgf(format, args...) }
