package command_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"skein/apps/poetry"
	"skein/apps/skein/command"
	"skein/apps/transform"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs the command in this process. The scripts of apps/skein run it in one
// of its own, and show far more.
func run(args ...string) (status int, stdout, stderr string) {
	var out, log bytes.Buffer
	status = command.Main(args, &out, &log)
	return status, out.String(), log.String()
}

func TestMainReturnsTheStatus(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		status int
		said   string
	}{
		{"nothing", nil, 0, ""},
		{"help", []string{"get", "--help"}, 0, ""},
		{"usage", []string{"get"}, 2, "skein: expected"},
		{"failure", []string{"fastpoetry", "--poem", "/"}, 1, "can't serve \"/\": is a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := run(test.args...)
			if status != test.status {
				t.Errorf("the status is %d, want %d", status, test.status)
			}
			if helped := strings.HasPrefix(stdout, "Usage: skein"); helped != (status == 0) {
				t.Errorf("it printed %q", stdout)
			}
			if !strings.Contains(stderr, test.said) || test.said == "" && stderr != "" {
				t.Errorf("it said %q, want %q", stderr, test.said)
			}
		})
	}
}

func TestDemoPrintsThePoems(t *testing.T) {
	status, stdout, stderr := run("demo")
	if status != 0 {
		t.Fatalf("the status is %d:\n%s", status, stderr)
	}
	service := &transform.Service{}
	poems := poetry.Builtin()
	want := []string{ // in the order in which they are ready, but for the first two
		service.Cummingsify(string(poems[0].Text)),
		string(poems[1].Text),
		string(poems[2].Text),
		service.Gobbledegook(string(poems[2].Text)),
	}
	for i, poem := range want {
		if !strings.Contains(stdout, poem) {
			t.Errorf("poem %d is not there whole", i)
		}
	}
	if !strings.HasSuffix(stdout, want[2]+want[3]) || len(stdout) != len(strings.Join(want, "")) {
		t.Errorf("standard output has something else, or in another order:\n%s", stdout)
	}
}

// brokenPipe is a standard output that takes nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Run("demo", func(t *testing.T) {
		var log bytes.Buffer
		if status := command.Main([]string{"demo"}, brokenPipe{}, &log); status != 1 {
			t.Errorf("the status is %d, want 1", status)
		}
		if !strings.Contains(log.String(), "can't print a poem: "+syscall.EPIPE.Error()) {
			t.Errorf("it said %q", log.String())
		}
	})
	t.Run("get", func(t *testing.T) {
		reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
			port, err := r.ListenTCP("localhost:0", &poetry.Factory{Poem: poetry.Builtin()[0]})
			if err != nil {
				t.Fatal(err)
			}
			return deferred.Then(r.DeferToThread(func() (any, error) {
				if status := command.Main([]string{"get", port.Addr().String()}, brokenPipe{}, io.Discard); status != 1 {
					return nil, errors.New("get did not notice")
				}
				return nil, nil
			}), func(any) (any, error) { return port.StopListening(), nil })
		})
	})
}
