package runner

import (
	"errors"

	"github.com/rs/zerolog"

	"skein/reactor"
	"skein/reactor/service"
)

// deployment is the services that one program runs.
type deployment []deployed

// deployed is one service of them.
type deployed struct {
	name    string // "" for the only one
	plugin  string
	service func(h *Host) (service.Service, error)
}

// serve runs services until a signal comes.
func (l *line) serve(d deployment) int {
	log := newLogger(l.stderr, l.options.LogFormat, l.options.LogLevel)
	defer logUnhandled(log)()
	return l.program.status(log, l.run(log, d))
}

func (l *line) run(log zerolog.Logger, d deployment) error {
	r, err := reactor.New(reactor.WithLogger(log))
	if err != nil {
		return err
	}
	app := &service.Application{Reactor: r}
	for _, one := range d {
		if err := one.add(app, r, log); err != nil {
			return errors.Join(err, r.Close())
		}
	}
	wasRunning := false
	r.CallWhenRunning(func() { wasRunning = true })
	err = app.Run()
	if wasRunning {
		log.Info().Msg("Main loop terminated.")
	}
	if err != nil {
		return err
	}
	log.Info().Msg("Server Shut Down.")
	return nil
}

// add makes the service, and adds it to the application.
func (d *deployed) add(app *service.Application, r *reactor.Reactor, log zerolog.Logger) error {
	h := &Host{Reactor: r, Log: log}
	if d.name != "" {
		h.Log = log.With().Str("service", d.name).Logger()
	}
	s, err := d.service(h)
	if err != nil {
		return err
	}
	if d.name != "" {
		s = service.Named(d.name, s)
	}
	return app.AddService(s)
}
