//go:build (linux || darwin || freebsd) && !poll_opt

package kernel

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"syscall"

	errorx "github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/logging"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/queue"
	"github.com/rs/zerolog"
)

// poller is gnet's: an epoll or kqueue instance with its registrations. This is
// the one file that knows gnet.
type poller struct {
	p    *netpoll.Poller
	task queue.Func // of Trigger, made a value once
}

// openPoller opens gnet's poller. What it calls a task is ours: turn.
func openPoller(turn func() (stop bool)) (*poller, error) {
	quiet()
	p, err := netpoll.OpenPoller()
	if err != nil {
		return nil, fmt.Errorf("reactor: open the poller: %w", err)
	}
	return &poller{p: p, task: func(any) error {
		if turn() {
			return errorx.ErrEngineShutdown // the one error that ends Polling
		}
		return nil
	}}, nil
}

// Watch registers a descriptor by edges, both directions, once for its life:
// pause, resume and half-close are then plain flags and cost no system call.
func (p *poller) Watch(fd int) syscall.Errno {
	return errnoOf(p.p.AddReadWrite(&netpoll.PollAttachment{FD: fd}, true))
}

// WatchInput registers a descriptor by edges of its input.
func (p *poller) WatchInput(fd int) syscall.Errno {
	return errnoOf(p.p.AddRead(&netpoll.PollAttachment{FD: fd}, true))
}

// WatchOutput registers a descriptor that WatchInput has registered in both
// directions.
func (p *poller) WatchOutput(fd int) syscall.Errno {
	return errnoOf(p.p.ModReadWrite(&netpoll.PollAttachment{FD: fd}, true))
}

// Forget ends a registration; a descriptor that has none is no error.
func (p *poller) Forget(fd int) { _ = p.p.Delete(fd) }

// Close closes the poller, which nobody waits in any more.
func (p *poller) Close() error { return p.p.Close() }

// Descriptor returns the descriptor that gnet keeps to itself. Its version is
// pinned, and a test opens a poller, so that a field of another name shows before
// it can do harm.
func (p *poller) Descriptor() (int, error) {
	f := reflect.ValueOf(p.p).Elem().FieldByName("fd")
	if f.Kind() != reflect.Int {
		return -1, errors.New("reactor: this version of gnet keeps the descriptor of its poller elsewhere: use v2.9.8")
	}
	return int(f.Int()), nil
}

// Trigger asks for a turn after the next batch of Poll's; any goroutine may. The
// one error there is says that gnet's event counter is full: it is awake.
func (p *poller) Trigger() { _ = p.p.Trigger(queue.HighPriority, p.task, nil) }

// Poll waits by gnet's own loop, and passes the events on, until a turn stops it.
//
// Two habits of that loop shape its callers: it drops the errors of callbacks
// without a word, but for the one that ends it, and it drains its queue of tasks
// until that is empty, so that a task which triggers itself would starve the
// sockets.
func (p *poller) Poll(event func(fd int, ev netpoll.IOEvent, flags netpoll.IOFlags)) error {
	err := p.p.Polling(func(fd int, ev netpoll.IOEvent, flags netpoll.IOFlags) error {
		event(fd, ev, flags)
		return nil
	})
	if errors.Is(err, errorx.ErrEngineShutdown) {
		return nil
	}
	return fmt.Errorf("reactor: poll: %w", err)
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
