//go:build linux || darwin || freebsd

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// record is the content of [Variable].
type record struct {
	Role    Role           `json:"role"`
	Sockets []socketRecord `json:"sockets,omitempty"`
	PIDFile int            `json:"pidfile,omitempty"`
	Status  int            `json:"status,omitempty"`
	Control int            `json:"control,omitempty"`
	Worker  int            `json:"worker,omitempty"`
	Workers int            `json:"workers,omitempty"`
}

// socketRecord is one socket of a record.
type socketRecord struct {
	Network    string `json:"network"`
	Address    string `json:"address"`
	Lent       bool   `json:"lent,omitempty"`
	Descriptor int    `json:"descriptor"`
}

// firstPassed is the lowest number of a descriptor that is passed on: those
// below are standard input, output and error.
const firstPassed = 3

// parseRecord reads a record and reports what cannot be true of any.
func parseRecord(text string) (*record, error) {
	rec := &record{}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(rec); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind its end")
	}
	switch rec.Role {
	case Detached, Successor, Worker:
	default:
		return nil, fmt.Errorf("the role %q is unknown", rec.Role)
	}
	if isWorker := rec.Role == Worker; isWorker != (rec.Worker != 0) || rec.Worker < 0 || rec.Worker > rec.Workers {
		return nil, fmt.Errorf("a %s cannot be worker %d of %d", rec.Role, rec.Worker, rec.Workers)
	}
	return rec, rec.checkNumbers()
}

// checkNumbers reports descriptors that cannot have been passed, and networks
// that do not exist.
func (rec *record) checkNumbers() error {
	seen := map[int]bool{}
	number := func(fd int) error {
		switch {
		case fd < firstPassed:
			return fmt.Errorf("descriptor %d cannot have been passed", fd)
		case seen[fd]:
			return fmt.Errorf("descriptor %d is named twice", fd)
		}
		seen[fd] = true
		return nil
	}
	for _, s := range rec.Sockets {
		switch s.Network {
		case "tcp", "udp", "unix":
		default:
			return fmt.Errorf("the network %q is unknown", s.Network)
		}
		if err := number(s.Descriptor); err != nil {
			return err
		}
	}
	for _, fd := range []int{rec.PIDFile, rec.Status, rec.Control} {
		if fd == 0 {
			continue
		}
		if err := number(fd); err != nil {
			return err
		}
	}
	return nil
}

// String returns the environment's entry.
func (rec *record) String() string {
	b, err := json.Marshal(rec)
	if err != nil {
		panic(err) // it is made of strings and numbers
	}
	return Variable + "=" + string(b)
}
