package dummyhttp_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"skein/apps/dummyhttp"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// listen opens a port of the test's own choice.
func listen(t *testing.T, r *reactor.Reactor) (port *reactor.Port, addr string) {
	t.Helper()
	port, err := r.ListenTCP("localhost:0", &dummyhttp.Factory{Clock: r})
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
		t.Skipf("curl is not installed: %v", err)
	}
	tests := []struct {
		name    string
		command string
		want    string
	}{
		{"a body", `curl -sS --data-binary hello $0`, "5\n"},
		{"no body", `curl -sS -X POST -H 'Content-Length: 0' $0`, "0\n"},
		{"a long body", `head -c 5000000 /dev/zero | curl -sS --data-binary @- $0`, "5000000\n"},
		{"a long body after 100-continue", `head -c 5000000 /dev/zero | curl -sSv -H 'Expect: 100-continue' --data-binary @- $0 2>&1 | tr -d '\r' | grep -E '^(5000000|< HTTP.*)$'`, "< HTTP/1.1 100 Continue\n< HTTP/1.1 200 OK\n5000000\n"},
		{"two on one connection", `curl -sSv --data-binary hello $0 $0 2>&1 | grep -ciE '^(5|.*re-?us.*)$'`, "3\n"},
		{"HTTP/1.0", `curl -sS -0 --data-binary hello $0`, "5\n"},
		{"GET", `curl -sS -o /dev/null -w '%{http_code}\n' $0`, "405\n"},
		{"HEAD", `curl -sS -o /dev/null -w '%{http_code}\n' -I $0`, "405\n"},
		{"PUT of a long body", `head -c 5000000 /dev/zero | curl -sS -o /dev/null -w '%{http_code}\n' -H Expect: -X PUT --data-binary @- $0`, "405\n"},
		{"chunked", `curl -sS -o /dev/null -w '%{http_code}\n' -H 'Transfer-Encoding: chunked' --data-binary hello $0`, "501\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				port, addr := listen(t, r)
				cmd := exec.Command("sh", "-c", test.command, "http://"+addr+"/")
				return closing(deferred.Tap(r.DeferToThread(func() (any, error) { return cmd.CombinedOutput() }), func(got []byte) error {
					if string(got) != test.want {
						return fmt.Errorf("curl printed %q, want %q", got, test.want)
					}
					return nil
				}), port)
			})
		})
	}
}

func TestGoClient(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r)
		return closing(r.DeferToThread(func() (any, error) {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			for _, body := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
				res, err := client.Post("http://"+addr, "text/plain", strings.NewReader(body))
				if err != nil {
					return nil, err
				}
				var got int
				_, err = fmt.Fscan(res.Body, &got)
				if err := errors.Join(err, res.Body.Close()); err != nil || got != len(body) {
					return nil, fmt.Errorf("got %d, want %d: %w", got, len(body), err)
				}
			}
			return nil, nil
		}), port)
	})
}

// The client that asks and asks and reads nothing is not read from any more, and
// is cut off.
func TestAFloodThatNobodyReads(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		flood := &flooder{request: []byte(strings.Repeat(post("x"), 1000)), done: deferred.New()}
		port, addr := listen(t, m.Reactor)
		began := m.Now()
		m.ConnectTCP(addr, flood)
		return closing(flood.done, port).AddBoth(func(_ any, err error) (any, error) {
			took := m.Now().Sub(began)
			if !errors.Is(err, protocol.ErrConnectionLost) || took > 2*dummyhttp.DefaultTimeout+time.Second || flood.sent > 1<<20 {
				return nil, fmt.Errorf("the flood ended after %v and %d bytes with %v", took, flood.sent, err)
			}
			return nil, nil
		})
	})
}

// flooder is a client that writes as fast as it can and reads nothing.
type flooder struct {
	protocol.Base
	protocol.ClientFactoryBase
	request []byte
	sent    int
	done    *deferred.Deferred
}

func (f *flooder) BuildProtocol(net.Addr) protocol.Protocol { return f }
func (f *flooder) DataReceived([]byte)                      {}
func (f *flooder) ConnectionLost(reason error)              { f.done.Errback(reason) }

func (f *flooder) ConnectionMade() {
	f.Transport.PauseProducing()
	_ = f.Transport.RegisterProducer(f, false)
}

func (f *flooder) StopProducing() {}
func (f *flooder) ResumeProducing() {
	f.sent += len(f.request)
	_, _ = f.Transport.Write(f.request)
}
