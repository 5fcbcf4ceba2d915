// Package basic cuts the stream of bytes that a connection is into messages:
// lines, netstrings, and strings behind an 8, 16 or 32 bit length.
//
//	                 chunks, cut by the network        messages, cut by the receiver
//	transport ──────▶ "he" "llo\r\nwor" "ld\r\n" ──────▶ LineReceived("hello")
//	    ▲                                               LineReceived("world")
//	    │                      Receiver                         │
//	    └──────────────────────────────────────────── SendLine ◀┘
//
// A handler embeds one of the receivers and has the method that takes the
// messages; a factory, or [BindLine] and [BindString] where there is none,
// joins the two:
//
//	type echo struct{ basic.LineReceiver }
//
//	func (e *echo) LineReceived(line []byte) { _ = e.SendLine(line) }
//
//	f := basic.LineFactory(func(net.Addr) basic.LineHandler { return &echo{} })
//
// A handler by itself is no [protocol.Protocol], so forgetting the factory
// does not compile; nor does forgetting the receiver or the method, as the
// factories take sealed interfaces only. What else a handler wants to hear of
// (ConnectionMade, ConnectionLost, RawDataReceived and so on) it has a method
// for: the interfaces named ...Handler list them, and [protocol.HalfCloser].
//
// All receivers keep these rules:
//
//   - However the bytes are cut into chunks, the messages are the same, and the
//     time is linear in the bytes.
//   - The slice that a handler gets belongs to the receiver and is valid until
//     the handler returns: it lies in the loop's own buffer, or in the one that
//     holds the beginning of a message. Copy what must stay. A message that comes
//     in one chunk costs no allocation; for one that is cut in two there is a
//     buffer, which is gone while the connection waits between two messages. Up to
//     512 bytes, all connections share the buffers, so that costs none either.
//   - A handler may call anything: write, pause and resume, switch modes, close,
//     and even DataReceived; nothing nests, for what it calls for happens after
//     it has returned. Data that a handler feeds in goes behind what has come.
//   - Once the connection is being closed or aborted, no more is delivered, and
//     what has come is dropped.
//   - PauseProducing holds back messages at once, in the middle of a chunk, and
//     pauses the transport, so no more than one chunk is held.
//   - No message is longer than MaxLength, and what is held of one that is
//     incomplete has come: an announced length takes no memory.
//   - When the connection is lost, an incomplete message is dropped;
//     [LineReceiver.ClearLineBuffer] fetches it, in ConnectionLost at the latest.
//
// Reading order: receiver.go (the loop that they share), intake.go (the
// buffers), line.go, netstring.go, intstring.go, lineonly.go, bind.go, send.go.
package basic
