package command

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/skein/runner"
	"skein/bench/load"
	"skein/deferred"
	"skein/reactor"
)

// loading is a load that is under way.
type loading struct {
	*env
	reactor  *reactor.Reactor
	options  load.Options
	total    *load.Total
	progress *load.Progress
	began    time.Time
}

// run runs the load in n processes, until it is over or a signal comes.
func (l *loading) run(n int) error {
	r := l.reactor
	l.began = r.Now()
	begin := l.local
	if n > 1 {
		begin = func() (func(), func(), func() *deferred.Deferred) { return l.fleet(n) }
	}
	stop, kill, over := begin()
	closed := deferred.New()
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
		stop()
		return closed
	})
	r.CallWhenRunning(func() {
		over().AddBoth(func(any, error) (any, error) {
			closed.Callback(nil)
			_ = r.Stop() // a signal may have stopped it
			return nil, nil
		})
		l.tick(time.Second + 20*time.Millisecond) // just after a report
	})
	err := r.Run()
	kill()
	l.progress.Clear()
	return err
}

// local runs the load in this process.
func (l *loading) local() (stop, kill func(), over func() *deferred.Deferred) {
	g := load.New(l.reactor, l.options, l.total)
	return g.Stop, func() {}, func() *deferred.Deferred {
		g.Open().AddCallback(func(any) (any, error) {
			g.Begin()
			return nil, nil
		})
		return g.Over()
	}
}

// fleet runs the load in n processes of their own.
func (l *loading) fleet(n int) (stop, kill func(), over func() *deferred.Deferred) {
	f := &load.Fleet{Reactor: l.reactor, Report: l.total.Add, Died: l.died, Command: l.child}
	return f.Stop, f.Kill, func() *deferred.Deferred { return f.Start(l.options.Split(n)) }
}

// child returns the command of one process.
func (l *loading) child() *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	c := exec.Command(self, "--log-level", "warn", "--log-format", l.Format, "load", "--child", l.options.Addrs[0].String())
	c.Stderr = l.Stderr
	return c
}

// died says that a process has ended before its time.
func (l *loading) died(process int, how error) {
	l.total.Died(process, how)
	l.Log.Error().Msg(how.Error())
}

// makingWay returns a log before whose lines the line of progress is cleared.
func makingWay(log zerolog.Logger, p *load.Progress) zerolog.Logger {
	return log.Hook(zerolog.HookFunc(func(*zerolog.Event, zerolog.Level, string) { p.Clear() }))
}

// tick writes a line of progress after a time, and then each second, until a signal
// ends the load.
func (l *loading) tick(first time.Duration) {
	l.reactor.CallLater(first, func() {
		if l.reactor.Signal() != nil {
			return
		}
		l.progress.Write(l.total, l.reactor.Now().Sub(l.began))
		l.tick(time.Second)
	})
}

// verdict says what went wrong, with the remedy, and returns the error for the
// exit status.
func (l *loading) verdict(result *load.Result) error {
	for _, kind := range slices.Sorted(maps.Keys(result.Errors)) {
		text := fmt.Sprintf("%s, %d in all", kind, result.Errors[kind])
		if sample := result.Samples[kind]; sample != "" {
			text += ": " + sample
		}
		if remedy := l.remedy(kind); remedy != "" {
			text += " (" + remedy + ")"
		}
		l.Log.Error().Msg(text)
	}
	if result.Stopped != "" {
		l.Log.Error().Msg("Stopped early: " + result.Stopped + ".")
	}
	switch {
	case l.reactor.Signal() != nil && result.Elapsed == 0:
		l.Log.Error().Msg("Interrupted before the measurement began.")
		return &runner.InterruptedError{Signal: l.reactor.Signal()}
	case l.reactor.Signal() != nil:
		l.Log.Error().Msgf("Interrupted after %v: the result is of what there was.", time.Duration(result.Elapsed).Round(time.Millisecond))
		return &runner.InterruptedError{Signal: l.reactor.Signal()}
	case !result.OK:
		return runner.ErrReported
	}
	return nil
}

// remedy says what the user can do about a kind of error, or "".
func (l *loading) remedy(kind load.Kind) string {
	o := l.options
	switch kind {
	case load.Refused:
		return fmt.Sprintf("nobody listens on port %d there: start the server, or name its port", o.Addrs[0].Port())
	case load.ConnectTimedOut:
		return fmt.Sprintf("no answer in %v: is that the address? Else fewer --conns, or a longer --timeout", o.Timeout)
	case load.Unreachable:
		return "there is no way to that address from here"
	case load.TimedOut:
		return fmt.Sprintf("the limit is %v: a longer --timeout if the server is meant to be slow", o.Timeout)
	case load.Overdue:
		return fmt.Sprintf("%d connections were too few for %g operations a second: more --conns, or a lower --rate", o.Conns, o.Rate)
	case load.NoPorts:
		return fmt.Sprintf("a source address has %d ports for one server: widen net.ipv4.ip_local_port_range with sysctl -w, or name more addresses with --source", load.LocalPorts())
	case load.NoDescriptors:
		return "raise the hard limit with ulimit -Hn, which fs.nr_open bounds, or have fewer --conns; without --processes there are as many as it takes"
	case load.Reset, load.ClosedEarly:
		if o.Mode == load.Idle {
			return "the server does not keep clients that ask for nothing"
		}
		return "the server's log should say why"
	}
	return ""
}
