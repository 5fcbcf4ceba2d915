package reactor

import (
	"os"
	"os/signal"
	"syscall"
)

// Signal returns the signal that stopped the reactor, or nil. A program may use
// it for its exit status after Run has returned.
//
// Twisted: reactor._exitSignal.
func (r *Reactor) Signal() os.Signal {
	r.check("Signal")
	return r.signal
}

// catchSignals makes SIGINT and SIGTERM stop the reactor: the first in good
// order, the second at once. After the second, they have their usual effect
// again, so that a third ends a process whose loop is stuck in a callback. The
// function it returns undoes all that.
func (r *Reactor) catchSignals() (undo func()) {
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		first, ok := <-caught
		if !ok {
			return
		}
		r.CallFromThread(func() {
			r.signal = first
			r.log.Info().Msgf("Received %s, shutting down.", signalName(first))
			_ = r.Stop() // it may be stopping already
		})
		second, ok := <-caught
		if !ok {
			return
		}
		signal.Stop(caught)
		r.CallFromThread(func() {
			r.log.Warn().Msgf("Received %s again, stopping at once.", signalName(second))
			r.Crash()
		})
		<-caught
	}()
	return func() {
		signal.Stop(caught)
		close(caught)
		<-done
	}
}

// signalName returns the name that people know.
func signalName(s os.Signal) string {
	if s == os.Interrupt {
		return "SIGINT"
	}
	return "SIGTERM"
}
