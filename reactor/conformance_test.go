//go:build linux || darwin || freebsd

package reactor_test

import (
	"testing"

	"skein/reactor/reactortest/conformance"
)

// TestConformance runs the contract against every reactor there is.
func TestConformance(t *testing.T) {
	loops := []struct {
		name string
		loop conformance.Loop
	}{
		{"tcp", conformance.Machine("tcp")},
		{"unix", conformance.Machine("unix")},
		{"memory tcp", conformance.Memory("tcp", 0)},
		{"memory tcp in pieces", conformance.Memory("tcp", 1000)},
		{"memory unix", conformance.Memory("unix", 0)},
	}
	for _, l := range loops {
		t.Run(l.name, func(t *testing.T) { conformance.Run(t, l.loop) })
	}
}
