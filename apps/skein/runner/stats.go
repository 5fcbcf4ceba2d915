package runner

import (
	"encoding/json"
	"net"

	"github.com/rs/zerolog"

	"skein/apps/skein/internal/process"
	"skein/apps/skein/internal/stats"
	"skein/reactor"
	"skein/reactor/service"
)

// observation is what shows how a server is, by --stats.
type observation struct {
	self *stats.Self // nil: nobody asks
	site *stats.Site // nil: a worker's is its supervisor's
}

// observe adds the stats page to an application, or the part of it that a worker
// has.
func (s *server) observe(app *service.Application) error {
	if s.options.Stats == "" {
		return nil
	}
	s.self = stats.NewSelf(app.Reactor, stats.Identity{Name: s.name, Worker: s.in.Worker, LogDropped: s.dropped})
	if err := app.AddService(service.Named("stats", s.self)); err != nil || s.in.Role == process.Worker {
		return err
	}
	s.site = &stats.Site{Name: s.program.Name + " " + s.name, Gather: s.gather, Clock: app.Reactor}
	ports := service.Named("the stats page", &Ports{Log: s.log})
	ports.TCP(string(s.options.Stats), s.site.Factory(), func(line *zerolog.Event, at net.Addr) {
		line.Stringer("addr", at).Msg("Showing statistics.")
	}, reactor.OwnAddress()) // the sockets that systemd gives are the services'
	return app.AddService(ports)
}

// unobserve ends that.
func (s *server) unobserve() {
	if s.self != nil {
		s.self.Close()
	}
}

// watched returns how many connections are those of the stats page, for which
// nobody waits at the end.
func (s *server) watched() int {
	if s.site == nil {
		return 0
	}
	return s.site.Open()
}

// dropped returns how many lines the log had no room for.
func (s *server) dropped() uint64 {
	if s.late.log == nil {
		return 0
	}
	return s.late.log.Dropped()
}

// snapshot returns how this process is; nothing if nobody asks.
func (s *server) snapshot() stats.Snapshot {
	if s.self == nil {
		return stats.Snapshot{}
	}
	return s.self.Snapshot()
}

// gather returns how this process is, and its workers.
func (s *server) gather() []stats.Snapshot {
	all := []stats.Snapshot{s.snapshot()}
	if s.workers == nil {
		return all
	}
	for _, w := range s.workers.States() {
		var one stats.Snapshot
		if json.Unmarshal(w.Heartbeat, &one) == nil { // else it has not said anything yet
			all = append(all, one)
		}
	}
	return all
}
