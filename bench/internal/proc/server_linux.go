package proc

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// startLimit is how long a server may take until it listens.
const startLimit = 30 * time.Second

// A Server is a program that serves at an address.
type Server struct {
	*Process
	addr string
}

// Start starts a server on a core (see Launch) and returns when it has printed
// "listening HOST:PORT".
func Start(core int, argv ...string) (*Server, error) {
	p, err := Launch(core, argv...)
	if err != nil {
		return nil, err
	}
	line, err := p.Line(startLimit)
	if err == nil {
		if addr, ok := strings.CutPrefix(line, "listening "); ok {
			return &Server{p, addr}, nil
		}
		err = p.failure(fmt.Errorf("printed %q where \"listening HOST:PORT\" is due", line))
	}
	_ = p.Stop() // what went wrong is known
	return nil, err
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.addr }

// Stats asks the server, which must be in Go, for its figures.
func (s *Server) Stats() (Stats, error) {
	return s.figures("stats")
}

// Collect has the server, which must be in Go, collect its garbage, and returns
// its figures after that.
func (s *Server) Collect() (Stats, error) { return s.figures("collect") }

// figures asks for a line of them.
func (s *Server) figures(verb string) (Stats, error) {
	var st Stats
	line, err := s.Ask(verb, answerLimit)
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal([]byte(line), &st); err != nil {
		return st, s.failure(fmt.Errorf("answered %q to %q: %w", line, verb, err))
	}
	return st, nil
}
