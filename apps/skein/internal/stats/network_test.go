package stats_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"skein/apps/skein/internal/stats"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// listen serves this process's numbers on a port of the test's own choice.
func listen(t *testing.T, r *reactor.Reactor) (port *reactor.Port, addr string) {
	t.Helper()
	self := stats.NewSelf(r, stats.Identity{Name: "poetry"})
	t.Cleanup(self.Close)
	s := &stats.Site{Name: "poetry", Clock: r, Gather: func() []stats.Snapshot { return []stats.Snapshot{self.Snapshot()} }}
	port, err := r.ListenTCP("localhost:0", s.Factory())
	if err != nil {
		t.Fatal(err)
	}
	return port, port.Addr().String()
}

// closing closes a port when d has its outcome, which stays what it is.
func closing(d *deferred.Deferred, p *reactor.Port) *deferred.Deferred {
	return d.AddBoth(func(v any, err error) (any, error) {
		return p.StopListening().AddCallback(func(any) (any, error) { return v, err }), nil
	})
}

func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("SKEIN_INTEROP") == "required" {
			t.Fatalf("curl is required: %v", err)
		}
		t.Skipf("curl is not installed: %v", err)
	}
	const status = ` -o /dev/null -w '%{http_code} %{content_type}\n' `
	for _, test := range []struct{ name, command, want string }{
		{"the page", `curl -sS $0 | head -n 4 | tail -n 1`, `^The loop\n$`},
		{"its status and type", `curl -sS` + status + `$0`, `^200 text/plain; charset=utf-8\n$`},
		{"as a browser", `curl -sS -H 'Accept: text/html,*/*;q=0.8'` + status + `$0`, `^200 text/html; charset=utf-8\n$`},
		{"the metrics", `curl -sS $0/metrics | grep -v '^#' | grep turns`, `^skein_reactor_turns_total [1-9][0-9]*\n$`},
		{"HEAD", `curl -sSI $0/metrics | tr -d '\r' | grep -E '^(HTTP|Content)'`, `^HTTP/1.1 200 OK\nContent-Type: text/plain; version=0.0.4; charset=utf-8\n$`},
		{"HTTP/1.0", `curl -sS0` + status + `$0`, `^200 text/plain; charset=utf-8\n$`},
		{"two on one connection", `curl -sSv $0 $0/metrics 2>&1 | grep -ciE 're-?using'`, `^1\n$`},
		{"compression is not offered", `curl -sS --compressed` + status + `$0`, `^200 text/plain; charset=utf-8\n$`},
		{"what is not there", `curl -sS` + status + `$0/favicon.ico`, `^404 text/plain; charset=utf-8\n$`},
		{"POST", `curl -sS -d a=b` + status + `$0`, `^405 text/plain; charset=utf-8\n$`},
		{"a long POST", `head -c 5000000 /dev/zero | curl -sS -H Expect: --data-binary @-` + status + `$0`, `^405 text/plain; charset=utf-8\n$`},
		{"a long header", `curl -sS -H "A: $(printf %09000d 0)"` + status + `$0`, `^431 text/plain; charset=utf-8\n$`},
		{"a long address", `curl -sS` + status + `$0/$(printf %09000d 0)`, `^414 text/plain; charset=utf-8\n$`},
	} {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				port, addr := listen(t, r)
				cmd := exec.Command("sh", "-c", test.command, "http://"+addr)
				return closing(deferred.Tap(r.DeferToThread(func() (any, error) { return cmd.CombinedOutput() }), func(got []byte) error {
					if !regexp.MustCompile(test.want).Match(got) {
						return fmt.Errorf("curl printed %q, want %q", got, test.want)
					}
					return nil
				}), port)
			})
		})
	}
}

// Go's client keeps its connection; when the port stops, that does not hold up
// the end.
func TestGoClient(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport}
		return closing(r.DeferToThread(func() (any, error) {
			for range 20 {
				for path, want := range map[string]string{"/": "poetry\nOne process.", "/metrics": "# HELP ", "/x": "There is / for people"} {
					res, err := client.Get("http://" + addr + path)
					if err != nil {
						return nil, err
					}
					body, err := io.ReadAll(res.Body)
					if err := errors.Join(err, res.Body.Close()); err != nil || !strings.HasPrefix(string(body), want) {
						return nil, fmt.Errorf("%s: got %.100q, %w", path, body, err)
					}
				}
			}
			return nil, nil
		}).AddCallback(func(any) (any, error) {
			if n := r.Stats().Accepted; n != 1 {
				return nil, fmt.Errorf("%d connections were made, want 1", n)
			}
			return nil, nil
		}), port)
	})
}

// A hundred clients at once, in every pace, and one that pipelines.
func TestManyClients(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r)
		var all []*deferred.Deferred
		for i := range stats.DefaultMaxConnections - 1 {
			all = append(all, r.DeferToThread(func() (any, error) {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					return nil, err
				}
				defer func() { _ = conn.Close() }()
				go func() { // goleak waits for it
					for text := strings.Repeat(getMetrics, 20); text != ""; {
						n := min(len(text), 1+i*7)
						if _, err := io.WriteString(conn, text[:n]); err != nil {
							return
						}
						text = text[n:]
					}
					_ = conn.(*net.TCPConn).CloseWrite()
				}()
				got, err := io.ReadAll(conn)
				if n := strings.Count(string(got), "HTTP/1.1 200 OK\r\n"); err != nil || n != 20 {
					return nil, fmt.Errorf("%d answers, %w", n, err)
				}
				return nil, nil
			}))
		}
		return closing(deferred.GatherResults(all), port)
	})
}
