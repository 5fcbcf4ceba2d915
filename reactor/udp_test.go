package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// datagrams is a datagram protocol made of functions.
type datagrams struct {
	protocol.DatagramBase
	calls []string
	data  func(d *datagrams, data []byte, from netip.AddrPort)
}

func (d *datagrams) note(call string) { d.calls = append(d.calls, call) }

func (d *datagrams) MakeConnection(t protocol.DatagramTransport) {
	d.note("MakeConnection")
	d.DatagramBase.MakeConnection(t)
}
func (d *datagrams) StartProtocol()     { d.note("StartProtocol") }
func (d *datagrams) ConnectionRefused() { d.note("ConnectionRefused") }
func (d *datagrams) StopProtocol()      { d.note("StopProtocol") }

func (d *datagrams) DatagramReceived(data []byte, from netip.AddrPort) {
	d.note(fmt.Sprintf("DatagramReceived %.8s", data))
	if d.data != nil {
		d.data(d, data, from)
	}
}

// both runs a test on the real reactor and on the one in memory.
func both(t *testing.T, f func(t *testing.T, r *reactor.Reactor) *deferred.Deferred, opts ...reactortest.Option) {
	t.Run("real", func(t *testing.T) {
		reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred { return f(t, r) }, opts...)
	})
	t.Run("memory", func(t *testing.T) {
		reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred { return f(t, m.Reactor) }, opts...)
	})
}

// bindUDP opens a socket on the loopback interface.
func bindUDP(t *testing.T, r *reactor.Reactor, p protocol.DatagramProtocol) (*reactor.DatagramPort, netip.AddrPort) {
	t.Helper()
	port, err := r.ListenUDP("127.0.0.1:0", p)
	if err != nil {
		t.Fatal(err)
	}
	return port, port.Addr().(*net.UDPAddr).AddrPort()
}

// TestUDPEcho sends datagrams of every size to an echo and back.
func TestUDPEcho(t *testing.T) {
	both(t, func(t *testing.T, r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		server := &datagrams{data: func(d *datagrams, data []byte, from netip.AddrPort) {
			if _, err := d.Transport.WriteTo(data, from); err != nil {
				t.Error(err)
			}
		}}
		serverPort, addr := bindUDP(t, r, server)
		sizes := []int{0, 1, 1472, 65507}
		var client *datagrams
		client = &datagrams{data: func(_ *datagrams, data []byte, from netip.AddrPort) {
			if len(data) != sizes[0] || from != addr {
				t.Errorf("%d bytes from %v, want %d from %v", len(data), from, sizes[0], addr)
			}
			if sizes = sizes[1:]; len(sizes) == 0 {
				done.Callback(nil)
				return
			}
			_, _ = client.Transport.Write(make([]byte, sizes[0]))
		}}
		clientPort, _ := bindUDP(t, r, client)
		if _, err := clientPort.Write(nil); !errors.Is(err, syscall.EDESTADDRREQ) {
			t.Errorf("Write without Connect: %v", err)
		}
		if err := clientPort.Connect(addr); err != nil {
			t.Error(err)
		}
		if _, err := clientPort.Write(make([]byte, 65508)); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("a datagram that is too long: %v", err)
		}
		_, _ = clientPort.Write(nil)
		return done.AddBoth(func(_ any, err error) (any, error) {
			return deferred.GatherResults([]*deferred.Deferred{serverPort.StopListening(), clientPort.StopListening(), serverPort.StopListening()}).
				AddCallback(func(any) (any, error) {
					if _, werr := clientPort.Write(nil); !errors.Is(werr, net.ErrClosed) {
						t.Errorf("Write after the end: %v", werr)
					}
					return nil, errors.Join(err, want("the last call", server.calls[len(server.calls)-1], "StopProtocol"))
				}), nil
		})
	})
}

// TestUDPRefused sends to where nobody is: only a connected socket hears of it,
// and it can go on.
func TestUDPRefused(t *testing.T) {
	both(t, func(t *testing.T, r *reactor.Reactor) *deferred.Deferred {
		gone, addr := bindUDP(t, r, &datagrams{})
		refused := &refusedOnce{told: deferred.New()}
		port, _ := bindUDP(t, r, refused)
		return gone.StopListening().AddCallback(func(any) (any, error) {
			if err := port.Connect(addr); err != nil {
				return nil, err
			}
			_, err := port.Write([]byte("anybody?"))
			return refused.told, err
		}).AddCallback(func(any) (any, error) {
			_, err := port.WriteTo([]byte("x"), netip.AddrPort{})
			return nil, want("an invalid address is an error", errors.Is(err, syscall.EDESTADDRREQ), true)
		}).AddBoth(func(_ any, err error) (any, error) {
			return port.StopListening().AddCallback(func(any) (any, error) { return nil, err }), nil
		})
	})
}

// refusedOnce fires when it is refused.
type refusedOnce struct {
	datagrams
	told *deferred.Deferred
}

func (r *refusedOnce) ConnectionRefused() { r.told.Callback(nil) }

// TestUDPPause holds datagrams back, keeps their order and their borders, and
// goes on after a panic.
func TestUDPPause(t *testing.T) {
	both(t, func(t *testing.T, r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		server := &datagrams{}
		port, addr := bindUDP(t, r, server)
		sender, _ := bindUDP(t, r, &datagrams{})
		server.data = func(d *datagrams, data []byte, _ netip.AddrPort) {
			switch string(data) {
			case "one":
				d.Transport.PauseProducing()
				r.CallLater(0, func() {
					d.note("resumed")
					d.Transport.ResumeProducing()
					d.note("not in here")
				})
			case "two":
				panic("on purpose")
			case "three":
				done.Callback(nil)
			}
		}
		for _, text := range []string{"one", "two", "three"} {
			_, _ = sender.WriteTo([]byte(text), addr)
		}
		return done.AddBoth(func(_ any, err error) (any, error) {
			expected := []string{"MakeConnection", "StartProtocol", "DatagramReceived one", "resumed", "not in here", "DatagramReceived two", "DatagramReceived three"}
			if !slices.Equal(server.calls, expected) {
				t.Errorf("the calls were\n%s\nwant\n%s", strings.Join(server.calls, "\n"), strings.Join(expected, "\n"))
			}
			return deferred.GatherResults([]*deferred.Deferred{port.StopListening(), sender.StopListening()}), err
		})
	}, reactortest.Panics(1))
}

// TestUDPFlood sends more than a turn's share beside a timer.
func TestUDPFlood(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		done := deferred.New()
		got, atTimer := 0, -1
		server := &datagrams{data: func(*datagrams, []byte, netip.AddrPort) {
			if got++; got == 200 {
				done.Callback(nil)
			}
		}}
		port, addr := bindUDP(t, m.Reactor, server)
		sender, _ := bindUDP(t, m.Reactor, &datagrams{})
		for range 200 {
			_, _ = sender.WriteTo([]byte("x"), addr)
		}
		m.CallLater(0, func() { atTimer = got })
		return done.AddCallback(func(any) (any, error) {
			if atTimer < 0 || atTimer > 100 {
				t.Errorf("the timer ran after %d of 200 datagrams", atTimer)
			}
			return deferred.GatherResults([]*deferred.Deferred{port.StopListening(), sender.StopListening()}), nil
		})
	})
}

// TestUDPErrors names the value.
func TestUDPErrors(t *testing.T) {
	r := newReactor(t)
	_, addr := bindUDP(t, r, &datagrams{})
	_, err := r.ListenUDP(addr.String(), &datagrams{})
	var cannot *protocol.CannotListenError
	if !errors.As(err, &cannot) || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), addr.String()) {
		t.Errorf("a taken port: %v", err)
	}
	if _, err := r.ListenUDP("localhost:70000", &datagrams{}); err == nil || !strings.Contains(err.Error(), "70000") {
		t.Errorf("a port out of range: %v", err)
	}
}

// TestWriteAfterTheEnd uses a UDP socket whose reactor has ended without closing
// its ports in good order: the number may be another socket's by now.
func TestWriteAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(*reactor.Reactor) error{
		"Close": (*reactor.Reactor).Close,
		"Crash": func(r *reactor.Reactor) error {
			r.CallLater(0, r.Crash)
			return r.Run()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := reactor.New(reactor.WithoutSignals())
			if err != nil {
				t.Fatal(err)
			}
			d, err := r.ListenUDP("127.0.0.1:0", &datagrams{})
			if err != nil {
				t.Fatal(err)
			}
			to := d.Addr().(*net.UDPAddr).AddrPort()
			if err := end(r); err != nil && !errors.Is(err, reactor.ErrForcedStop) {
				t.Fatal(err)
			}
			if _, err := d.WriteTo([]byte("x"), to); !errors.Is(err, protocol.ErrConnectionDone) {
				t.Errorf("WriteTo: %v", err)
			}
			if err := d.Connect(to); !errors.Is(err, protocol.ErrConnectionDone) {
				t.Errorf("Connect: %v", err)
			}
		})
	}
}
