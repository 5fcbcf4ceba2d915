package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// delayed is short for what a call of the world's is made of.
type delayed = clock.DelayedCall

// blackHole is an address of the memory's that never answers.
const blackHole = "10.0.0.1"

// act does something at random: to e, if that is not nil, or to anybody.
func (w *world) act(e *end) {
	for w.budget > 0 && w.chance(2) {
		w.budget--
		if e == nil || w.chance(3) {
			if e = w.anybody(); e == nil {
				return
			}
		}
		w.actOn(e)
	}
}

// anybody returns one of the last ends: most of them live, some do not.
func (w *world) anybody() *end {
	n := len(w.ends)
	if n == 0 {
		return nil
	}
	return w.ends[max(0, n-1-w.rng.IntN(20))]
}

// actOn does one thing, to a connection or to the world around it.
func (w *world) actOn(e *end) {
	if e.tr == nil { // its MakeConnection has not come
		return
	}
	switch w.rng.IntN(40) {
	default:
		e.write(w.pick(0, 1, 100, 5000, 70_000))
	case 0:
		e.write(300_000)
	case 1, 2:
		e.lose()
	case 3:
		e.abort()
	case 4:
		w.api("LoseWriteConnection", e.tr.LoseWriteConnection)
	case 5, 6:
		e.pause()
	case 7, 8, 9, 10, 11:
		e.resume()
	case 12, 13, 14, 15:
		e.produce()
	case 16, 17:
		e.unregister()
	case 18, 19:
		w.later(time.Duration(w.rng.IntN(3))*time.Millisecond, func() { w.act(e) })
	case 20:
		w.spoil()
	case 21:
		w.r.CallFromThread(func() { defer w.callback("a posted call")(); w.act(e) })
	case 22:
		w.connect()
	case 23:
		for range w.pick(1, 1, 1, 100) {
			w.connect()
		}
	case 24, 25:
		w.meddle(w.dialers)
	case 26:
		w.relisten()
	case 27:
		if e.w.inside == "" && w.mayPanic() {
			w.panics++
			panic(planned)
		}
	case 28:
		w.disturb()
	case 29:
		_, _, _ = e.tr.Buffered(), e.tr.LocalAddr(), e.tr.RemoteAddr()
	}
}

// planned is the value of the panics that belong to the test.
const planned = "planned"

// mayPanic is false where the panic would not be the loop's to recover.
func (w *world) mayPanic() bool { return !w.ending }

// spoil cancels or moves a call that waits.
func (w *world) spoil() {
	if len(w.calls) == 0 {
		return
	}
	c := w.calls[max(0, len(w.calls)-1-w.rng.IntN(10))]
	d := time.Duration(w.rng.IntN(5)) * time.Millisecond
	due := w.r.Now().Add(d)
	err := c.Reset(d)
	if (err == nil) == c.over {
		w.errorf("Reset of a call: %v, and it is over: %v", err, c.over)
	}
	if err == nil {
		c.due = due
	}
}

// disturb orders a fault of the kernel in memory, or resets a connection.
func (w *world) disturb() {
	if w.memory == nil {
		return
	}
	all := []reactortest.Call{reactortest.Accept, reactortest.Connect, reactortest.Add, reactortest.Read, reactortest.Write}
	c := all[w.rng.IntN(len(all))]
	errno := syscall.EMFILE
	switch c {
	case reactortest.Read:
		errno = syscall.EAGAIN
	case reactortest.Write:
		errno = syscall.ENOBUFS
	case reactortest.Accept:
		if w.chance(2) {
			errno = syscall.ECONNABORTED
		}
	}
	if w.chance(4) {
		errno = syscall.EIO
	}
	if w.chance(2) {
		w.memory.FailNext(c, errno)
	} else if open := w.memory.Connections(); len(open) > 0 {
		w.memory.Reset(open[w.rng.IntN(len(open))].Local)
	}
}

// stressPort is a port and its factory.
type stressPort struct {
	w    *world
	p    *reactor.Port
	shut bool
}

// listen opens a port, if it can.
func (w *world) listen() {
	s := &stressPort{w: w}
	w.api("Listen", func() {
		var p *reactor.Port
		var err error
		if w.chance(4) && runtime.GOOS == "linux" {
			p, err = w.r.ListenUNIX(fmt.Sprintf("@skein-stress-%d-%d-%d", os.Getpid(), w.seed, len(w.ports)), protocol.FactoryFunc(s.build))
		} else {
			p, err = w.r.ListenTCP("127.0.0.1:0", protocol.FactoryFunc(s.build))
		}
		if err == nil {
			s.p = p
			w.ports = append(w.ports, s)
		}
	})
}

// relisten closes a port, and opens another.
func (w *world) relisten() {
	if len(w.ports) > 0 {
		w.ports[w.rng.IntN(len(w.ports))].stop()
	}
	w.listen()
}

// stop closes the port, perhaps again.
func (s *stressPort) stop() {
	w := s.w
	s.shut = true
	w.stopping++
	var d *deferred.Deferred
	w.api("StopListening", func() { d = s.p.StopListening() })
	d.AddBoth(func(any, error) (any, error) {
		if w.stopping--; w.inside != "" {
			w.errorf("StopListening's Deferred from inside %s", w.inside)
		}
		if w.chance(4) {
			w.connect()
		}
		return nil, nil
	})
}

// build makes an end for a client, or refuses it.
func (s *stressPort) build(net.Addr) protocol.Protocol {
	w := s.w
	defer w.callback("BuildProtocol")()
	w.act(nil)
	if w.chance(30) {
		return nil
	}
	return w.newEnd("server", nil).proto()
}

// dialStage is where a dialer's connector stands.
type dialStage string

const (
	dialIdle    dialStage = "idle"
	dialAsked   dialStage = "asked to connect"
	dialStarted dialStage = "started to connect"
	dialBuilt   dialStage = "connected"
)

// dialer is a connector and its factory.
type dialer struct {
	w       *world
	name    string
	c       protocol.Connector
	stage   dialStage
	end     *end // the last one built
	again   int  // how often it may try again
	closing bool // by Disconnect
	late    bool // asked after Stop, which need not wait for it
	running bool // between StartFactory and StopFactory
}

// connect begins a connection, to a port that may be closed.
func (w *world) connect() {
	if len(w.ports) == 0 || len(w.dialers) > 300 {
		return
	}
	to := w.ports[max(0, len(w.ports)-1-w.rng.IntN(3))].p.Addr()
	addr, begin := to.String(), w.r.ConnectTCP
	switch {
	case to.Network() == "unix":
		begin = w.r.ConnectUNIX
	case !w.chance(20):
	case w.memory != nil:
		addr = net.JoinHostPort(blackHole, "1")
	default: // a name to look up
		addr = strings.Replace(addr, "127.0.0.1", "localhost", 1)
	}
	d := &dialer{w: w, name: fmt.Sprintf("dialer %d", len(w.dialers)), stage: dialAsked, again: w.pick(0, 0, 1, 5), late: w.ending}
	w.dialers = append(w.dialers, d)
	timeout := time.Duration(w.pick(0, 1, 100, 100, 100)) * time.Millisecond
	w.api("Connect", func() { d.c = begin(addr, d, reactor.ConnectTimeout(timeout), w.source(addr, len(w.dialers))) })
}

// source gives each dialer on the machine an address of its own, so that a port
// that is used again does not look like the connection that had it before.
func (w *world) source(addr string, n int) reactor.ConnectOption {
	if w.memory != nil || runtime.GOOS != "linux" || !strings.HasPrefix(addr, "127.0.0.1:") {
		return reactor.BindAddress("")
	}
	return reactor.BindAddress(fmt.Sprintf("127.1.%d.%d:0", n/250, 1+n%250))
}

// meddle calls a method of a connector.
func (w *world) meddle(all []*dialer) {
	if len(all) == 0 {
		return
	}
	d := all[max(0, len(all)-1-w.rng.IntN(10))]
	if d.c == nil {
		return
	}
	switch w.rng.IntN(3) {
	case 0:
		w.api("Disconnect", d.c.Disconnect)
		d.closing = d.stage == dialBuilt
		if d.closing && d.end != nil {
			d.end.closing = true
		}
	case 1:
		w.api("StopConnecting", func() {
			connecting := d.stage == dialAsked || d.stage == dialStarted
			if err := d.c.StopConnecting(); (err == nil) != connecting && !d.late {
				w.errorf("%s, %v: StopConnecting: %v", d.name, d.stage, err)
			}
		})
	default:
		d.connect()
	}
}

// connect asks for another attempt.
func (d *dialer) connect() {
	d.w.api("Connect", func() {
		err := d.c.Connect()
		if d.w.abrupt && d.w.ending && (d.late || errors.Is(err, reactor.ErrStopped)) {
			return
		}
		if (err == nil) != (d.stage == dialIdle) {
			d.w.errorf("%s, %v: Connect: %v", d.name, d.stage, err)
		}
		if err == nil {
			d.stage, d.late = dialAsked, d.w.ending
		}
	})
}

// to moves on to another stage, from one of those that lead to it.
func (d *dialer) to(next dialStage, from ...dialStage) {
	for _, s := range from {
		if d.stage == s {
			d.stage = next
			return
		}
	}
	if d.late { // it was never begun, and its failure is all there is to tell
		d.stage = next
		return
	}
	d.w.errorf("%s: %v, and now %v", d.name, d.stage, next)
}

// StartFactory and StopFactory take turns, and nothing comes outside of them.
func (d *dialer) StartFactory() {
	if d.running || d.stage != dialAsked {
		d.w.errorf("%s, %v: StartFactory", d.name, d.stage)
	}
	d.running = true
}

func (d *dialer) StopFactory() {
	if !d.running || d.stage != dialIdle {
		d.w.errorf("%s, %v: StopFactory", d.name, d.stage)
	}
	d.running = false
}

func (d *dialer) StartedConnecting(c protocol.Connector) {
	defer d.w.callback("StartedConnecting")()
	d.to(dialStarted, dialAsked)
	if !d.running {
		d.w.errorf("%s: StartedConnecting before StartFactory", d.name)
	}
	if c != d.c {
		d.w.errorf("%s: another connector", d.name)
	}
	d.w.act(nil)
}

func (d *dialer) BuildProtocol(net.Addr) protocol.Protocol {
	w := d.w
	defer w.callback("BuildProtocol")()
	d.to(dialBuilt, dialStarted)
	d.end, d.closing = nil, false
	w.act(nil)
	if w.chance(30) {
		return nil
	}
	d.end = w.newEnd("client", d)
	d.end.closing = d.closing
	return d.end.proto()
}

func (d *dialer) ClientConnectionFailed(_ protocol.Connector, reason error) {
	defer d.w.callback("ClientConnectionFailed")()
	d.to(dialIdle, dialStarted)
	var why *protocol.ConnectError
	if !errors.As(reason, &why) || why.Err == nil {
		d.w.errorf("%s: failed for %v", d.name, reason)
	}
	d.tryAgain()
}

func (d *dialer) ClientConnectionLost(_ protocol.Connector, reason error) {
	defer d.w.callback("ClientConnectionLost")()
	d.to(dialIdle, dialBuilt)
	if d.end != nil && d.end.tr != nil && d.end.reason != reason {
		d.w.errorf("%s: lost for %v, its protocol for %v", d.name, reason, d.end.reason)
	}
	d.tryAgain()
}

// tryAgain connects again at once, sometimes.
func (d *dialer) tryAgain() {
	if d.again > 0 && (!d.w.ending || d.w.abrupt) {
		d.again--
		d.connect()
	}
	d.w.act(nil)
}
