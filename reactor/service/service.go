package service

import (
	"fmt"

	"skein/deferred"
	"skein/reactor"
)

// Service is something that can be started and stopped. Embed [Base] and write
// the two methods. They are for this package to call, once each in turn:
// programs call [Start] and [Stop].
//
// Twisted: IService.
type Service interface {
	// StartService begins the work. One that returns an error, or panics, has
	// undone what it had begun: no StopService follows. It must not wait: what
	// takes time goes on after it has returned.
	StartService() error

	// StopService ends the work. It returns a Deferred that fires when the work
	// is over, or nil if it is already. It undoes PrivilegedStartService, too.
	StopService() *deferred.Deferred

	// Name returns the name that [Named] has given, or "".
	Name() string
	// Running reports whether the service has been started and not stopped.
	Running() bool
	// Parent returns the collection that the service is in, or nil.
	Parent() Collection
	// DisownServiceParent takes the service out of its parent and stops it.
	DisownServiceParent() *deferred.Deferred

	// base seals the interface: Base has it.
	base() *Base
}

// PrivilegedStarter is the optional power of a service with something to do
// before the process gives up its privileges, as binding a low port.
// StopService undoes it, also if StartService was never called or has failed.
//
// Twisted: IService.privilegedStartService.
type PrivilegedStarter interface {
	// PrivilegedStartService comes before each StartService. One that returns an
	// error, or panics, has undone what it had begun.
	PrivilegedStartService() error
}

// Collection is a service made of services: a [MultiService], or what embeds
// one.
//
// Twisted: IServiceCollection.
type Collection interface {
	Service
	// AddService adds a service behind the others.
	AddService(s Service) error
	// RemoveService takes one out and stops it.
	RemoveService(s Service) *deferred.Deferred
	// ServiceNamed finds a service by its name.
	ServiceNamed(name string) (s Service, ok bool)
	// Services returns the services in order.
	Services() []Service
}

// Base holds what this package knows of a service: its name, its parent, its
// state. Embed it. It has neither StartService nor StopService, so that a
// misspelt one does not compile. The zero value is ready, and must not be
// copied once in use.
//
// Twisted: service.Service, whose methods an override must not forget to call.
type Base struct {
	name string
	self Service // the outermost struct that embeds this one; nil until it is known

	// The tree. INVARIANT: parent is not nil if and only if it holds self.
	parent *MultiService
	place  uint64 // grows along the siblings

	// See drive.go.
	state     state
	held      bool // a method has succeeded that StopService undoes
	stopAsked bool // Stop was called while a method was starting the service
	again     bool // Start was called while a restarter was stopping
	undoing   *deferred.Deferred
	waiting   []*deferred.Deferred // what Stop has returned
}

// base finds the Base in what embeds it.
func (b *Base) base() *Base { return b }

// outer returns the outermost struct that embeds the Base, as far as that is
// known, and s where it is not.
func (b *Base) outer(s Service) Service {
	if b.self != nil {
		return b.self
	}
	return s
}

// Name returns the name that [Named] has given, or "".
//
// Twisted: Service.name.
func (b *Base) Name() string { return b.name }

// Running reports whether the service has been started, and neither stopped nor
// failed to start. It is true within StartService, and false within StopService.
//
// Twisted: Service.running.
func (b *Base) Running() bool {
	return b.state == starting || b.state == running || b.again
}

// Parent returns the collection that the service is in, or nil.
//
// Twisted: Service.parent.
func (b *Base) Parent() Collection {
	if b.parent == nil {
		return nil
	}
	c, _ := b.parent.outer(b.parent).(Collection) // what embeds a MultiService is one
	return c
}

// DisownServiceParent takes the service out of its parent and stops it. The
// Deferred is that of [Stop]; it fails with [ErrNotChild] if there is no parent.
//
// Twisted: Service.disownServiceParent.
func (b *Base) DisownServiceParent() *deferred.Deferred {
	if b.parent == nil {
		return deferred.Fail(ErrNotChild)
	}
	return b.parent.RemoveService(b.self)
}

// Named gives s a name, by which its parent finds it and errors speak of it, and
// returns s. It panics with an error that is [ErrHasParent] if s is in a
// collection already, which knows it by the name that it had.
//
// Twisted: Service.setName.
func Named[S Service](name string, s S) S {
	b := s.base()
	if b.parent != nil {
		panic(fmt.Errorf("%w: Named(%q) comes before AddService", ErrHasParent, name))
	}
	b.name, b.self = name, s
	return s
}

// ReactorOf returns the reactor of the application that s is in, or nil. The
// services of this package take it where they have been given none.
func ReactorOf(s Service) *reactor.Reactor {
	for m := s.base().parent; m != nil; m = m.parent {
		if m.loop != nil {
			return m.loop
		}
	}
	return nil
}

// reactorFor returns own, or else the reactor of the application that s is in.
func reactorFor(s Service, own *reactor.Reactor) (*reactor.Reactor, error) {
	if own != nil {
		return own, nil
	}
	if r := ReactorOf(s); r != nil {
		return r, nil
	}
	return nil, ErrNoReactor
}

// describe names a service for an error: by its name, or else by its type.
func describe(s Service) string {
	if name := s.Name(); name != "" {
		return fmt.Sprintf("service %q", name)
	}
	return fmt.Sprintf("%T", s)
}
