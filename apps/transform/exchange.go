package transform

import (
	"bytes"
	"errors"
	"net"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/basic"
)

// exchange is one connection of a proxy: the factory that makes it, and the
// requests on it.
//
// Twisted: TransformClientFactory of twisted-client-6/get-poetry.py.
type exchange struct {
	protocol.ClientFactoryBase
	proxy     *Proxy
	connector protocol.Connector

	queue   []*question // unanswered, the oldest first
	conn    *answers    // nil until there is a connection
	timer   *clock.DelayedCall
	closing bool // the proxy waits for the end
}

// question is a request that has not been answered. One that nobody waits for
// any more stays in the queue, to take its answer, if it has been sent.
type question struct {
	name    string
	request []byte // nil once it is sent
	answer  *deferred.Deferred
}

// ask sends a request as soon as it can.
func (e *exchange) ask(name string, request []byte) *deferred.Deferred {
	q := &question{name: name, request: request}
	q.answer = deferred.NewCancellable(func(*deferred.Deferred) { e.cancel(q) })
	e.queue = append(e.queue, q)
	if len(e.queue) == 1 {
		e.timer = e.proxy.Reactor.CallLater(e.proxy.timeout(), e.silence)
	}
	if e.conn != nil {
		e.send(q)
	}
	return q.answer
}

// send sends one request.
func (e *exchange) send(q *question) {
	_ = e.conn.SendString(q.request) // if it fails, ConnectionLost tells
	q.request = nil
}

// cancel gives up one request.
func (e *exchange) cancel(q *question) {
	q.answer.Errback(e.proxy.failure(q.name, deferred.ErrCancelled))
	if e.proxy.shared != e {
		e.abort(deferred.ErrCancelled)
		return
	}
	if q.request != nil {
		e.queue = without(e.queue, q)
		e.rest()
	}
}

// without returns the queue without one question.
func without(queue []*question, gone *question) []*question {
	kept := queue[:0]
	for _, q := range queue {
		if q != gone {
			kept = append(kept, q)
		}
	}
	return kept
}

// silence gives up a server that does not answer: what it said later could not
// be told from the answer to another request.
func (e *exchange) silence() { e.abort(&SilenceError{After: e.proxy.timeout()}) }

// abort ends the connection, or the attempt to make it, and fails what waits.
func (e *exchange) abort(why error) {
	if e.conn != nil {
		e.conn.Transport.AbortConnectionCause(why)
		return
	}
	e.finish(why)
	_ = e.connector.StopConnecting() // if it has failed, that will be told in this turn
}

// close closes the connection.
func (e *exchange) close() {
	e.proxy.shared = nil
	e.closing = true
	e.proxy.closing++
	if e.conn != nil {
		e.conn.Transport.LoseConnectionCause(ErrClosed)
		return
	}
	e.finish(ErrClosed)
	if e.connector.StopConnecting() != nil {
		e.gone() // it has just failed by itself
	}
}

// gone tells the proxy, if it waits for that.
func (e *exchange) gone() {
	if e.closing {
		e.closing = false
		e.proxy.gone()
	}
}

// rest stops the timer if nothing is waited for, else starts it anew.
func (e *exchange) rest() {
	switch {
	case !e.timer.Active():
	case len(e.queue) == 0:
		_ = e.timer.Cancel()
	default:
		_ = e.timer.Reset(e.proxy.timeout())
	}
}

// finish fails all that waits.
func (e *exchange) finish(why error) {
	if e.proxy.shared == e {
		e.proxy.shared = nil
	}
	queue := e.queue
	e.queue = nil
	e.rest()
	for _, q := range queue {
		if !q.answer.Called() {
			q.answer.Errback(e.proxy.failure(q.name, why))
		}
	}
}

// BuildProtocol returns the protocol of the connection; nil, which closes it, if
// nobody waits for one any more.
func (e *exchange) BuildProtocol(net.Addr) protocol.Protocol {
	if len(e.queue) == 0 && e.proxy.shared != e {
		return nil
	}
	h := &answers{exchange: e}
	h.MaxLength = e.proxy.maxAnswer()
	return &watched{basic.BindString(h), h}
}

// watched is answers as a protocol. An answer that is none ends the connection
// at once: a server that stays would be waited for, and its next answer would
// pass for that to another request.
type watched struct {
	protocol.Protocol
	answers *answers
}

// DataReceived passes the call on.
func (w *watched) DataReceived(data []byte) {
	w.Protocol.DataReceived(data)
	if t := w.answers.Transport; len(w.answers.exchange.queue) > 0 && t.Disconnecting() {
		t.AbortConnection() // it knows the cause
	}
}

// LogPrefix names the protocol inside, in the log of the loop.
//
// Twisted: ILoggingContext.logPrefix.
func (w *watched) LogPrefix() string { return w.Protocol.(protocol.LogPrefixer).LogPrefix() }

// ClientConnectionFailed fails all that waits.
func (e *exchange) ClientConnectionFailed(_ protocol.Connector, reason error) { e.ended(reason) }

// ClientConnectionLost fails what has no answer.
func (e *exchange) ClientConnectionLost(_ protocol.Connector, reason error) {
	var cause *protocol.CloseError
	if errors.Is(reason, protocol.ErrConnectionDone) && !errors.As(reason, &cause) {
		reason = ErrNoAnswer
	}
	e.ended(reason)
}

// ended is the end of the exchange.
func (e *exchange) ended(why error) {
	e.finish(why)
	e.gone()
}

// answers is the protocol that takes the answers.
//
// Twisted: TransformClientProtocol of twisted-client-6/get-poetry.py.
type answers struct {
	basic.NetstringReceiver
	exchange *exchange
}

// ConnectionMade sends what has been asked for so far.
func (h *answers) ConnectionMade() {
	e := h.exchange
	e.conn = h
	for _, q := range e.queue {
		e.send(q)
	}
}

// StringReceived takes the answer to the oldest request.
func (h *answers) StringReceived(s []byte) {
	e := h.exchange
	if len(e.queue) == 0 {
		h.Transport.AbortConnection() // it answers what nobody has asked
		return
	}
	q := e.queue[0]
	e.queue[0] = nil
	e.queue = e.queue[1:]
	e.rest()
	if e.proxy.shared != e {
		h.Transport.LoseConnection()
	}
	if !q.answer.Called() {
		q.answer.Callback(bytes.Clone(s))
	}
}
