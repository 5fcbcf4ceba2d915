package command

import (
	"errors"
	"fmt"
	"time"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/reactor"
)

// get is the command that fetches poems.
//
// Twisted: the clients get-poetry.py.
type get struct {
	Addresses []address `arg:"" name:"address" placeholder:"[HOST:]PORT" help:"The servers, as [HOST:]PORT; the host is localhost if it is left out."`
	Timeout   duration  `default:"30s" placeholder:"TIME" help:"How long a server may take to accept, and to send the next bytes (default: ${default})."`
}

// Validate checks the options.
func (c *get) Validate() error {
	if c.Timeout == 0 {
		return errors.New("--timeout: 0 is no time at all: use more, such as 30s")
	}
	return nil
}

// Run fetches all poems side by side and prints each as it completes.
func (c *get) Run(e *env) error {
	r, err := e.newReactor()
	if err != nil {
		return err
	}
	limit := time.Duration(c.Timeout)
	f := &fetching{env: e, reactor: r, options: poetry.Options{ConnectTimeout: limit, IdleTimeout: limit}}
	all := make([]*deferred.Deferred, len(c.Addresses))
	for i, addr := range c.Addresses {
		all[i] = f.start(string(addr))
	}
	deferred.DeferredList(all, deferred.ConsumeErrors()).AddBoth(func(any, error) (any, error) {
		_ = r.Stop() // a signal may have stopped it
		return nil, nil
	})
	err = r.Run()
	switch {
	case f.missing == 0:
		return nil
	case r.Signal() != nil:
		e.log.Error().Msgf("Interrupted: %d of %d poems are missing.", f.missing, len(c.Addresses))
		return &interruptedError{r.Signal()}
	case err != nil:
		return err
	}
	return errReported
}

// fetching is what the fetches of one command share.
type fetching struct {
	*env
	reactor *reactor.Reactor
	options poetry.Options
	missing int // poems that are not printed
}

// start fetches one poem, prints it, and says what happened.
func (f *fetching) start(addr string) *deferred.Deferred {
	f.missing++
	pieces, options, began := 0, f.options, f.reactor.Now()
	options.OnData = func([]byte) {
		if pieces++; pieces == 1 {
			f.log.Debug().Str("addr", addr).Msg("The first bytes of a poem are here.")
		}
	}
	d := poetry.GetPoem(f.reactor, addr, options)
	deferred.Then(d, func(poem []byte) (any, error) {
		if _, err := f.stdout.Write(poem); err != nil {
			return nil, fmt.Errorf("can't print the poem from %s: %w", addr, err)
		}
		f.missing--
		took := f.reactor.Now().Sub(began).Round(time.Millisecond)
		f.log.Info().Str("addr", addr).Int("bytes", len(poem)).Int("pieces", pieces).Stringer("took", took).Msg("Got a poem.")
		return nil, nil
	})
	return d.AddErrback(func(err error) (any, error) {
		f.log.Error().Msg(interrupted(err).Error())
		return nil, nil
	})
}

// errInterrupted is what a user calls it when the reactor stops early.
var errInterrupted = errors.New("interrupted")

// interrupted returns the error of a fetch with the user's word for the end of
// the reactor.
func interrupted(err error) error {
	var fe *poetry.FetchError
	if errors.As(err, &fe) && errors.Is(err, reactor.ErrStopped) {
		return &poetry.FetchError{Addr: fe.Addr, Bytes: fe.Bytes, Err: errInterrupted}
	}
	return err
}
