package basic

import "skein/protocol"

// Receiver is what all the receivers of this package have in common: the
// transport, and the loop that delivers. Each embeds it; by itself it has no
// use.
type Receiver struct {
	// Transport is the connection, set before ConnectionMade.
	Transport protocol.Transport

	// What the binding knows.
	cutter cutter // the receiver that this is part of

	// What has come and has not been delivered.
	in intake

	// Where the loop stands.
	busy   bool // a handler runs
	paused bool // PauseProducing
	live   bool // between MakeConnection and ConnectionLost
}

// cutter is a receiver as its loop sees it.
type cutter interface {
	// cut delivers one message, or does something else that takes the parser
	// on. It returns false if there is no more to do until more bytes come.
	cut() bool
	// restart forgets where the parser stands.
	restart()
	// user returns the handler.
	user() any
}

// DataReceived takes the next bytes and delivers the messages that are
// complete. The transport calls it; a handler may, to feed in bytes that came
// by another way: they go behind those that have come, and are parsed after
// the handler has returned. The bytes are copied so far as they must stay.
//
// Twisted: basic.LineReceiver.dataReceived and its namesakes.
func (r *Receiver) DataReceived(data []byte) {
	switch {
	case r.cutter == nil:
		panic(errUnbound)
	case r.closing() && !r.busy:
		r.in.drop()
	default:
		r.run(data)
	}
}

// PauseProducing holds back all messages from now on, those of the running
// chunk included, and pauses the transport. Called before the connection is
// made, it makes that begin paused.
//
// Pausing the Transport itself holds back only what has not come yet.
//
// Twisted: basic._PauseableMixin.pauseProducing.
func (r *Receiver) PauseProducing() {
	r.paused = true
	if r.open() {
		r.Transport.PauseProducing()
	}
}

// ResumeProducing lets messages come again. Those that were held back come
// first, from inside this call; or, if it is a handler that calls, after that
// has returned.
//
// Twisted: basic._PauseableMixin.resumeProducing.
func (r *Receiver) ResumeProducing() {
	r.paused = false
	if r.open() {
		r.Transport.ResumeProducing()
	}
	r.DataReceived(nil)
}

// StopProducing closes the connection. It makes every receiver a
// [protocol.PushProducer]: registered with another connection's transport, it
// is held back as long as that one's peer is slow.
//
// Twisted: basic._PauseableMixin.stopProducing.
func (r *Receiver) StopProducing() { r.lose(nil) }

// run takes data in and delivers what there is, unless a handler runs: then the
// loop that called that handler goes on when it returns, which keeps the stack
// flat. The caller has made sure that the connection is not being closed.
func (r *Receiver) run(data []byte) {
	if r.busy || r.paused || len(r.in.rest) > 0 {
		r.in.push(data)
		if r.busy {
			return
		}
	} else {
		r.in.borrow(data)
	}
	r.busy = true
	defer func() { // after a panic in a handler, too
		r.busy = false
		if r.in.spent() { // nearly always
			r.in = intake{}
		} else {
			r.settle()
		}
	}()
	for !r.paused && r.in.pending() > 0 && r.cutter.cut() {
		if r.in.pending() > 0 && r.closing() { // the handler has closed
			break
		}
	}
}

// settle follows the loop if there is something left, or memory to give back.
func (r *Receiver) settle() {
	if r.in.pending() == 0 || r.closing() {
		r.in.drop()
		return
	}
	r.in.settle()
}

// open reports whether pausing means anything to the transport.
func (r *Receiver) open() bool { return r.Transport != nil && !r.Transport.Disconnecting() }

// closing reports whether no more may be delivered.
func (r *Receiver) closing() bool { return r.Transport != nil && r.Transport.Disconnecting() }

// lose closes the connection.
func (r *Receiver) lose(cause error) {
	if r.Transport != nil {
		r.Transport.LoseConnectionCause(cause)
	}
}

// limitOf returns the limit that a MaxLength stands for.
func limitOf(maxLength, byDefault int) int {
	if maxLength == 0 {
		return byDefault
	}
	return max(maxLength, 0)
}
