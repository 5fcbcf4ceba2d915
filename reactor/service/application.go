package service

import (
	"errors"

	"skein/deferred"
	"skein/reactor"
)

// Application is the root of a program's services, bound to its reactor:
//
//	Run ─▶ PrivilegedStart ─▶ DropPrivileges ─▶ Start ─▶ the loop ─▶ signal or Stop
//	            bind                            accept                    │
//	                                                    stop the services ┘
//
// It stops with the reactor: as a trigger before its shutdown, so that the loop
// goes on until the services have stopped. Services in it that have no reactor
// of their own use this one.
//
// Twisted: service.Application, and what app.startApplication adds.
type Application struct {
	MultiService

	// Reactor is the loop. It has to be set.
	Reactor *reactor.Reactor
	// DropPrivileges is called when everything is prepared and nothing is
	// started. Its error, or panic, ends the start. Nil: nothing is dropped.
	//
	// Twisted: UnixApplicationRunner.shedPrivileges.
	DropPrivileges func() error

	trigger reactor.TriggerID
}

// AddService adds a service as [MultiService.AddService] does. From now on it
// can find the application's reactor.
func (a *Application) AddService(s Service) error {
	a.loop = a.Reactor
	return a.MultiService.AddService(s)
}

// PrivilegedStartService prepares the services. [PrivilegedStart] calls it.
func (a *Application) PrivilegedStartService() error {
	if a.Reactor == nil {
		return ErrNoReactor
	}
	a.loop = a.Reactor
	return a.MultiService.PrivilegedStartService()
}

// StartService drops the privileges, starts the services, and sees to it that
// they stop with the reactor. [Start] calls it.
//
// Twisted: app.startApplication.
func (a *Application) StartService() error {
	if a.DropPrivileges != nil {
		if err := a.DropPrivileges(); err != nil {
			return err
		}
	}
	if err := a.MultiService.StartService(); err != nil {
		return err
	}
	a.trigger = a.Reactor.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
		return Stop(a)
	})
	return nil
}

// StopService stops the services. [Stop] calls it.
func (a *Application) StopService() *deferred.Deferred {
	_ = a.Reactor.RemoveSystemEventTrigger(a.trigger) // it may be what has called
	a.trigger = reactor.TriggerID{}
	return a.MultiService.StopService()
}

// Run starts the application, unless that has been done, and runs the reactor
// until it is stopped, by a signal or by [reactor.Reactor.Stop]; the services
// have stopped by then. It returns the error of the start, a [*StartError], when
// what had been started has been stopped again, and otherwise the reactor's.
//
// Twisted: ApplicationRunner.run.
func (a *Application) Run() error {
	r := a.Reactor
	switch {
	case r == nil:
		return startError(a, ErrNoReactor)
	case r.Running():
		return reactor.ErrAlreadyRunning
	}
	if !a.Running() {
		if err := Start(a.outer(a)); err != nil {
			return errors.Join(err, a.giveUp())
		}
	}
	err := r.Run()
	Stop(a) // the reactor has done so, if it has run
	return err
}

// giveUp waits until a failed start is undone, for which the loop may have to
// turn, and gives the reactor back. A signal ends the waiting.
func (a *Application) giveUp() error {
	var failure error
	over, r := false, a.Reactor
	Stop(a).AddBoth(func(_ any, err error) (any, error) {
		over, failure = true, err
		if r.Running() {
			_ = r.Stop() // a signal may have been first
		}
		return nil, nil
	})
	if over {
		return errors.Join(failure, r.Close())
	}
	return errors.Join(r.Run(), failure)
}
