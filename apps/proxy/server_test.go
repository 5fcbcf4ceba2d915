package proxy_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/deferred"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor/reactortest"
)

// visitor is one client of a proxy whose transport is the test's.
type visitor struct {
	protocol.Protocol
	*protocoltest.StringTransport
}

// visits connects clients to the service's first origin.
func (p *proxied) visits(t *testing.T, log *bytes.Buffer) func() *visitor {
	f := &proxy.Factory{Service: p.Service, Origin: "one", Log: zerolog.New(log)}
	return func() *visitor {
		v := &visitor{f.BuildProtocol(nil), &protocoltest.StringTransport{TB: t}}
		v.MakeConnection(v.StringTransport)
		v.ConnectionMade()
		return v
	}
}

// sees checks what a client has got, and how its connection is being ended.
func (v *visitor) sees(t *testing.T, poem string, closing, aborted bool) {
	t.Helper()
	if got := string(v.Value()); got != poem {
		t.Errorf("the client has %q, want %q", got, poem)
	}
	if v.Disconnecting() != closing || v.Aborted() != aborted {
		t.Errorf("the connection is being closed: %t, aborted: %t; want %t and %t", v.Disconnecting(), v.Aborted(), closing, aborted)
	}
}

func TestClientsAreServedAndLogged(t *testing.T) {
	var log bytes.Buffer
	p := newProxied(t, proxy.Options{})
	visit := p.visits(t, &log)
	first, second := visit(), visit()
	first.sees(t, "", false, false)
	first.DataReceived([]byte("please")) // is ignored
	p.one.last().Callback([]byte("poem"))
	third := visit()
	for _, v := range []*visitor{first, second, third} {
		v.sees(t, "poem", true, false)
		v.ConnectionLost(protocol.ErrConnectionDone)
	}
	const end = `,"message":"Served a poem."}` + "\n"
	const begin = `{"level":"info","poem":"one","peer":"192.168.1.1:54321","bytes":4,"how":`
	want := begin + `"fetched"` + end + begin + `"waited"` + end + begin + `"cached"` + end
	if log.String() != want {
		t.Errorf("the log is\n%s, want\n%s", log.String(), want)
	}
}

func TestClientWithoutPoemIsReset(t *testing.T) {
	var log bytes.Buffer
	p := newProxied(t, proxy.Options{})
	v := p.visits(t, &log)()
	cut := &poetry.FetchError{Addr: "one", Bytes: 17, Err: errOrigin}
	p.one.last().Errback(cut)
	v.sees(t, "", true, true)
	if v.Cause() != error(cut) {
		t.Errorf("the cause is %v", v.Cause())
	}
	v.ConnectionLost(protocol.CloseReason(protocol.ErrConnectionAborted, v.Cause()))
	if got := log.String(); !strings.HasPrefix(got, `{"level":"warn","poem":"one"`) || strings.Count(got, "\n") != 1 ||
		!strings.Contains(got, "the poem from one was cut after 17 bytes: the origin is tired") {
		t.Errorf("the log is %s", got)
	}
}

func TestClientThatLeavesNoLongerWaits(t *testing.T) {
	var log bytes.Buffer
	p := newProxied(t, proxy.Options{})
	visit := p.visits(t, &log)
	first, second := visit(), visit()
	first.ConnectionLost(protocol.ErrConnectionLost)
	p.wants(t, proxy.Fetching, 1, 0)
	second.ConnectionLost(protocol.ErrConnectionLost)
	p.wants(t, proxy.Empty, 1, 1)
	if got := strings.Count(log.String(), "A client did not get the whole poem."); got != 2 {
		t.Errorf("the log is %s", log.String())
	}
}

func TestClientThatLeavesWhileItIsServed(t *testing.T) {
	var log bytes.Buffer
	p := newProxied(t, proxy.Options{})
	v := p.visits(t, &log)()
	p.one.last().Callback([]byte("poem"))
	v.ConnectionLost(protocol.ErrConnectionLost)
	p.wants(t, proxy.Cached, 1, 0) // the poem is whole all the same
	if !strings.Contains(log.String(), "A client did not get the whole poem.") {
		t.Errorf("the log is %s", log.String())
	}
}

// probed is a transport that notes how it is probed.
type probed struct {
	*protocoltest.StringTransport
	period time.Duration
}

func (p *probed) SetNoDelay(bool) error { return errors.New("nobody asked for this") }
func (p *probed) SetKeepAlive(period time.Duration) error {
	p.period = period
	return nil
}

func TestHalfClosedClientIsServedAndProbed(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	v := (&proxy.Factory{Service: p.Service, Origin: "one"}).BuildProtocol(nil)
	tr := &probed{StringTransport: &protocoltest.StringTransport{TB: t}}
	v.MakeConnection(tr)
	v.ConnectionMade()
	v.(protocol.HalfCloser).ReadConnectionLost()
	if tr.period <= 0 || tr.period > time.Minute {
		t.Errorf("a client that may be gone is probed after %v", tr.period)
	}
	p.one.last().Callback([]byte("poem"))
	v.(protocol.HalfCloser).WriteConnectionLost()
	if got := string(tr.Value()); got != "poem" || !tr.Disconnecting() || tr.Aborted() {
		t.Errorf("the client has %q; closed: %t, aborted: %t", got, tr.Disconnecting(), tr.Aborted())
	}
}

func TestHalfClosedClientOnAConnection(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	client := &protocoltest.HalfRecorder{}
	client.OnMade = func() { client.Transport.LoseWriteConnection() }
	client.OnReadLost = func() { client.Transport.LoseConnection() }
	pair := protocoltest.NewPair(client, (&proxy.Factory{Service: p.Service, Origin: "one"}).BuildProtocol(nil))
	pair.Pump()
	p.wants(t, proxy.Fetching, 1, 0)
	p.one.last().Callback([]byte("poem"))
	pair.Pump()
	if got := string(client.Received()); got != "poem" || !errors.Is(client.Reason(), protocol.ErrConnectionDone) || client.Err() != nil {
		t.Errorf("the client has %q, then %v; %v", got, client.Reason(), client.Err())
	}
}

func TestFactoryOfAnOriginThatIsNotThere(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	v := (&proxy.Factory{Service: p.Service, Origin: "three"}).BuildProtocol(nil)
	tr := &protocoltest.StringTransport{TB: t}
	v.MakeConnection(tr)
	v.ConnectionMade()
	if !tr.Aborted() || !errors.Is(tr.Cause(), proxy.ErrUnknownOrigin) {
		t.Errorf("aborted: %t, because of %v", tr.Aborted(), tr.Cause())
	}
	v.ConnectionLost(protocol.ErrConnectionAborted)
}

func TestFetchesAreLogged(t *testing.T) {
	var log bytes.Buffer
	p := newProxied(t, proxy.Options{Log: zerolog.New(&log), MaxBytes: 4})
	lines := func() string {
		defer log.Reset()
		return log.String()
	}
	wants := func(last string) {
		t.Helper()
		want := `{"level":"info","poem":"one","message":"Fetching from the server."}` + "\n" + last + "\n"
		if got := lines(); got != want {
			t.Errorf("the log is\n%s, want\n%s", got, want)
		}
	}
	all := p.ask(3)
	p.clock.Advance(1500 * time.Millisecond)
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, all, "poem")
	wants(`{"level":"info","poem":"one","bytes":4,"took":"1.5s","waiting":3,"kept":true,"message":"The fetch is complete."}`)

	p.Clear()
	p.ask(1)
	p.one.last().Callback([]byte("poems"))
	wants(`{"level":"info","poem":"one","bytes":5,"took":"0s","waiting":1,"kept":false,"message":"The fetch is complete."}`)

	p.ask(1)[0].AddErrback(func(error) (any, error) { return nil, nil })
	p.one.last().Errback(errOrigin)
	wants(`{"level":"warn","poem":"one","took":"0s","waiting":1,"reason":"the origin is tired","message":"The fetch failed."}`)

	d := p.ask(1)[0].AddErrback(func(error) (any, error) { return nil, nil })
	d.Cancel()
	wants(`{"level":"info","poem":"one","took":"0s","message":"Nobody waits any more: the fetch is cancelled."}`)
}

// A policy around the server may fail before the client has been introduced.
func TestClientThatIsLostBeforeItStood(t *testing.T) {
	var log bytes.Buffer
	p := newProxied(t, proxy.Options{})
	client := (&proxy.Factory{Service: p.Service, Origin: "one", Log: zerolog.New(&log)}).BuildProtocol(nil)
	client.ConnectionLost(protocol.ErrConnectionDone)
	if log.Len() > 0 || len(p.one.fetches) > 0 {
		t.Errorf("%d fetches, and the log is %q", len(p.one.fetches), log.String())
	}
}

// A fetch has as much time as it is given, even if its origin is never silent.
func TestFetchThatIsBounded(t *testing.T) {
	m := reactortest.NewMemory()
	addr := func(f protocol.Factory) string {
		p, err := m.ListenTCP("127.0.0.1:0", f)
		if err != nil {
			t.Fatal(err)
		}
		return p.Addr().String()
	}
	fetch := proxy.FetchFrom(m.Reactor, addr(protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
		d := &protocoltest.Recorder{}
		d.OnMade = func() { drip(m, d.Transport) }
		return d
	})), poetry.Options{})
	bounded := func() *deferred.Deferred { return fetch().AddTimeout(time.Minute, m) }
	s := proxy.NewService(m, map[string]proxy.Fetch{"drip": bounded}, proxy.Options{})
	var after time.Duration
	began := m.Now()
	s.GetPoem("drip").AddErrback(func(err error) (any, error) {
		after = m.Now().Sub(began)
		return nil, nil
	})
	m.Pump(time.Hour)
	if after != time.Minute || s.Stats().Failed != 1 {
		t.Errorf("it ended after %v; the numbers are %+v", after, s.Stats())
	}
}

// drip sends a byte now and then, for as long as it can.
func drip(m *reactortest.MemoryReactor, t protocol.Transport) {
	if _, err := t.Write([]byte("x")); err == nil {
		m.CallLater(10*time.Second, func() { drip(m, t) })
	}
}
