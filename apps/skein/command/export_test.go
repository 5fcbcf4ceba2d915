package command

import (
	"net/netip"

	"github.com/rs/zerolog"

	"skein/bench/load"
)

// ChildArgs returns the command line of one process of a load whose log has a
// format.
func ChildArgs(format string) []string {
	l := &loading{env: &env{Format: format}, options: load.Options{Addrs: make([]netip.AddrPort, 1)}}
	return l.child().Args
}

// MakingWay is makingWay.
func MakingWay(log zerolog.Logger, p *load.Progress) zerolog.Logger { return makingWay(log, p) }
