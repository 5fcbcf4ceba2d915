package servers_test

import (
	"encoding/json"
	"io"
	"runtime"
	"strings"
	"testing"

	"skein/bench/internal/proc"
	"skein/bench/internal/servers"
)

func TestUsage(t *testing.T) {
	cases := []struct {
		name, args string
		want       string // in the one line on standard error
	}{
		{"nothing", "", "want ENGINE WORK"},
		{"no work", "net", "want ENGINE WORK"},
		{"an unknown engine", "nginx echo", `no engine "nginx": use skein, gnet, net, epoll`},
		{"an unknown work", "net dance", `no work "dance": use echo,`},
		{"an unknown flag", "net echo -x", "-x"},
		{"a flag's value", "net echo -poem many", "-poem"},
		{"an argument too many", "net echo now", `"now"`},
		{"a poem below zero", "net poem -poem -1", "-poem -1"},
		{"a stream below zero", "net stream -stream -1", "-stream -1"},
		{"a proxy of nothing", "net proxy", "-origin"},
		{"a relay of nothing", "epoll relay", "-origin"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var out, errs strings.Builder
			status := servers.Main(strings.Fields(tc.args), strings.NewReader(""), &out, &errs)
			if status != 2 || out.Len() > 0 {
				t.Errorf("status %d, want 2; output %q", status, out.String())
			}
			if got := errs.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, tc.want) {
				t.Errorf("standard error has %q, want one line with %q", got, tc.want)
			}
		})
	}
}

func TestAddressOfOthers(t *testing.T) {
	for _, engine := range engines {
		var out, errs strings.Builder
		status := servers.Main([]string{engine, "echo", "-addr", "192.0.2.1:0"}, strings.NewReader(""), &out, &errs)
		if got := errs.String(); status != 1 || out.Len() > 0 || strings.Count(got, "\n") != 1 || !strings.Contains(got, "assign") {
			t.Errorf("%s: status %d, output %q, errors %q", engine, status, out.String(), got)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"-h", "--help", "net echo -h"} {
		var out, errs strings.Builder
		status := servers.Main(strings.Fields(args), strings.NewReader(""), &out, &errs)
		if status != 0 || errs.Len() > 0 || !strings.Contains(out.String(), "-reuseport") || !strings.Contains(out.String(), "transform") {
			t.Errorf("%s: status %d, output %q, errors %q", args, status, out.String(), errs.String())
		}
	}
}

// TestEndOfInput ends each engine's server while a client is connected.
func TestEndOfInput(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			p := start(t, engine, "echo")
			c := dial(t, p.addr)
			if _, err := io.WriteString(c, "hello"); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			p.stop()
		})
	}
}

func TestStats(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			p := start(t, engine, "echo")
			runtime.GC() // this process is the server
			before, after := p.figures("stats"), p.figures("stats")
			if before.HeapInuse == 0 || before.NumGC == 0 || before.PauseTotalNs == 0 || before.MaxPauseNs == 0 ||
				before.MaxPauseNs > 2*before.PauseTotalNs {
				t.Errorf("%+v", before)
			}
			if after.Mallocs <= before.Mallocs || after.TotalAlloc <= before.TotalAlloc || after.NumGC < before.NumGC {
				t.Errorf("first %+v, then %+v", before, after)
			}
			if collected := p.figures("collect"); collected.NumGC <= after.NumGC {
				t.Errorf("%d collections, and after another one %d", after.NumGC, collected.NumGC)
			}
		})
	}
}

// figures asks a server for them.
func (p *program) figures(verb string) (s proc.Stats) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, verb+"\n"); err != nil {
		p.t.Fatal(err)
	}
	line := json.NewDecoder(strings.NewReader(p.line()))
	line.DisallowUnknownFields()
	if err := line.Decode(&s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

func TestUnknownCommand(t *testing.T) {
	in := strings.NewReader("stat\n")
	var out, errs lockedBuffer
	if status := servers.Main([]string{"net", "echo"}, in, &out, &errs); status != 0 || !strings.Contains(errs.String(), `"stat"`) {
		t.Errorf("status %d, standard error %q", status, errs.String())
	}
}

// TestReusePort has two servers at one address, and refuses a third that does
// not share it. gnet always shares.
func TestReusePort(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			first := start(t, engine, "poem", "-reuseport")
			second := start(t, engine, "poem", "-reuseport", "-addr", first.addr)
			if second.addr != first.addr {
				t.Errorf("the second is at %s, want %s", second.addr, first.addr)
			}
			first.stop()
			if err := wants(dial(t, second.addr), poem(3072), 4096); err != nil {
				t.Error(err)
			}
			if engine == "gnet" {
				return
			}
			var out, errs strings.Builder
			status := servers.Main([]string{engine, "poem", "-addr", first.addr}, strings.NewReader(""), &out, &errs)
			if status != 1 || !strings.Contains(errs.String(), "in use") {
				t.Errorf("status %d, standard error %q", status, errs.String())
			}
		})
	}
}

// TestNoAllocationPerEvent counts what a thousand echoes and answers allocate in
// this process: some rest is the test's, and the runtime's.
func TestNoAllocationPerEvent(t *testing.T) {
	const rounds = 1000
	rest := uint64(100)
	if raceEnabled {
		rest = rounds // it makes pools forget, to find who relies on them
	}
	for _, engine := range engines {
		for _, tc := range []struct{ work, ask, answer string }{
			{"echo", "hello", "hello"},
			{"transform", "17:cummingsify.HELLO,", "5:hello,"},
		} {
			t.Run(engine+" "+tc.work, func(t *testing.T) {
				c := dial(t, start(t, engine, tc.work).addr)
				ask, answer := []byte(tc.ask), make([]byte, len(tc.answer))
				round := func() {
					if _, err := c.Write(ask); err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(c, answer); err != nil || string(answer) != tc.answer {
						t.Fatalf("got %q, %v", answer, err)
					}
				}
				round()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range rounds {
					round()
				}
				runtime.ReadMemStats(&after)
				if n := after.Mallocs - before.Mallocs; n > rest {
					t.Errorf("%d objects were allocated in %d rounds, want no more than %d", n, rounds, rest)
				}
			})
		}
	}
}
