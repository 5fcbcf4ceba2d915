package service

import (
	"errors"
	"fmt"
	"slices"

	"skein/deferred"
	"skein/reactor"
)

// MultiService is a service made of services. It starts them in the order in
// which they were added, and stops them in the reverse order: all at once, none
// waits for another to be over. If one does not start, those that did are
// stopped again, in reverse, and the MultiService has not started. One that
// somebody has started before the MultiService stays as it is in a start, and is
// stopped with the others.
//
// The zero value is empty and ready. It may be embedded; a type that overrides
// one of the methods calls the one it overrides.
//
// Twisted: service.MultiService, which leaves running what has been started
// before a failure.
type MultiService struct {
	Base

	loop     *reactor.Reactor // the application's, if this is one
	children []Service        // INVARIANT: ordered by Base.place
	names    map[string]Service
	places   uint64 // the last that was given out
	reach    reach  // what one that is added now has missed
}

// reach is how far a MultiService has brought all of its services. One that is
// added while that goes on is seen to by what goes on.
type reach uint8

const (
	reachNone reach = iota
	reachPrepared
	reachRunning
)

// AddService adds s behind the others. If the MultiService runs, s is started;
// if it has only been prepared, so is s; and if that fails, s is not in the
// MultiService, and the error is a [*StartError]. One that is in a collection,
// this or another, has to be disowned first: the error is [ErrHasParent]. It is
// [ErrNameTaken] if there is a service of the same name, and [ErrCycle] if the
// MultiService is in s.
//
// Twisted: MultiService.addService, Service.setServiceParent, which move a
// service that has a parent.
func (m *MultiService) AddService(s Service) error {
	b := s.base()
	if err := m.check(s); err != nil {
		return fmt.Errorf("%w: adding %s to %s", err, describe(s), describe(m.outer(m)))
	}
	m.places++
	b.self, b.parent, b.place = s, m, m.places
	m.children = append(m.children, s)
	if b.name != "" {
		if m.names == nil {
			m.names = make(map[string]Service)
		}
		m.names[b.name] = s
	}
	if err := m.catchUp(s); err != nil {
		m.unlink(s)
		return err
	}
	return nil
}

// check returns why s cannot be added.
func (m *MultiService) check(s Service) error {
	b := s.base()
	if b.parent != nil {
		return ErrHasParent
	}
	for p := m; p != nil; p = p.parent {
		if &p.Base == b {
			return ErrCycle
		}
	}
	if m.names[b.name] != nil {
		return ErrNameTaken
	}
	return nil
}

// catchUp brings a new service to where the others are.
func (m *MultiService) catchUp(s Service) error {
	switch m.reach {
	case reachRunning:
		return startChild(s)
	case reachPrepared:
		return prepareChild(s)
	}
	return nil
}

// RemoveService takes s out and stops it. The Deferred is that of [Stop]; it
// fails with [ErrNotChild] if s is not in the MultiService.
//
// Twisted: MultiService.removeService.
func (m *MultiService) RemoveService(s Service) *deferred.Deferred {
	if s.base().parent != m {
		return deferred.Fail(fmt.Errorf("%w: removing %s from %s", ErrNotChild, describe(s), describe(m.outer(m))))
	}
	m.unlink(s)
	return Stop(s)
}

// unlink takes a service out, if it is still in.
func (m *MultiService) unlink(s Service) {
	b := s.base()
	if b.parent != m {
		return
	}
	i, _ := m.search(b.place)
	m.children = slices.Delete(m.children, i, i+1)
	delete(m.names, b.name)
	b.parent = nil
}

// search returns where the service of a place is, or would be.
func (m *MultiService) search(place uint64) (i int, found bool) {
	return slices.BinarySearchFunc(m.children, place, func(s Service, place uint64) int {
		switch at := s.base().place; {
		case at < place:
			return -1
		case at > place:
			return 1
		}
		return 0
	})
}

// ServiceNamed finds a service by its name; only those that are in this very
// collection, and have a name, are found.
//
// Twisted: MultiService.getServiceNamed.
func (m *MultiService) ServiceNamed(name string) (s Service, ok bool) {
	s, ok = m.names[name]
	return s, ok
}

// Services returns the services in the order in which they were added. The
// slice is the caller's.
//
// Twisted: MultiService.services.
func (m *MultiService) Services() []Service { return slices.Clone(m.children) }

// PrivilegedStartService prepares the services. [PrivilegedStart] calls it.
//
// Twisted: MultiService.privilegedStartService.
func (m *MultiService) PrivilegedStartService() error {
	if err := m.each(prepareChild); err != nil {
		m.undoing = m.StopService()
		return err
	}
	m.reach = reachPrepared
	return nil
}

// StartService starts the services. [Start] calls it. When it fails the services
// are not stopped by itself, but by StopService, which follows because they were
// prepared before.
//
// Twisted: MultiService.startService.
func (m *MultiService) StartService() error {
	if err := m.each(startChild); err != nil {
		return err
	}
	m.reach = reachRunning
	return nil
}

// StopService stops the services, the last one first. [Stop] calls it. The
// Deferred fires when all have stopped.
//
// Twisted: MultiService.stopService.
func (m *MultiService) StopService() *deferred.Deferred {
	m.reach = reachNone // one that is added now is left alone
	var stops []*deferred.Deferred
	for _, s := range slices.Backward(m.Services()) {
		if s.base().parent == m { // else another has disowned it just now
			stops = append(stops, Stop(s))
		}
	}
	return deferred.DeferredList(stops, deferred.ConsumeErrors()).AddCallback(func(result any) (any, error) {
		var errs []error
		for _, res := range result.([]deferred.Result) {
			errs = append(errs, res.Err)
		}
		return nil, errors.Join(errs...)
	})
}

// each calls f with one service after the other, also with those that are added
// meanwhile, until one fails or somebody stops the MultiService. One that is not in
// it any more has not failed it.
func (m *MultiService) each(f func(s Service) error) error {
	for last := uint64(0); ; {
		i, _ := m.search(last + 1)
		if i == len(m.children) {
			return nil
		}
		s := m.children[i]
		last = s.base().place
		if err := f(s); err != nil && s.base().parent == m {
			return err
		}
		if m.stopAsked {
			return ErrStopped
		}
	}
}

// prepareChild prepares a service, unless it is further than that.
func prepareChild(s Service) error { return bring(s, PrivilegedStart) }

// startChild starts a service, unless somebody has.
func startChild(s Service) error { return bring(s, Start) }

// bring does one step of a start. A service that somebody has stopped meanwhile,
// itself perhaps, is where it was wanted: that is no failure.
func bring(s Service, step func(s Service) error) error {
	if s.Running() {
		return nil
	}
	err := step(s)
	var e *StartError
	if errors.As(err, &e) && e.Service == s && e.Err == ErrStopped {
		return nil
	}
	return err
}
