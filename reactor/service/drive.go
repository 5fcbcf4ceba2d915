package service

import (
	"runtime/debug"

	"skein/deferred"
)

// state says where a service stands: see the picture in doc.go. The two states
// in which one of its methods is starting it are states of their own, because
// that method may call Start or Stop.
type state uint8

const (
	stopped   state = iota
	preparing       // in PrivilegedStartService
	prepared
	starting // in StartService
	running
	stopping // in StopService, or its Deferred has not fired
)

// restarter is the power of a service for which Start while it stops means: and
// then start again.
type restarter interface {
	// startTakenBack says that a Stop came before that start, or that it failed.
	startTakenBack()
}

// PrivilegedStart does the first half of a start: what needs the privileges that
// the process has now, for s and all in it. [Start] does it too, if it has not
// been done; call it where something is to come in between. Called twice it does
// nothing; else the errors are those of Start.
//
// Twisted: Service.privilegedStartService.
func PrivilegedStart(s Service) error {
	s = bind(s)
	b := s.base()
	switch b.state {
	case stopped:
	case prepared:
		return nil
	case stopping:
		return startError(s, ErrStopping)
	default:
		return startError(s, ErrRunning)
	}
	b.state = preparing
	if p, ok := s.(PrivilegedStarter); ok {
		if err := try(p.PrivilegedStartService); err != nil {
			return fail(s, err)
		}
		b.held = true
	}
	if b.stopAsked {
		return fail(s, ErrStopped)
	}
	b.state = prepared
	return nil
}

// Start starts a service, and all that are in it. When it returns nil the
// service runs; when it returns an error, a [*StartError], the service does not,
// and what had been started with it is being stopped: [Stop] returns a Deferred
// that fires when that is done. A panic is an error, too.
//
// Starting a service that runs is [ErrRunning], and one that is still stopping
// [ErrStopping]; but a [TCPClient] that is stopping starts again after that. A
// Stop that comes from inside the start leads to [ErrStopped].
//
// Twisted: Service.startService.
func Start(s Service) error {
	s = bind(s)
	b := s.base()
	switch b.state {
	case stopped:
		if err := PrivilegedStart(s); err != nil {
			return err
		}
	case prepared:
	case stopping:
		if b.again {
			return startError(s, ErrRunning)
		}
		if _, ok := s.(restarter); ok {
			b.again = true
			return nil
		}
		return startError(s, ErrStopping)
	default:
		return startError(s, ErrRunning)
	}
	b.state = starting
	if err := try(s.StartService); err != nil {
		return fail(s, err)
	}
	b.held = true
	if b.stopAsked {
		return fail(s, ErrStopped)
	}
	b.state = running
	return nil
}

// Stop stops a service, and all that are in it, and returns a Deferred that
// fires with nil when it is stopped, or fails with a [*StopError]: then it is
// stopped, too, but not as it should. A collection fails with the errors of all
// its services, joined. Stopping one that is stopped, or stopping, is no error.
// Cancelling the Deferred changes nothing but who waits.
//
// Twisted: Service.stopService.
func Stop(s Service) *deferred.Deferred {
	b := s.base()
	s = b.outer(s)
	if b.state == stopped {
		return deferred.Succeed(nil)
	}
	d := deferred.New()
	b.waiting = append(b.waiting, d)
	switch b.state {
	case preparing, starting:
		b.stopAsked = true
	case stopping:
		if b.again {
			b.again = false
			s.(restarter).startTakenBack()
		}
	default:
		end(s)
	}
	return d
}

// bind remembers the outermost struct that embeds the Base of s, so that
// whoever has only a part of it drives the whole all the same. AddService and
// Named may have been given it before.
func bind(s Service) Service {
	b := s.base()
	b.self = b.outer(s)
	return b.self
}

// try calls a method that starts, and makes an error of its panic.
func try(method func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &deferred.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return method()
}

// fail takes back what a failed start has done so far, and returns its error.
func fail(s Service, cause error) error {
	end(s)
	return startError(s, cause)
}

// end stops s, whatever it has started of it.
func end(s Service) {
	b := s.base()
	b.state, b.stopAsked = stopping, false
	d := b.undoing
	b.undoing = nil
	if b.held {
		b.held = false
		d = deferred.MaybeDeferred(func() (any, error) {
			if d := s.StopService(); d != nil {
				return d, nil
			}
			return nil, nil
		})
	}
	if d == nil {
		ended(s, nil)
		return
	}
	d.AddBoth(func(_ any, err error) (any, error) {
		ended(s, err)
		return nil, nil
	})
}

// ended makes a service stopped, and tells those who wait.
func ended(s Service, err error) {
	b := s.base()
	b.state = stopped
	waiting := b.waiting
	b.waiting = nil
	if b.again { // before the others hear of the stop: they may want another start or stop
		b.again = false
		if err := Start(s); err != nil {
			s.(restarter).startTakenBack()
			deferred.Fail(err) // dropped, so it is reported as unhandled
		}
	}
	if err == nil {
		for _, d := range waiting {
			d.Callback(nil)
		}
		return
	}
	err = stopError(s, err)
	if len(waiting) == 0 { // a start has failed, and its undoing, too
		deferred.Fail(err)
	}
	for _, d := range waiting {
		d.Errback(err)
	}
}
