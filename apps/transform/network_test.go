package transform_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"skein/apps/transform"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// listen opens a port of the test's own choice.
func listen(t *testing.T, r *reactor.Reactor, f protocol.Factory) (port *reactor.Port, addr string) {
	t.Helper()
	port, err := r.ListenTCP("localhost:0", f)
	if err != nil {
		t.Fatal(err)
	}
	return port, port.Addr().String()
}

// closing closes a port when d has its outcome, which stays what it is.
func closing(d *deferred.Deferred, p interface{ StopListening() *deferred.Deferred }) *deferred.Deferred {
	return d.AddBoth(func(v any, err error) (any, error) {
		return p.StopListening().AddCallback(func(any) (any, error) { return v, err }), nil
	})
}

// wants makes a Deferred fail whose result, a []byte, is another than want.
func wants(d *deferred.Deferred, want string) *deferred.Deferred {
	return deferred.Tap(d, func(got []byte) error {
		if string(got) != want {
			return fmt.Errorf("got %.80q (%d bytes), want %.80q (%d bytes)", got, len(got), want, len(want))
		}
		return nil
	})
}

// blocking runs a client of Go's net beside the loop.
func blocking(r *reactor.Reactor, addr string, talk func(c *net.TCPConn) ([]byte, error)) *deferred.Deferred {
	return r.DeferToThread(func() (any, error) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }()
		return talk(c.(*net.TCPConn))
	})
}

// netstring frames a text.
func netstring(text string) string { return fmt.Sprintf("%d:%s,", len(text), text) }

func TestClientsOfAnyKind(t *testing.T) {
	short := "27:cummingsify.HERE IS MY POEM,"
	long := strings.Repeat("HERE IS MY POEM\n", 4<<10) // 64 KiB
	tests := []struct {
		name    string
		request string
		want    string
		half    bool
		bytes   bool
	}{
		{"short", short, "15:here is my poem,", false, false},
		{"half-closed at once", short, "15:here is my poem,", true, false},
		{"in single bytes", short, "15:here is my poem,", false, true},
		{"in single bytes, half-closed", short, "15:here is my poem,", true, true},
		{"64 KiB", netstring("cummingsify." + long), netstring(strings.ToLower(long)), false, false},
		{"64 KiB, half-closed at once", netstring("cummingsify." + long), netstring(strings.ToLower(long)), true, false},
		{"64 KiB in single bytes", netstring("cummingsify." + long), netstring(strings.ToLower(long)), true, true},
		{"slowly, half-closed at once", "10:slowly.ONE,", "3:one,", true, false},
		{
			"99,999 bytes of the longest kind", netstring("cummingsify.x" + strings.Repeat("İ", 49_993)),
			netstring("x" + strings.Repeat("i\u0307", 49_993)), true, false,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				service := &transform.Service{Clock: r, Pause: 50 * time.Millisecond}
				port, addr := listen(t, r, &transform.Factory{Server: &transform.Server{Permitted: service.Table(), Clock: r}})
				return closing(wants(blocking(r, addr, func(c *net.TCPConn) ([]byte, error) {
					if err := write(c, test.request, test.bytes); err != nil {
						return nil, err
					}
					if test.half {
						if err := c.CloseWrite(); err != nil {
							return nil, err
						}
					}
					return io.ReadAll(c)
				}), test.want), port)
			})
		})
	}
}

// write writes a request, in single bytes if asked to.
func write(c *net.TCPConn, request string, inBytes bool) error {
	piece := len(request)
	if inBytes {
		piece = 1
	}
	for i := 0; i < len(request); i += piece {
		if _, err := io.WriteString(c, request[i:i+piece]); err != nil {
			return err
		}
	}
	return nil
}

func TestOneServiceOnAllWires(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		service := &transform.Service{Clock: r, Pause: time.Millisecond}
		server := &transform.Server{Permitted: service.Table(), Clock: r}
		strung, strungAddr := listen(t, r, &transform.Factory{Server: server})
		lined, linedAddr := listen(t, r, &transform.LineFactory{Server: server})
		udp, err := r.ListenUDP("localhost:0", &transform.Datagrams{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		proxy := &transform.Proxy{Reactor: r, Addr: strungAddr}
		all := deferred.GatherResults([]*deferred.Deferred{
			wants(proxy.Xform("slowly", []byte("ONE")), "one"),
			wants(blocking(r, linedAddr, func(c *net.TCPConn) ([]byte, error) {
				if _, err := io.WriteString(c, "slowly\nTWO\n.\n"); err != nil {
					return nil, err
				}
				return io.ReadAll(c)
			}), "two\n.\n"),
			wants(r.DeferToThread(func() (any, error) {
				return datagrams(udp.Addr().String(), "no dot", "haiku.what", "slowly.THREE")
			}), "three"),
		})
		return closing(closing(closing(all, strung), lined), udp)
	})
}

// datagrams sends requests over UDP and returns the first answer.
func datagrams(addr string, requests ...string) ([]byte, error) {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	for _, request := range requests {
		if _, err := io.WriteString(c, request); err != nil {
			return nil, err
		}
	}
	answer := make([]byte, 100)
	n, err := c.Read(answer)
	return answer[:n], err
}

func TestAFloodOfDatagramsIsWorkedOnInTurn(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		working, most, served := 0, 0, 0
		all := deferred.New() // when all five have been worked on
		server := &transform.Server{MaxPending: 2, Clock: r, Permitted: transform.Table{
			"wait": func(poem string) *deferred.Deferred {
				working++
				most = max(most, working)
				d := deferred.New()
				r.CallLater(time.Millisecond, func() {
					working--
					d.Callback(poem)
					if served++; served == 5 {
						all.Callback(nil)
					}
				})
				return d
			},
		}}
		udp, err := r.ListenUDP("localhost:0", &transform.Datagrams{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		d := r.DeferToThread(func() (any, error) {
			return datagrams(udp.Addr().String(), "wait.1", "wait.2", "wait.3", "wait.4", "wait.5")
		})
		return closing(deferred.GatherResults([]*deferred.Deferred{d, all}), udp).AddCallback(func(any) (any, error) {
			if most != 2 {
				return nil, fmt.Errorf("%d were worked on at a time, want 2", most)
			}
			return nil, nil
		})
	})
}

// What is worked on when the socket closes is cancelled: the test fails if the
// timer is left behind.
func TestDatagramsAreCancelledWithTheSocket(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		begun := deferred.New()
		service := &transform.Service{Clock: r, Pause: time.Hour}
		server := &transform.Server{Clock: r, Permitted: transform.Table{
			"wait": func(poem string) *deferred.Deferred {
				r.CallLater(0, func() { begun.Callback(nil) })
				return service.Slowly(poem)
			},
		}}
		udp, err := r.ListenUDP("localhost:0", &transform.Datagrams{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("udp", udp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "wait.poem"); err != nil {
			t.Fatal(err)
		}
		return closing(begun, udp).AddBoth(func(_ any, err error) (any, error) { return nil, errors.Join(err, c.Close()) })
	})
}

// The client that asks and asks and reads nothing: the server stops reading when
// 64 KiB of answers wait, and ends it when nothing has moved for the timeout.
func TestAFloodThatNobodyReads(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		server, lines := newServer(m.Reactor)
		server.Pipeline = true
		flood := &flooder{request: []byte(strings.Repeat(netstring("shout."+strings.Repeat("a", 1000)), 64)), done: deferred.New()}
		port, addr := listen(t, m.Reactor, &transform.Factory{Server: server})
		began := m.Now()
		m.ConnectTCP(addr, flood)
		return closing(flood.done, port).AddBoth(func(_ any, err error) (any, error) {
			took := m.Now().Sub(began)
			switch {
			case !errors.Is(err, protocol.ErrConnectionLost):
				return nil, fmt.Errorf("the flood ended with %v", err)
			case took > 2*transform.DefaultTimeout+time.Second:
				return nil, fmt.Errorf("it took %v", took)
			case flood.sent > 1<<20:
				return nil, fmt.Errorf("the server has read on: the client could send %d bytes", flood.sent)
			case strings.Count(lines.String(), `"warn"`) != 1 || !strings.Contains(lines.String(), transform.ErrSlowClient.Error()):
				return nil, fmt.Errorf("the log is %s", lines)
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

func TestNC(t *testing.T) {
	if _, err := exec.LookPath("nc"); err != nil {
		t.Skipf("nc is not installed: %v", err)
	}
	tests := []struct {
		name    string
		command string
		lines   bool
		want    string
	}{
		{"waits for the end", `printf '27:cummingsify.HERE IS MY POEM,' | nc -q -1 localhost $0`, false, "15:here is my poem,"},
		{"half-closes at once", `printf '27:cummingsify.HERE IS MY POEM,' | nc -N localhost $0`, false, "15:here is my poem,"},
		{"a slow answer to a half-closed client", `printf '10:slowly.ONE,' | nc -N localhost $0`, false, "3:one,"},
		{"lines", `printf 'cummingsify\nHERE IS MY POEM\n' | nc -N localhost $0`, true, "here is my poem\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				service := &transform.Service{Clock: r, Pause: 50 * time.Millisecond}
				server := &transform.Server{Permitted: service.Table(), Clock: r}
				var f protocol.Factory = &transform.Factory{Server: server}
				if test.lines {
					f = &transform.LineFactory{Server: server}
				}
				port, _ := listen(t, r, f)
				cmd := exec.Command("sh", "-c", test.command, fmt.Sprint(port.Addr().(*net.TCPAddr).Port))
				return closing(wants(r.DeferToThread(func() (any, error) { return cmd.Output() }), test.want), port)
			})
		})
	}
}
