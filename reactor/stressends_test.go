package reactor_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"

	"skein/protocol"
)

// endStage is how far an end of a connection has come.
type endStage string

const (
	endNew  endStage = "built"
	endMet  endStage = "introduced"
	endMade endStage = "made"
	endLost endStage = "lost"
)

// end is one end of a connection, as a protocol: it knows what it may hear of,
// and what it must have heard of at the end. Every connection carries the same
// bytes in both directions, so each end can tell what comes next.
type end struct {
	w     *world
	name  string
	tr    protocol.Transport
	half  bool // it is a HalfCloser
	stage endStage
	peer  *end

	written, received int
	paused            bool
	closing, aborted  bool // by its own wish
	inputOver         bool // ReadConnectionLost has come
	outputOver        bool // WriteConnectionLost has come
	source            *feeder
	reason            error
}

// newEnd makes an end.
func (w *world) newEnd(kind string, d *dialer) *end {
	e := &end{w: w, name: fmt.Sprintf("%s %d", kind, len(w.ends)), stage: endNew, half: w.chance(3)}
	if d != nil {
		e.name += " of " + d.name
	}
	w.ends = append(w.ends, e)
	return e
}

// proto returns the end as the protocol that it is.
func (e *end) proto() protocol.Protocol {
	if e.half {
		return &halfEnd{e}
	}
	return e
}

// String spares the reader the world behind it.
func (e *end) String() string {
	return fmt.Sprintf("%s: %s, wrote %d, got %d, paused %v, closing %v, aborted %v, half %v, input over %v, producer %v, reason %v",
		e.name, e.stage, e.written, e.received, e.paused, e.closing, e.aborted, e.half, e.inputOver, e.source != nil, e.reason)
}

// errorf reports what is wrong with this end.
func (e *end) errorf(format string, args ...any) {
	e.w.t.Helper()
	e.w.errorf("%s: %s", e, fmt.Sprintf(format, args...))
}

// to moves on to the next stage.
func (e *end) to(next endStage, from ...endStage) {
	for _, s := range from {
		if e.stage == s {
			e.stage = next
			return
		}
	}
	e.errorf("and now %s", next)
}

// live checks that a callback may come at all.
func (e *end) live(name string) {
	if e.stage != endMade {
		e.errorf("%s", name)
	}
}

func (e *end) MakeConnection(t protocol.Transport) {
	defer e.w.callback("MakeConnection")()
	e.to(endMet, endNew)
	e.tr = t
	e.meet()
	e.w.act(e)
}

// meet finds the other end, by the client's address.
func (e *end) meet() {
	if e.tr.LocalAddr().Network() == "unix" {
		return // the client's end has no name
	}
	key := e.tr.RemoteAddr().String()
	if e.name[0] == 'c' {
		key = e.tr.LocalAddr().String()
	}
	if other := e.w.waiting[key]; other != nil && other.name[0] != e.name[0] {
		// On the machine, one that is gone may have left its port to another.
		if e.w.memory != nil || other.stage != endLost {
			e.peer, other.peer = other, e
			delete(e.w.waiting, key)
			return
		}
	}
	e.w.waiting[key] = e
}

func (e *end) ConnectionMade() {
	defer e.w.callback("ConnectionMade")()
	e.to(endMade, endMet)
	if e.aborted {
		e.errorf("ConnectionMade")
	}
	if e.w.ending {
		e.lose() // it has come late
	} else if e.w.chance(4) {
		e.pause() // it is parked, most often
	}
	e.w.act(e)
}

func (e *end) DataReceived(data []byte) {
	defer e.w.callback("DataReceived")()
	e.live("DataReceived")
	if e.paused || e.closing || e.aborted || e.inputOver || len(data) == 0 {
		e.errorf("DataReceived of %d bytes", len(data))
	}
	if !bytes.Equal(data, stream(e.received, len(data))) {
		e.errorf("wrong bytes among %d", len(data))
	}
	e.received += len(data)
	e.w.act(e)
}

func (e *end) ConnectionLost(reason error) {
	defer e.w.callback("ConnectionLost")()
	e.to(endLost, endMet, endMade)
	e.reason = reason
	if !errors.Is(reason, net.ErrClosed) || !errors.Is(reason, protocol.ErrConnectionDone) && !errors.Is(reason, protocol.ErrConnectionLost) {
		e.errorf("no reason to end")
	}
	if e.source != nil {
		e.errorf("it still has a producer")
	}
	if e.tr.Buffered() != 0 || !e.tr.Disconnecting() {
		e.errorf("%d bytes are queued", e.tr.Buffered())
	}
	e.w.act(e)
}

// halfEnd is an end that goes on when one direction is over.
type halfEnd struct{ *end }

func (e *halfEnd) ReadConnectionLost() {
	defer e.w.callback("ReadConnectionLost")()
	e.live("ReadConnectionLost")
	if e.inputOver || e.closing {
		e.errorf("ReadConnectionLost")
	}
	e.inputOver = true
	if e.w.ending {
		e.lose()
	}
	e.w.act(e.end)
}

func (e *halfEnd) WriteConnectionLost() {
	defer e.w.callback("WriteConnectionLost")()
	e.live("WriteConnectionLost")
	if e.outputOver || e.closing {
		e.errorf("WriteConnectionLost")
	}
	e.outputOver = true
	e.w.act(e.end)
}

// write writes the next n bytes, in one of three ways.
func (e *end) write(n int) {
	w := e.w
	data := stream(e.written, n)
	e.written += n // PauseProducing, which may come inside, writes behind it
	var err error
	w.api("Write", func() {
		switch w.rng.IntN(3) {
		case 0:
			_, err = e.tr.Write(data)
		case 1:
			err = e.tr.WriteSequence([][]byte{data[:n/3], nil, data[n/3:]})
		default:
			err = e.tr.WriteShared(data)
		}
	})
	if err != nil {
		e.written -= n
		if !errors.Is(err, net.ErrClosed) {
			e.errorf("write: %v", err)
		}
	}
	if err == nil && e.stage == endLost {
		e.errorf("a write was taken")
	}
}

// lose closes the connection.
func (e *end) lose() {
	e.closing = true
	e.w.api("LoseConnection", e.tr.LoseConnection)
	if !e.tr.Disconnecting() {
		e.errorf("not disconnecting after LoseConnection")
	}
}

// abort resets the connection.
func (e *end) abort() {
	e.aborted = true
	e.w.api("AbortConnection", e.tr.AbortConnection)
}

// pause stops input.
func (e *end) pause() {
	e.paused = true
	e.w.api("PauseProducing", e.tr.PauseProducing)
}

// resume lets input come.
func (e *end) resume() {
	e.paused = false
	e.w.api("ResumeProducing", e.tr.ResumeProducing)
}

// let lets everything flow.
func (e *end) let() {
	if e.tr != nil {
		e.resume()
	}
}

// flowed checks that everything has flowed which nothing holds back: an edge
// that was missed shows here, before the next one makes up for it.
func (e *end) flowed() {
	p := e.peer
	if e.w.memory == nil || p == nil || e.stage != endMade || e.closing || e.aborted {
		return // or the time that has passed is a real one, and proves nothing
	}
	if p.stage != endMade && !errors.Is(p.reason, protocol.ErrConnectionDone) {
		return
	}
	if e.received != p.written {
		e.errorf("bytes have not come: %s", p)
	}
	if e.source != nil {
		e.errorf("its producer has not come to its end: %+v", *e.source)
	}
}

// leave is what an end does in the last stage: of two ends one closes at least.
func (e *end) leave() {
	if e.tr == nil || e.stage == endLost {
		return
	}
	e.unregister()
	if e.peer == nil || !e.peer.closing || e.inputOver || e.w.chance(2) {
		e.lose()
	}
}

// audit looks back at the end's life.
func (e *end) audit() {
	if e.stage != endLost && e.tr != nil {
		e.errorf("no ConnectionLost")
	}
	if e.source != nil {
		e.errorf("a producer that was not stopped")
	}
	p := e.peer
	if p == nil {
		return
	}
	if e.received > p.written {
		e.errorf("more bytes than were written: %s", p)
	}
	clean := errors.Is(e.reason, protocol.ErrConnectionDone) && errors.Is(p.reason, protocol.ErrConnectionDone)
	if clean && !e.closing && e.received != p.written {
		e.errorf("a clean end, and bytes are missing: %s", p)
	}
}

// stream returns n bytes of what every connection carries, from an offset on.
func stream(offset, n int) []byte {
	from := offset % streamPeriod
	return streamBytes()[from : from+n : from+n]
}

// streamPeriod is after how many bytes the stream repeats itself: not a
// multiple of anything that a mistake would shift it by.
const streamPeriod = 8191

// streamBytes holds enough of the stream for the longest write or read.
var streamBytes = sync.OnceValue(func() []byte {
	all := make([]byte, streamPeriod+300_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range all {
		if i < streamPeriod {
			all[i] = byte(rng.Uint32())
		} else {
			all[i] = all[i-streamPeriod]
		}
	}
	return all
})
