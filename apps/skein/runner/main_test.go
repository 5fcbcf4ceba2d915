package runner_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"skein/apps/skein/runner"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor/service"
)

// TestMain lets tests run a program of their own as real processes: as "house".
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){
		"house": func() { os.Exit(runner.Main(house(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// leakChecked is a run of all tests that fails if goroutines are left.
type leakChecked struct{ *testing.M }

// Run runs the tests and then looks.
func (l leakChecked) Run() int {
	status := l.M.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// house is a program that has what the servers of skein have not.
func house() runner.Program {
	return runner.Program{
		Name:        "house",
		Description: "A program of tests.",
		Plugins: []runner.Plugin{
			runner.NewPlugin("door", "Greet who comes.", makeDoor),
			runner.NewPlugin("broken", "Panic.", func(*runner.Host, *struct{}) (service.Service, error) {
				panic("at the disco")
			}),
			runner.NewPlugin("fragile", "Crash when somebody comes.", makeFragile),
			runner.NewPlugin("stubborn", "Never stop.", func(*runner.Host, *struct{}) (service.Service, error) {
				return &stubborn{}, nil
			}),
		},
		Commands: []runner.Command{
			runner.NewCommand("fail", "Fail.", func(o *struct{ Quietly bool }, e *runner.Env) error {
				if o.Quietly {
					return runner.ErrReported
				}
				return errors.New("it has failed")
			}),
		},
	}
}

// door is the options of the plugin that greets, at a TCP port or a UNIX socket.
type door struct {
	Port *runner.Port `help:"The port."`
	Path string       `help:"The socket."`
	End  string       `help:"If this file is there, the process is told to end while it starts."`
}

// makeDoor makes the service.
func makeDoor(h *runner.Host, o *door) (service.Service, error) {
	ports := &runner.Ports{Log: h.Log}
	greet := protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &greeting{} })
	opened := func(line *zerolog.Event, at net.Addr) { line.Stringer("addr", at).Msg("The door is open.") }
	if o.Port != nil {
		ports.TCP(o.Port.On("localhost"), greet, opened)
	}
	if o.Path != "" {
		ports.UNIX(o.Path, greet, opened)
	}
	if o.End != "" && exists(o.End) {
		return ports, endItself()
	}
	return ports, nil
}

// endItself sends the process a SIGTERM, and returns when whoever asked for it has it.
func endItself() error {
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGTERM)
	defer signal.Stop(came) // it waits for those who are being told
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		return err
	}
	<-came
	return nil
}

// greeting is one connection.
type greeting struct{ protocol.Base }

func (g *greeting) ConnectionMade() {
	_, _ = g.Transport.Write([]byte("hello\n"))
	g.Transport.LoseConnection()
}
func (g *greeting) DataReceived([]byte) {}

// makeFragile makes a service that the first client breaks: on a goroutine that is
// not the loop's, where nothing is caught.
func makeFragile(h *runner.Host, o *struct{ Path string }) (service.Service, error) {
	ports := &runner.Ports{Log: h.Log}
	crash := protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
		go panic("at the disco")
		return nil
	})
	ports.UNIX(o.Path, crash, func(line *zerolog.Event, at net.Addr) { line.Msg("Handle with care.") })
	return ports, nil
}

// stubborn is a service whose stop has no end.
type stubborn struct{ service.Base }

func (s *stubborn) StartService() error             { return nil }
func (s *stubborn) StopService() *deferred.Deferred { return deferred.New() }

// patience is how long a test waits for a line or an end.
const patience = time.Minute

// run is a house that runs.
type run struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan error

	mu  sync.Mutex
	log strings.Builder
	cut chan struct{} // has something when there is more of the log

	silent chan struct{} // closed when nobody can write to the log any more
}

// start starts a house in a folder of its own, before is what is done to the
// command first.
func start(t *testing.T, before func(*exec.Cmd), args ...string) *run {
	t.Helper()
	r := &run{t: t, cmd: exec.Command("house", args...), ended: make(chan error, 1), cut: make(chan struct{}, 1), silent: make(chan struct{})}
	r.cmd.Dir = t.TempDir()
	if before != nil {
		before(r.cmd)
	}
	stderr, writer, err := os.Pipe()
	must(t, err)
	r.cmd.Stderr = writer // itself, so that Wait does not wait for a successor
	must(t, r.cmd.Start())
	_ = writer.Close() // it is the house's
	go func() { r.ended <- r.cmd.Wait() }()
	go r.read(stderr)
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it has ended, unless the test has failed
		select {
		case <-r.silent:
		case <-time.After(patience):
			t.Errorf("somebody still has its standard error, after\n%s", r.logged())
		}
	})
	return r
}

// read reads the log, until nobody can write it any more.
func (r *run) read(from *os.File) {
	defer close(r.silent)
	defer func() { _ = from.Close() }()
	for lines := bufio.NewReader(from); ; {
		line, err := lines.ReadString('\n')
		r.mu.Lock()
		r.log.WriteString(line)
		r.mu.Unlock()
		select {
		case r.cut <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// logged returns the log so far.
func (r *run) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// await waits until the log has a text.
func (r *run) await(text string) {
	r.t.Helper()
	deadline := time.After(patience)
	for !strings.Contains(r.logged(), text) {
		select {
		case <-r.cut:
		case <-deadline:
			r.t.Fatalf("there is no %q in the log:\n%s", text, r.logged())
		}
	}
}

// signal sends a signal.
func (r *run) signal(s os.Signal) {
	r.t.Helper()
	must(r.t, r.cmd.Process.Signal(s))
}

// end waits for the end with this status.
func (r *run) end(status int) {
	r.t.Helper()
	select {
	case err := <-r.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			r.t.Fatal(err)
		}
		if got := r.cmd.ProcessState.ExitCode(); got != status {
			r.t.Fatalf("the status is %d, want %d, after\n%s", got, status, r.logged())
		}
	case <-time.After(patience):
		r.t.Fatalf("it does not end, after\n%s", r.logged())
	}
}

// file returns the path of a file of the house's.
func (r *run) file(name string) string { return filepath.Join(r.cmd.Dir, name) }

// greeted knocks at the door, and fails the test if nobody greets.
func greeted(t *testing.T, network, addr string) {
	t.Helper()
	c, err := net.Dial(network, addr)
	must(t, err)
	defer func() { _ = c.Close() }()
	heard, err := io.ReadAll(c)
	must(t, err)
	if string(heard) != "hello\n" {
		t.Fatalf("the greeting is %q", heard)
	}
}

// must fails the test if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// readPID returns the pid in a file.
func readPID(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	return pid
}
