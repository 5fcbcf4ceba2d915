// Package dummyhttp is a server in the manner of HTTP that takes POST requests
// and answers how long their bodies were. It shows what a LineReceiver's two
// modes are for: lines up to the empty one, then raw data.
//
//	POST /anything HTTP/1.1          ╮
//	Host: localhost                  │ line mode: head.go
//	Content-Length: 300000000        │
//	                                 ╯
//	...300,000,000 bytes...            raw mode, counted and forgotten: body.go
//
//	HTTP/1.1 200 OK                  ╮
//	Content-Type: text/plain         │
//	Content-Length: 10               │ answer.go
//	                                 │
//	300000000                        ╯
//
// A body is never held, so its length costs nothing. A connection stays open for
// other requests, pipelined ones too, unless the client wants it closed.
//
// Lines end with CR LF. A bare LF does not end one: it is a control character in
// the line, and refused.
//
// # What is refused
//
// Every refusal has a status and one line of text. Where the end of the request
// cannot be known, or the client would have to send a body for nothing, the
// connection closes after it.
//
//	405  another method than POST, whatever its head lacks; the answer has
//	     Allow: POST
//	411  no Content-Length
//	400  a Content-Length that is not a number, that comes twice or that is
//	     larger than any length; a malformed request line or header; no Host, or two
//	414  a request line longer than MaxLine, and 431 a header
//	431  more than MaxHeaders headers
//	501  Transfer-Encoding, that is a body without a length
//	417  an Expect other than 100-continue
//	505  another version than HTTP/1.0 and 1.1
//	408  a request line that is not complete Timeout after the connection was
//	     made, or after the answer before it; headers that are not, as long after
//	     their request line; and a body of which fewer than MinBody bytes have come
//	     in that time, unless that was its end
//
// It is good enough for curl, and for nothing that matters.
//
// Reading order: server.go, head.go, body.go, answer.go.
package dummyhttp
