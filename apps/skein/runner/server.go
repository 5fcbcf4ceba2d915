package runner

import (
	"fmt"
	"net"
	"os"
	"runtime/debug"

	"github.com/rs/zerolog"

	"skein/apps/skein/internal/logs"
	"skein/apps/skein/internal/pidfile"
	"skein/apps/skein/internal/privileges"
	"skein/apps/skein/internal/process"
	"skein/apps/skein/internal/systemd"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/service"
)

// deployment is the services that one program runs.
type deployment []deployed

// deployed is one service of them.
type deployed struct {
	name    string // "" for the only one
	service func(h *Host) (service.Service, error)
}

// server is one process that runs services until a signal comes: alone, as one of
// several workers, or as their supervisor.
//
//	plan ─▶ check the pid file ─▶ make the services ─▶ open the log ─▶ chroot, chdir, umask
//	     ─▶ hold the pid file ─▶ bind ─▶ drop privileges ─▶ accept ─▶ tell who waits ─▶ the loop
//	     ─▶ drain ─▶ give the pid file back ─▶ close the log
//
// What fails on the way takes back what was done before it.
//
// Twisted: UnixApplicationRunner.
type server struct {
	*line
	in  *process.Inherited
	dir string // where it was started

	late *lateLog
	log  zerolog.Logger // on late

	plan     *privileges.Plan
	notifier *systemd.Notifier
	reactor  *reactor.Reactor
	app      *service.Application
	pid      *pidfile.File // nil: none is held

	// live.go, drain.go
	begun    bool  // the services have been started
	accepts  bool  // and are ready
	draining bool  // and are being stopped
	failure  error // why the loop was ended, if not by a signal

	supervision // workers.go
	observation // stats.go

	// signals.go
	ends, controls chan os.Signal
	terminal       terminal

	// successor.go
	handover *process.Handover
	takeover *deferred.Deferred // of the successor that is being started
	moved    bool               // it has the sockets and the pid file
	outdated bool               // there is to be one as soon as this process is ready
}

// serve runs services until a signal comes, and returns the exit status. find
// returns them, once it is known who this process is.
func (l *line) serve(find func() (deployment, error)) int {
	in, err := process.Inherit()
	if err != nil {
		return l.failed(err)
	}
	s := &server{line: l, in: in, late: &lateLog{}}
	d, err := find() // it may change the options
	if err != nil {
		return s.fail(err)
	}
	if l.options.Daemon && in.Role == process.Alone {
		return process.Detach(l.args, l.stderr)
	}
	s.log = zerolog.New(s.late).Level(l.options.level()).With().Timestamp().Logger()
	if in.Role == process.Worker {
		s.log = s.log.With().Int("worker", in.Worker).Logger()
	}
	defer logUnhandled(s.log)()
	defer s.catchSignals()()
	if err := s.run(d); err != nil {
		return s.fail(err)
	}
	return s.end(statusOK)
}

// run is a server's life.
func (s *server) run(d deployment) error {
	err := s.prepare(d)
	if err == nil {
		err = s.live()
	} else {
		s.close()
	}
	s.unobserve()
	if left := s.releasePID(); left != nil && err == nil {
		err = left
	}
	if err == nil {
		s.log.Info().Msg("Server Shut Down.")
	}
	return err
}

// close gives back what a start has made that has failed before the loop.
func (s *server) close() {
	if s.reactor != nil {
		_ = s.reactor.Close() // what matters is why
	}
	if s.binder != nil {
		_ = s.binder.Reactor.Close() // it may have been
	}
	for _, set := range s.sets {
		process.CloseSockets(set)
	}
}

// prepare does all that comes before the services are started.
func (s *server) prepare(d deployment) (err error) {
	o := &s.options
	umask := string(o.Umask)
	if umask == "" && o.Daemon {
		umask = "077"
	}
	s.plan, err = privileges.Options{UID: string(o.UID), GID: string(o.GID), Umask: umask, Chroot: string(o.Chroot), RunDir: string(o.Rundir)}.Plan()
	if err != nil {
		return err
	}
	if s.dir, err = os.Getwd(); err != nil {
		return err
	}
	if s.pidPath() != "" && s.in.PIDFile == nil {
		if err := pidfile.Check(s.outside(s.pidPath())); err != nil {
			return s.named(err)
		}
	}
	if s.notifier, err = systemd.Open(); err != nil {
		return err
	}
	if s.notifier != nil {
		s.notifier.Log = s.log
	}
	if err := s.make(d); err != nil {
		return err
	}
	if err := s.openLog(); err != nil {
		return err
	}
	if err := s.enter(umask); err != nil {
		return err
	}
	if err := s.holdPID(); err != nil || !s.supervises() {
		return err
	}
	return s.supervise()
}

// enter changes the root, the directory and the umask. A supervisor has to be
// able to start others, who do that for themselves: it goes to the directory, so
// that the sockets that it opens are where one process alone would have them.
func (s *server) enter(umask string) error {
	if !s.supervises() {
		return s.plan.Enter()
	}
	plan, err := privileges.Options{Umask: umask, RunDir: s.outside(".")}.Plan()
	if err != nil {
		return err
	}
	return plan.Enter()
}

// make makes the reactor and the services. A supervisor's are there to bind ports.
func (s *server) make(d deployment) error {
	sockets := s.in.Sockets
	if s.in.Role == process.Alone {
		var err error
		if sockets, err = systemd.Sockets(); err != nil {
			return err
		}
	}
	if s.supervises() {
		return s.makeBinder(d, sockets)
	}
	if err := s.makeReactor(sockets); err != nil {
		return err
	}
	if s.in.Role == process.Worker || s.in.Role == process.Successor {
		// The paths of sockets are its supervisor's; or its predecessor's, until this
		// process accepts.
		s.reactor.HandOver()
	}
	s.app.DropPrivileges = s.plan.Drop
	return s.addTo(s.app, d)
}

// makeReactor makes the reactor, and the application with what all have.
func (s *server) makeReactor(sockets []reactor.Socket) (err error) {
	opts := []reactor.Option{reactor.WithLogger(s.log), reactor.WithSockets(sockets...)}
	if s.options.Stats != "" {
		opts = append(opts, reactor.WithTiming()) // for the count of slow callbacks
	}
	if s.reactor, err = reactor.New(opts...); err != nil {
		return err
	}
	s.app = &service.Application{Reactor: s.reactor}
	return s.observe(s.app)
}

// makeBinder makes what a supervisor binds the ports with. A successor has them,
// and makes the services all the same: they may not be what they were.
func (s *server) makeBinder(d deployment, sockets []reactor.Socket) error {
	if s.in.Role == process.Successor {
		sockets = nil
	}
	r, err := reactor.New(reactor.WithLogger(s.log), reactor.WithSockets(sockets...), reactor.WithoutSignals())
	if err != nil {
		return err
	}
	s.binder = &service.Application{Reactor: r}
	if s.options.Stats != "" { // the first, as bind has it
		none := protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return nil })
		page := service.Named("the stats page", &service.TCPServer{
			Addr: string(s.options.Stats), Factory: none, Options: []reactor.ListenOption{reactor.OwnAddress()},
		})
		if err := s.binder.AddService(page); err != nil {
			return err
		}
	}
	return s.addTo(s.binder, d)
}

// addTo makes the services and adds them to an application.
func (s *server) addTo(app *service.Application, d deployment) error {
	for _, one := range d {
		h := &Host{Reactor: app.Reactor, Log: s.log}
		if one.name != "" {
			h.Log = s.log.With().Str("service", one.name).Logger()
		}
		made, err := one.make(h)
		switch {
		case err != nil && one.name != "":
			return fmt.Errorf("%s: %w", one.name, err)
		case err != nil:
			return err
		case one.name != "":
			made = service.Named(one.name, made)
		}
		if err := app.AddService(made); err != nil {
			return err
		}
	}
	return nil
}

// make makes the service. A panic is an error like any other.
func (d *deployed) make(h *Host) (made service.Service, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &deferred.PanicError{Value: v, Stack: debug.Stack()}
			h.Log.Error().Str(stackField, string(debug.Stack())).Msg("A plugin has panicked.")
		}
	}()
	return d.service(h)
}

// openLog opens the log. A worker's is its standard error, which its supervisor
// reads.
func (s *server) openLog() error {
	o := s.options.logOptions(s.program.Name, s.stderr)
	o.Crashes = true
	if s.in.Role == process.Worker {
		o = logs.Options{Format: "json", Level: o.Level, Out: s.stderr}
	}
	log, err := logs.Open(o)
	if err != nil {
		return err
	}
	s.late.open(log)
	if s.in.Role == process.Worker || s.supervises() || s.logsToStderr() || o.Syslog || !s.plan.Drops() {
		return nil
	}
	return s.giveAway(o.File)
}

// giveAway makes a file that of the user that this process will be: its successor,
// which begins as that, has to open it, and either may have to rotate it.
func (s *server) giveAway(path string) error {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return err // a device is not ours to give
	}
	uid, gid := s.plan.Owner()
	return os.Lchown(path, uid, gid)
}
