package command

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"skein/apps/poetry"
	"skein/apps/skein/runner"
	"skein/apps/transform"
	"skein/deferred"
	"skein/reactor"
)

// get is the command that fetches poems.
//
// Twisted: the clients get-poetry.py.
type get struct {
	Addresses []runner.Address `arg:"" name:"address" placeholder:"[HOST:]PORT" help:"The servers, as [HOST:]PORT; the host is localhost if it is left out."`
	Timeout   runner.Duration  `default:"30s" placeholder:"TIME" help:"How long a server may take to accept, and to send the next bytes (default: ${default})."`
	Together  bool             `help:"Print all poems at the end, in the order of the servers."`

	Transform        string          `placeholder:"NAME" help:"Have each poem transformed, for example cummingsify, by the server of --via. A poem that could not be is printed as it came."`
	Via              runner.Address  `placeholder:"[HOST:]PORT" help:"The transform server."`
	TransformTimeout runner.Duration `default:"10s" placeholder:"TIME" help:"How long the transform server may take to answer (default: ${default})."`
}

// Validate checks the options.
func (c *get) Validate() error {
	switch {
	case c.Transform != "" && c.Via == "":
		return errors.New("--transform needs a server: name it with --via")
	case c.Transform == "" && c.Via != "":
		return errors.New("--via needs a transformation: name it with --transform, such as cummingsify")
	case strings.Contains(c.Transform, "."):
		return fmt.Errorf("--transform: %q has a dot, which no transformation's name has", c.Transform)
	}
	return errors.Join(notZero("--timeout", c.Timeout), notZero("--transform-timeout", c.TransformTimeout))
}

// run fetches all poems side by side and prints them.
func (c *get) run(e *env) error {
	r, err := e.NewReactor()
	if err != nil {
		return err
	}
	limit := time.Duration(c.Timeout)
	f := &fetching{env: e, reactor: r, together: c.Together, transform: c.Transform}
	f.options = poetry.Options{ConnectTimeout: limit, IdleTimeout: limit}
	f.proxy = &transform.Proxy{Reactor: r, Addr: string(c.Via), Timeout: time.Duration(c.TransformTimeout)}
	all := make([]*deferred.Deferred, len(c.Addresses))
	for i, addr := range c.Addresses {
		all[i] = f.start(string(addr))
	}
	deferred.DeferredList(all, deferred.ConsumeErrors()).AddBoth(func(any, error) (any, error) {
		f.printAll()
		_ = r.Stop() // a signal may have stopped it
		return nil, nil
	})
	err = r.Run()
	switch {
	case f.missing == 0:
		return nil
	case r.Signal() != nil:
		e.Log.Error().Msgf("Interrupted: %d of %d poems are missing.", f.missing, len(c.Addresses))
		return &runner.InterruptedError{Signal: r.Signal()}
	case err != nil:
		return err
	}
	return runner.ErrReported
}

// fetching is what the fetches of one command share.
type fetching struct {
	*env
	reactor   *reactor.Reactor
	options   poetry.Options
	together  bool
	transform string // "" for none
	proxy     *transform.Proxy

	kept    []*fetched // in the order of the servers, to be printed at the end
	missing int        // poems that are not printed
}

// fetched is what there is to print, and to say, of one poem.
type fetched struct {
	addr        string
	began       time.Time
	pieces      int
	transformed bool
	poem        []byte // nil if there is none
}

// start fetches one poem, has it transformed, and prints it or keeps it to be
// printed; and says what happened.
func (f *fetching) start(addr string) *deferred.Deferred {
	f.missing++
	p := &fetched{addr: addr, began: f.reactor.Now()}
	if f.together {
		f.kept = append(f.kept, p)
	}
	options := f.options
	options.OnData = func([]byte) {
		if p.pieces++; p.pieces == 1 {
			f.Log.Debug().Str("addr", addr).Msg("The first bytes of a poem are here.")
		}
	}
	d := poetry.GetPoem(f.reactor, addr, options)
	if f.transform != "" {
		deferred.ThenDeferred(d, func(poem []byte) *deferred.Deferred { return f.transformed(p, poem) })
	}
	deferred.Then(d, func(poem []byte) (any, error) { return nil, f.arrived(p, poem) })
	return d.AddErrback(func(err error) (any, error) {
		f.Log.Error().Msg(interrupted(err).Error())
		return nil, nil
	})
}

// transformed has one poem transformed. It falls back to the poem itself.
func (f *fetching) transformed(p *fetched, poem []byte) *deferred.Deferred {
	d := f.proxy.Xform(f.transform, poem)
	return d.AddCallbacks(func(better any) (any, error) {
		p.transformed = true
		return better, nil
	}, func(err error) (any, error) {
		if errors.Is(err, reactor.ErrStopped) {
			return nil, err
		}
		f.Log.Warn().Msgf("The poem from %s is printed as it came: %v", p.addr, err)
		return poem, nil
	})
}

// arrived prints or keeps one poem.
func (f *fetching) arrived(p *fetched, poem []byte) error {
	p.poem = poem
	if !f.together {
		if err := f.print(p); err != nil {
			return err
		}
	}
	line := f.Log.Info().Str("addr", p.addr).Int("bytes", len(poem)).Int("pieces", p.pieces)
	if p.transformed {
		line.Str("transform", f.transform)
	}
	line.Stringer("took", f.reactor.Now().Sub(p.began).Round(time.Millisecond)).Msg("Got a poem.")
	return nil
}

// print prints one poem.
func (f *fetching) print(p *fetched) error {
	if _, err := f.Stdout.Write(p.poem); err != nil {
		return fmt.Errorf("can't print the poem from %s: %w", p.addr, err)
	}
	f.missing--
	return nil
}

// printAll prints the poems that were kept.
func (f *fetching) printAll() {
	for _, p := range f.kept {
		if p.poem == nil {
			continue
		}
		if err := f.print(p); err != nil {
			f.Log.Error().Msg(err.Error())
		}
	}
}

// errInterrupted is what a user calls it when the reactor stops early.
var errInterrupted = errors.New("interrupted")

// interrupted returns the error of a fetch with the user's word for the end of
// the reactor.
func interrupted(err error) error {
	if !errors.Is(err, reactor.ErrStopped) {
		return err
	}
	var fe *poetry.FetchError
	var xe *transform.XformError
	switch {
	case errors.As(err, &fe):
		return &poetry.FetchError{Addr: fe.Addr, Bytes: fe.Bytes, Err: errInterrupted}
	case errors.As(err, &xe):
		return &transform.XformError{Name: xe.Name, Addr: xe.Addr, Err: errInterrupted}
	}
	return err
}
