package reactor

import (
	"reflect"

	"skein/protocol"
)

// startFactory counts a port or connector of a factory, and tells the factory
// of its first. s is what starter makes of it.
func (r *Reactor) startFactory(who owner, s protocol.StartStopper) {
	if s == nil {
		return
	}
	r.factories[s]++
	if r.factories[s] == 1 {
		_ = r.do(who, "StartFactory", s.StartFactory)
	}
}

// stopFactory counts one off, and tells the factory of its last.
func (r *Reactor) stopFactory(who owner, s protocol.StartStopper) {
	if s == nil || r.factories[s] == 0 {
		return
	}
	r.factories[s]--
	if r.factories[s] == 0 {
		delete(r.factories, s)
		_ = r.do(who, "StopFactory", s.StopFactory)
	}
}

// starter returns the factory's optional power, or nil. One whose type cannot be
// the key of a map cannot be counted. f is an any, for Go does not remember what it
// has found out about a protocol.Factory that was made of a ClientFactory.
func starter(f any) protocol.StartStopper {
	s, ok := f.(protocol.StartStopper)
	if !ok || !reflect.TypeOf(s).Comparable() {
		return nil
	}
	return s
}
