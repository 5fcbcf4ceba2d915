//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"net"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
)

// stage is what a test of the shutdown has open: a port, a connection with both
// its ends, and an attempt.
type stage struct {
	*life
	port           *reactor.Port
	server, client *protocoltest.Recorder
	built          int
	lostClient     bool
}

// newStage makes a reactor that connects to itself over TCP, and calls f when
// both ends stand.
func newStage(t *testing.T, l Loop, f func(st *stage), opts ...reactor.Option) *stage {
	t.Helper()
	st := &stage{life: newLife(t, l, opts...), server: &protocoltest.Recorder{}, client: &protocoltest.Recorder{}}
	made := func() {
		if st.server.Made() && st.client.Made() {
			st.CallFromThread(func() { f(st) })
		}
	}
	st.server.OnMade, st.client.OnMade = made, made
	var err error
	st.port, err = st.ListenTCP("127.0.0.1:0", st)
	must(t, err)
	st.CallWhenRunning(func() { st.ConnectTCP(st.port.Addr().String(), &stageClient{st: st}) })
	return st
}

// BuildProtocol serves the first client, and refuses the others.
func (st *stage) BuildProtocol(net.Addr) protocol.Protocol {
	if st.built++; st.built > 1 {
		return nil
	}
	return st.server
}

// stageClient is the factory of the client's end.
type stageClient struct {
	protocol.ClientFactoryBase
	st *stage
}

func (c *stageClient) BuildProtocol(net.Addr) protocol.Protocol { return c.st.client }
func (c *stageClient) ClientConnectionLost(_ protocol.Connector, reason error) {
	c.st.lostClient = true
}

// stopped checks that a recorder was told that the reactor stops.
func (st *stage) stopped(name string, r *protocoltest.Recorder) {
	st.t.Helper()
	if !errors.Is(r.Reason(), protocol.ErrConnectionLost) || !errors.Is(r.Reason(), reactor.ErrStopped) || r.Err() != nil {
		st.t.Errorf("%s: the reason is %v, breach %v", name, r.Reason(), r.Err())
	}
}

func shutdownEnds(t *testing.T, l Loop) {
	var failed error
	attempt := &stageAttempt{failed: &failed}
	st := newStage(t, l, func(st *stage) {
		st.ConnectTCP("127.0.0.1:1", attempt) // it has not begun when the reactor stops
		_ = st.Stop()
	})
	st.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
		if st.server.Lost() || st.client.Lost() {
			t.Error("connections are closed before the Before triggers")
		}
		return nil
	})
	st.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred {
		st.tell("during")
		if !st.server.Lost() || !st.client.Lost() || !st.lostClient {
			t.Error("a connection has not ended when the During triggers run")
		}
		if failed == nil {
			t.Error("an attempt has not ended when the During triggers run")
		}
		if n := st.Stats().Open; n != 0 {
			t.Errorf("%d connections are open when the During triggers run", n)
		}
		return nil
	})
	st.run()
	st.saw("during")
	st.stopped("the server", st.server)
	st.stopped("the client", st.client)
	var e *protocol.ConnectError
	if !errors.As(failed, &e) {
		t.Errorf("the attempt failed with %v", failed)
	}
}

// stageAttempt is a client factory that notes how its attempt fails.
type stageAttempt struct {
	protocol.ClientFactoryBase
	failed *error
}

func (a *stageAttempt) BuildProtocol(net.Addr) protocol.Protocol { return nil }
func (a *stageAttempt) ClientConnectionFailed(_ protocol.Connector, reason error) {
	*a.failed = reason
}

// shutdownServes has a Before trigger that waits for a round trip, and for a new
// connection.
func shutdownServes(t *testing.T, l Loop) {
	done := deferred.New()
	st := newStage(t, l, func(st *stage) { _ = st.Stop() })
	st.server.OnData = func(data []byte) { _, _ = st.server.Transport.Write(data) }
	st.client.OnData = func([]byte) { done.Callback(nil) }
	st.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
		_, _ = st.client.Transport.Write([]byte("anybody there?"))
		late := deferred.New()
		st.ConnectTCP(st.port.Addr().String(), &stageLate{d: late})
		return deferred.GatherResults([]*deferred.Deferred{done, late}).AddCallback(func(any) (any, error) {
			st.tell("served")
			return nil, nil
		})
	})
	st.run()
	st.saw("served")
	if st.built != 2 {
		t.Errorf("%d connections were accepted, want 2", st.built)
	}
	st.stopped("the server", st.server)
}

// stageLate fires a Deferred when its connection is over.
type stageLate struct {
	protocol.ClientFactoryBase
	d *deferred.Deferred
}

func (c *stageLate) BuildProtocol(net.Addr) protocol.Protocol             { return &protocoltest.Recorder{} }
func (c *stageLate) ClientConnectionLost(protocol.Connector, error)       { c.d.Callback(nil) }
func (c *stageLate) ClientConnectionFailed(_ protocol.Connector, e error) { c.d.Errback(e) }

// shutdownFlushes has both ends close with much to send when the reactor stops:
// each discards what the other sends, so both get on.
func shutdownFlushes(t *testing.T, l Loop) {
	st := newStage(t, l, func(st *stage) {
		for _, r := range []*protocoltest.Recorder{st.server, st.client} {
			_, _ = r.Transport.Write(pattern(8 << 20))
			r.Transport.LoseConnection()
		}
		_ = st.Stop()
	}, reactor.WithShutdownGrace(patience))
	st.run()
	for name, r := range map[string]*protocoltest.Recorder{"the server": st.server, "the client": st.client} {
		if !errors.Is(r.Reason(), protocol.ErrConnectionDone) || errors.Is(r.Reason(), reactor.ErrStopped) {
			t.Errorf("%s was closing, and was told %v", name, r.Reason())
		}
	}
	if got := st.Stats().BytesWritten; got != 16<<20 {
		t.Errorf("%d bytes were sent, want %d", got, 16<<20)
	}
}

func shutdownRefuses(t *testing.T, l Loop) {
	r := newLife(t, l)
	var failed error
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred {
		r.tell("during")
		_, err := r.ListenTCP("127.0.0.1:0", &stage{})
		is(t, "ListenTCP", err, reactor.ErrStopped)
		r.DeferToThread(func() (any, error) { return nil, nil }).AddErrback(func(err error) (any, error) {
			r.tell("thread")
			is(t, "DeferToThread", err, reactor.ErrStopped)
			return nil, nil
		})
		r.ConnectTCP("127.0.0.1:1", &stageAttempt{failed: &failed})
		return nil
	})
	r.soon()
	r.run()
	r.saw("during", "thread")
}

func shutdownThreads(t *testing.T, l Loop) {
	r := newLife(t, l)
	release, ended := make(chan struct{}), make(chan struct{})
	r.CallWhenRunning(func() {
		r.DeferToThread(func() (any, error) {
			defer close(ended)
			r.CallFromThread(func() { _ = r.Stop() })
			<-release
			return nil, nil
		}).AddErrback(func(err error) (any, error) {
			r.tell("failed")
			is(t, "the Deferred of a function that still runs", err, reactor.ErrStopped)
			return nil, nil
		})
	})
	r.run()
	r.saw("failed")
	close(release)
	<-ended
}

// shutdownBlocking asks a reactor that will not answer any more.
func shutdownBlocking(t *testing.T, l Loop) {
	r := newLife(t, l)
	answer := make(chan error, 1)
	r.CallWhenRunning(func() {
		go func() {
			_, err := r.BlockingCallFromThread(func() (any, error) {
				_ = r.Stop()
				return deferred.New(), nil // it will never fire
			})
			answer <- err
		}()
	})
	r.run()
	is(t, "a call that the reactor's end cut short", <-answer, reactor.ErrStopped)
	_, err := r.BlockingCallFromThread(func() (any, error) { return nil, nil })
	is(t, "a call after the reactor's end", err, reactor.ErrStopped)
}
