package reactor

import (
	"reflect"

	"skein/protocol"
)

// startFactory counts a port or connector of a factory, and tells the factory
// of its first.
func (r *Reactor) startFactory(who owner, f protocol.Factory) {
	s, ok := starter(f)
	if !ok {
		return
	}
	r.factories[s]++
	if r.factories[s] == 1 {
		_ = r.do(who, "StartFactory", s.StartFactory)
	}
}

// stopFactory counts one off, and tells the factory of its last.
func (r *Reactor) stopFactory(who owner, f protocol.Factory) {
	s, ok := starter(f)
	if !ok || r.factories[s] == 0 {
		return
	}
	r.factories[s]--
	if r.factories[s] == 0 {
		delete(r.factories, s)
		_ = r.do(who, "StopFactory", s.StopFactory)
	}
}

// starter returns the factory's optional power. One whose type cannot be the
// key of a map cannot be counted.
func starter(f protocol.Factory) (protocol.StartStopper, bool) {
	s, ok := f.(protocol.StartStopper)
	return s, ok && reflect.TypeOf(s).Comparable()
}
