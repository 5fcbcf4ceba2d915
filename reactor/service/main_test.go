package service_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("broken")

// diary is what happened, in order.
type diary struct{ entries []string }

// note adds an entry.
func (d *diary) note(format string, args ...any) {
	d.entries = append(d.entries, fmt.Sprintf(format, args...))
}

// expect fails the test unless exactly this has happened since the last expect.
func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(d.entries, want) {
		t.Errorf("the diary says\n %q, want\n %q", d.entries, want)
	}
	d.entries = nil
}

// part is a service that does what a test tells it to. Nil: it succeeds.
type part struct {
	service.Base
	diary *diary
	start func() error
	stop  func() *deferred.Deferred
}

// newPart returns a part that writes into d.
func newPart(name string, d *diary) *part { return service.Named(name, &part{diary: d}) }

func (p *part) StartService() error {
	p.diary.note("start %s", p.Name())
	if p.start != nil {
		return p.start()
	}
	return nil
}

func (p *part) StopService() *deferred.Deferred {
	p.diary.note("stop %s", p.Name())
	if p.stop != nil {
		return p.stop()
	}
	return nil
}

// rootPart is a part that also has something to do with privileges.
type rootPart struct {
	part
	prepare func() error
}

func newRootPart(name string, d *diary) *rootPart {
	return service.Named(name, &rootPart{part: part{diary: d}})
}

func (p *rootPart) PrivilegedStartService() error {
	p.diary.note("prepare %s", p.Name())
	if p.prepare != nil {
		return p.prepare()
	}
	return nil
}

// must fails the test if a step that has to succeed does not.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree puts services into a MultiService.
func tree(t testing.TB, name string, parts ...service.Service) *service.MultiService {
	t.Helper()
	m := service.Named(name, &service.MultiService{})
	for _, p := range parts {
		must(t, m.AddService(p))
	}
	return m
}

// expectErr fails the test unless err is target; a nil target wants no error.
func expectErr(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s is %v, want %v", what, err, target)
	}
}

// failing returns the service that a StartError names.
func failing(t testing.TB, err error) service.Service {
	t.Helper()
	var e *service.StartError
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v, want a StartError", err)
	}
	return e.Service
}

// want fails the test if the two differ.
func want[T comparable](t testing.TB, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

// build makes a factory of a function that makes a protocol.
func build(f func() protocol.Protocol) protocol.Factory {
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return f() })
}

// refusals fails the test unless this is refused, with a text that names who.
func refusals(t testing.TB, err, target error, text string) {
	t.Helper()
	expectErr(t, "the refusal", err, target)
	if err != nil && err.Error() != text {
		t.Errorf("the text is %q, want %q", err, text)
	}
}
