package load_test

import (
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"skein/bench/load"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// fleet puts the load of several processes on a server that echoes, on the real
// loop, and returns the result. meanwhile is called when all have begun.
func fleet(t *testing.T, o load.Options, n int, meanwhile func(f *load.Fleet, all []*exec.Cmd)) (result *load.Result, died int) {
	t.Helper()
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, err := r.ListenTCP("127.0.0.1:0", (&behaviour{data: func(p *peer, data []byte) { _, _ = p.Transport.Write(data) }}).factory(r))
		if err != nil {
			t.Fatal(err)
		}
		o.Addrs = []netip.AddrPort{netip.MustParseAddrPort(port.Addr().String())}
		o.Timeout, o.Interval = 10*time.Second, 20*time.Millisecond
		total := load.NewTotal(o, port.Addr().String(), n)
		var all []*exec.Cmd
		f := &load.Fleet{Reactor: r}
		f.Command = func() *exec.Cmd {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), childVariable+"=1")
			c.Stderr = os.Stderr
			all = append(all, c)
			return c
		}
		f.Report = func(report *load.Report) {
			total.Add(report)
			if meanwhile != nil && total.Phase() == load.Measuring && total.Result(false).Operations > 0 {
				meanwhile(f, all)
				meanwhile = nil
			}
		}
		f.Died = func(process int, how error) {
			died++
			total.Died(process, how)
		}
		return deferred.ThenDeferred(f.Start(o.Split(n)), func(any) *deferred.Deferred {
			result = total.Result(false)
			return port.StopListening()
		})
	})
	return result, died
}

func TestFleet(t *testing.T) {
	// Longer than two reports with histograms.
	o := load.Options{Mode: load.Echo, Conns: 7, For: 2500 * time.Millisecond, Rate: 200, Size: 16}
	r, died := fleet(t, o, 3, nil)
	wants(t, r, nil)
	if died != 0 || r.Operations != 500 || r.Latency.Count != 500 || r.Service.Count != 500 || r.Connections.Opened != 7 || r.Processes != 3 {
		t.Errorf("%d died, %d operations, %+v", died, r.Operations, r.Connections)
	}
}

// A process that dies is said to have died, and what it had reported stays.
func TestFleetLosesOne(t *testing.T) {
	o := load.Options{Mode: load.Echo, Conns: 4, For: time.Second, Rate: 400, Size: 16}
	r, died := fleet(t, o, 2, func(_ *load.Fleet, all []*exec.Cmd) { _ = all[0].Process.Kill() })
	wants(t, r, map[load.Kind]uint64{load.ProcessDied: 1})
	if died != 1 || r.Operations < 200 || r.Operations >= 400 {
		t.Errorf("%d died, %d operations", died, r.Operations)
	}
}

func TestFleetStops(t *testing.T) {
	o := load.Options{Mode: load.Echo, Conns: 4, For: time.Hour, Size: 16}
	r, died := fleet(t, o, 2, func(f *load.Fleet, _ []*exec.Cmd) { f.Stop() })
	wants(t, r, nil)
	if died != 0 || r.Operations == 0 || r.Elapsed > int64(10*time.Second) {
		t.Errorf("%d died, %d operations in %v", died, r.Operations, time.Duration(r.Elapsed))
	}
}

// A fleet whose processes cannot be started, say nothing, or nonsense, has a
// result all the same.
func TestFleetOfOtherPrograms(t *testing.T) {
	for _, test := range []struct {
		command []string
		died    int
	}{
		{[]string{"./no such program"}, 1}, // and the other is not tried
		{[]string{"true"}, 2},
		{[]string{"false"}, 2},
		{[]string{"echo", "hello"}, 2},
		{[]string{"sh", "-c", "echo hello; cat"}, 2},
	} {
		reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
			died := 0
			f := &load.Fleet{
				Reactor: r, Report: func(*load.Report) {}, Died: func(int, error) { died++ },
				Command: func() *exec.Cmd { return exec.Command(test.command[0], test.command[1:]...) },
			}
			return f.Start(load.Options{Conns: 2}.Split(2)).AddCallback(func(any) (any, error) {
				if died != test.died {
					t.Errorf("%q: %d died, want %d", test.command, died, test.died)
				}
				return nil, nil
			})
		})
	}
}

// A process that hangs is not waited for without end.
func TestFleetHangs(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		var died []error
		began := time.Now()
		f := &load.Fleet{
			Reactor: r, Report: func(*load.Report) {}, Died: func(_ int, how error) { died = append(died, how) },
			Command:  func() *exec.Cmd { return exec.Command("sh", "-c", `echo '{"phase":"ready"}'; exec sleep 60`) },
			Patience: 50 * time.Millisecond,
		}
		o := load.Options{Conns: 2, For: 100 * time.Millisecond, Timeout: 25 * time.Millisecond}
		return f.Start(o.Split(2)).AddCallback(func(any) (any, error) {
			if took := time.Since(began); len(died) != 2 || took < 200*time.Millisecond || took > 30*time.Second {
				t.Errorf("after %v, these have died: %v", took, died)
			}
			return nil, nil
		})
	})
}

// A child whose parent has gone ends.
func TestChildWithoutParent(t *testing.T) {
	for name, input := range map[string]string{
		"at once":   "",
		"later":     `{"mode":"idle","addrs":["127.0.0.1:1"],"conns":1,"for":3600000000000,"timeout":3600000000000}` + "\n",
		"confusing": "hello\n",
	} {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childVariable+"=1")
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte(input)); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); (err == nil) != (name == "later") {
			t.Errorf("%s: it ended with %v", name, err)
		}
	}
}
