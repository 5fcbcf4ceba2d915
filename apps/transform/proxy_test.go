package transform_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"skein/apps/transform"
	"skein/deferred"
	"skein/protocol"
	"skein/protocol/basic"
	"skein/reactor/reactortest"
)

// wantsError makes a Deferred succeed that fails with an XformError of this
// cause, and fail otherwise.
func wantsError(d *deferred.Deferred, cause error, text string) *deferred.Deferred {
	return d.AddBoth(func(v any, err error) (any, error) {
		var xe *transform.XformError
		if !errors.As(err, &xe) || !errors.Is(err, cause) || !strings.Contains(err.Error(), text) {
			return nil, fmt.Errorf("got %q and the error %v, want an XformError: %w, with %q", v, err, cause, text)
		}
		return nil, nil
	})
}

// scripted is a server that answers what a test says.
type scripted struct {
	protocol.Base
	data func(t protocol.Transport)
}

// DataReceived answers.
func (s *scripted) DataReceived([]byte) { s.data(s.Transport) }

// answering is a factory of servers that answer a request so.
func answering(data func(t protocol.Transport)) protocol.Factory {
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &scripted{data: data} })
}

func TestXformFromBadServers(t *testing.T) {
	says := func(text string) func(t protocol.Transport) {
		return func(t protocol.Transport) {
			_, _ = t.Write([]byte(text))
			t.LoseConnection()
		}
	}
	tests := []struct {
		name  string
		serve protocol.Factory
		cause error
		text  string
	}{
		{"closes at once", protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return nil }), net.ErrClosed, ""},
		{"closes after the request", answering(says("")), transform.ErrNoAnswer, "without an answer"},
		{"closes in the middle", answering(says("5:hel")), transform.ErrNoAnswer, "without an answer"},
		{"no netstring", answering(says("HTTP/1.0 400 Bad Request")), basic.ErrMalformed, "malformed netstring"},
		{"no comma", answering(says("5:hello;")), basic.ErrMalformed, "in place of the comma"},
		{"too long", answering(says("1048577:")), basic.ErrTooLong, "more than 1048576 bytes"},
		{"resets", answering(func(t protocol.Transport) { t.AbortConnection() }), syscall.ECONNRESET, "reset"},
		{"silent", answering(func(protocol.Transport) {}), deferred.ErrTimeout, "no answer for 10s"},
		{"silent in the middle", answering(func(t protocol.Transport) { _, _ = t.Write([]byte("5:hel")) }), deferred.ErrTimeout, "no answer for 10s"},
		{
			"unknown", answeredBy(func(s *transform.Server) { delete(s.Permitted, "shout") }),
			transform.ErrNoAnswer, "without an answer",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
				port, addr := listen(t, m.Reactor, test.serve)
				proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr}
				return closing(wantsError(proxy.Xform("shout", []byte("poem")), test.cause, test.text), port)
			}, reactortest.SettleTime(time.Minute))
		})
	}
}

// A server that answers garbage, and stays, is not waited for; and what it says
// later is not taken for the answer to another request.
func TestGarbageEndsTheExchangeAtOnce(t *testing.T) {
	for _, pipeline := range []bool{false, true} {
		t.Run(fmt.Sprintf("pipeline %t", pipeline), func(t *testing.T) {
			reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
				answers := []string{"garbage", "2:OK,"}
				port, addr := listen(t, m.Reactor, protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
					return &stayer{scripted{data: func(t protocol.Transport) {
						_, _ = t.Write([]byte(answers[0]))
						if answers = answers[1:]; len(answers) == 0 {
							t.LoseConnection()
						}
					}}}
				}))
				proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: pipeline}
				began := m.Now()
				first := wantsError(proxy.Xform("shout", []byte("hi")), basic.ErrMalformed, "malformed netstring")
				first.AddCallback(func(any) (any, error) {
					if took := m.Now().Sub(began); took > time.Second {
						return nil, fmt.Errorf("it took %v", took)
					}
					return wants(proxy.Xform("shout", []byte("ok")), "OK"), nil
				})
				return closing(first.AddBoth(func(_ any, err error) (any, error) {
					return proxy.Close().AddCallback(func(any) (any, error) { return nil, err }), nil
				}), port)
			}, reactortest.SettleTime(time.Minute))
		})
	}
}

// stayer is a server that does not close when its client half-closes.
type stayer struct{ scripted }

func (*stayer) ReadConnectionLost()  {}
func (*stayer) WriteConnectionLost() {}

// answeredBy is a real server with settings, whose timeouts never come.
func answeredBy(settings func(s *transform.Server)) protocol.Factory {
	return protocol.FactoryFunc(func(a net.Addr) protocol.Protocol {
		c := converse(false, settings)
		return (&transform.Factory{Server: c.server}).BuildProtocol(a)
	})
}

func TestXformWithoutAServer(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		m.BlackHole("10.0.0.1")
		refused := &transform.Proxy{Reactor: m.Reactor, Addr: "127.0.0.1:11000"}
		hole := &transform.Proxy{Reactor: m.Reactor, Addr: "10.0.0.1:11000", Timeout: time.Second}
		piped := &transform.Proxy{Reactor: m.Reactor, Addr: "127.0.0.1:11000", Pipeline: true}
		began := m.Now()
		return deferred.GatherResults([]*deferred.Deferred{
			wantsError(refused.Xform("shout", nil), syscall.ECONNREFUSED, "shout by 127.0.0.1:11000 failed: connection refused"),
			wantsError(piped.Xform("shout", nil), syscall.ECONNREFUSED, ""),
			wantsError(piped.Xform("shout", nil), syscall.ECONNREFUSED, ""),
			wantsError(hole.Xform("shout", nil), deferred.ErrTimeout, "no answer for 1s"),
		}).AddCallback(func(any) (any, error) {
			if took := m.Now().Sub(began); took != time.Second {
				return nil, fmt.Errorf("it took %v", took)
			}
			return nil, nil
		})
	})
}

func TestXformRefusesWhatNoServerCanTake(t *testing.T) {
	m := reactortest.NewMemory()
	defer func() { _ = m.Close() }()
	proxy := &transform.Proxy{Reactor: m.Reactor, Addr: "127.0.0.1:11000", MaxRequest: 9}
	for _, test := range []struct {
		name, xform, poem string
		cause             error
	}{
		{"a dot", "a.b", "c", transform.ErrBadName},
		{"too long", "shout", "poem", transform.ErrTooLong},
	} {
		var err error
		proxy.Xform(test.xform, []byte(test.poem)).AddErrback(func(e error) (any, error) { err = e; return nil, nil })
		if !errors.Is(err, test.cause) {
			t.Errorf("%s: the error is %v", test.name, err)
		}
	}
	if n := len(m.Connections()); n != 0 {
		t.Errorf("there are %d connections", n)
	}
}

func TestXformCancelled(t *testing.T) {
	tests := []struct {
		name string
		when time.Duration
	}{
		{"while connecting", 0},
		{"while waiting", time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
				left := deferred.New()
				port, addr := listen(t, m.Reactor, protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
					return &leaver{left: left}
				}))
				d := (&transform.Proxy{Reactor: m.Reactor, Addr: addr}).Xform("slowly", []byte("poem"))
				if test.when == 0 {
					d.Cancel()
					left.Errback(protocol.ErrConnectionLost) // nobody comes
				} else {
					m.CallLater(test.when, d.Cancel)
				}
				return closing(deferred.GatherResults([]*deferred.Deferred{
					wantsError(d, deferred.ErrCancelled, "slowly"),
					deferred.CatchIs(left, protocol.ErrConnectionLost, func(error) (any, error) { return nil, nil }),
				}), port)
			})
		})
	}
}

// leaver is a server that tells why its client's connection ended.
type leaver struct {
	protocol.Base
	left *deferred.Deferred
}

func (l *leaver) DataReceived([]byte)         {}
func (l *leaver) ConnectionLost(reason error) { l.left.Errback(reason) }

func TestManyRequestsOnOneConnection(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		server, _ := newServer(m.Reactor)
		server.Pipeline = true
		connections := 0
		port, addr := listen(t, m.Reactor, protocol.FactoryFunc(func(a net.Addr) protocol.Protocol {
			connections++
			return (&transform.Factory{Server: server}).BuildProtocol(a)
		}))
		proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: true}
		var all []*deferred.Deferred
		for i := range 200 {
			name, want := "shout", fmt.Sprintf("POEM %d", i)
			if i%50 == 0 {
				name, want = "slowly", fmt.Sprintf("poem %d", i)
			}
			d := proxy.Xform(name, fmt.Appendf(nil, "Poem %d", i))
			if i%7 == 3 {
				m.CallLater(time.Duration(i)*10*time.Millisecond, d.Cancel)
				d.AddErrback(func(error) (any, error) { return []byte(want), nil }) // in time, or not
			}
			all = append(all, wants(d, want))
		}
		return closing(deferred.GatherResults(all).AddBoth(func(_ any, err error) (any, error) {
			if err == nil && connections != 1 {
				err = fmt.Errorf("there were %d connections", connections)
			}
			return proxy.Close().AddCallback(func(any) (any, error) { return nil, err }), nil
		}), port)
	})
}

// Each answer starts the time anew, and what it brought stays what it was.
func TestAServerThatKeepsAnswering(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		service := &transform.Service{Clock: m.Reactor, Pause: transform.DefaultAnswerTimeout * 3 / 4}
		server := &transform.Server{Permitted: service.Table(), Clock: m.Reactor, Pipeline: true, MaxPending: 1}
		port, addr := listen(t, m.Reactor, &transform.Factory{Server: server})
		proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: true}
		answers := []*deferred.Deferred{
			proxy.Xform("slowly", []byte("ONE")), proxy.Xform("slowly", []byte("TWO")), proxy.Xform("slowly", []byte("SIX")),
		}
		d := deferred.Then(deferred.GatherResults(answers), func(all []any) ([]byte, error) {
			return fmt.Appendf(nil, "%s", all), nil
		})
		return closing(wants(d, "[one two six]").AddBoth(func(_ any, err error) (any, error) {
			return proxy.Close().AddCallback(func(any) (any, error) { return nil, err }), nil
		}), port)
	})
}

// With a connection for each request, the client closes it if the server does
// not: the test fails if one is left open.
func TestTheClientClosesAfterItsOneAnswer(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		server, _ := newServer(m.Reactor)
		server.Pipeline, server.Timeout = true, time.Hour
		port, addr := listen(t, m.Reactor, &transform.Factory{Server: server})
		proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr}
		return closing(wants(proxy.Xform("shout", []byte("a")), "A"), port)
	})
}

func TestARequestCancelledBeforeItIsSent(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		server, log := newServer(m.Reactor)
		server.Pipeline = true
		port, addr := listen(t, m.Reactor, &transform.Factory{Server: server})
		proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: true}
		gone, stays := proxy.Xform("reverse", []byte("ab")), proxy.Xform("shout", []byte("ab"))
		gone.Cancel()
		return closing(deferred.GatherResults([]*deferred.Deferred{
			wantsError(gone, deferred.ErrCancelled, "reverse"), wants(stays, "AB"),
		}).AddBoth(func(_ any, err error) (any, error) {
			if strings.Contains(log.String(), "reverse") {
				err = errors.New("it was sent")
			}
			return proxy.Close().AddCallback(func(any) (any, error) { return nil, err }), nil
		}), port)
	})
}

func TestASharedConnectionIsMadeAnew(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		server, _ := newServer(m.Reactor) // it answers one request per connection
		port, addr := listen(t, m.Reactor, &transform.Factory{Server: server})
		proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: true}
		ask := func() *deferred.Deferred { return wants(proxy.Xform("shout", []byte("a")), "A") }
		later := deferred.New()
		m.CallLater(time.Second, func() { ask().ChainDeferred(later) })
		return closing(deferred.GatherResults([]*deferred.Deferred{ask(), later}).AddBoth(func(_ any, err error) (any, error) {
			return proxy.Close().AddCallback(func(any) (any, error) { return nil, err }), nil
		}), port)
	})
}

func TestCloseFailsWhatWaits(t *testing.T) {
	for _, connected := range []bool{false, true} {
		t.Run(fmt.Sprintf("connected %t", connected), func(t *testing.T) {
			reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
				server, _ := newServer(m.Reactor)
				server.Pipeline = true
				port, addr := listen(t, m.Reactor, &transform.Factory{Server: server})
				proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: true}
				d := wantsError(proxy.Xform("slowly", []byte("a")), transform.ErrClosed, "closed")
				closed := deferred.New()
				if connected {
					m.CallLater(transform.DefaultPause/2, func() { proxy.Close().ChainDeferred(closed) })
				} else {
					proxy.Close().ChainDeferred(closed)
				}
				return closing(deferred.GatherResults([]*deferred.Deferred{d, closed}), port)
			})
		})
	}
}

// Whoever closes a proxy hears of it when the connection is gone, however often
// that is, and though another has been made meanwhile.
func TestCloseTwice(t *testing.T) {
	for _, anew := range []bool{false, true} {
		t.Run(fmt.Sprintf("with a new connection %t", anew), func(t *testing.T) {
			reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
				live := 0
				server, _ := newServer(m.Reactor)
				server.Pipeline = true
				port, addr := listen(t, m.Reactor, protocol.FactoryFunc(func(a net.Addr) protocol.Protocol {
					live++
					return &counted{(&transform.Factory{Server: server}).BuildProtocol(a), &live}
				}))
				proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: true}
				isGone := func(any) (any, error) {
					if live != 0 {
						return nil, fmt.Errorf("it fired while there were %d connections", live)
					}
					return nil, nil
				}
				d := wants(proxy.Xform("shout", []byte("a")), "A").AddCallback(func(any) (any, error) {
					closed := []*deferred.Deferred{proxy.Close().AddCallback(isGone)}
					if anew {
						closed = append(closed, wantsError(proxy.Xform("shout", []byte("a")), transform.ErrClosed, "closed"))
					}
					closed = append(closed, proxy.Close().AddCallback(isGone), proxy.Close().AddCallback(isGone))
					return deferred.GatherResults(closed), nil
				})
				return closing(d, port)
			})
		})
	}
}

// counted is a server's protocol that counts those that are connected.
type counted struct {
	protocol.Protocol
	live *int
}

func (c *counted) ConnectionLost(reason error) {
	*c.live--
	c.Protocol.ConnectionLost(reason)
}

func TestAnAnswerThatNobodyAskedFor(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		left := deferred.New()
		port, addr := listen(t, m.Reactor, protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
			return &talkative{leaver: leaver{left: left}}
		}))
		proxy := &transform.Proxy{Reactor: m.Reactor, Addr: addr, Pipeline: true}
		return closing(deferred.GatherResults([]*deferred.Deferred{
			wants(proxy.Xform("shout", []byte("a")), "one"),
			deferred.CatchIs(left, protocol.ErrConnectionLost, func(error) (any, error) { return nil, nil }),
		}), port)
	})
}

// talkative answers each request twice.
type talkative struct{ leaver }

func (s *talkative) DataReceived([]byte) { _, _ = s.Transport.Write([]byte("3:one,3:two,")) }
