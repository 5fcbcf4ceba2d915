package main_test

import (
	"net"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/skein/runner"
	"skein/protocol"
	"skein/reactor/service"
)

// clot is a program whose loop can be stuck.
func clot() runner.Program {
	type options struct {
		Port runner.Port `help:"The port. Who connects to it stops the loop."`
	}
	return runner.Program{Name: "clot", Plugins: []runner.Plugin{
		runner.NewPlugin("stick", "Stop.", func(h *runner.Host, o *options) (service.Service, error) {
			ports := &runner.Ports{Log: h.Log}
			ports.TCP(o.Port.On("localhost"), protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
				for {
					time.Sleep(time.Hour) // sleeps: that is what it is for
				}
			}), func(line *zerolog.Event, at net.Addr) { line.Stringer("addr", at).Msg("Do not touch.") })
			return ports, nil
		}),
	}}
}
