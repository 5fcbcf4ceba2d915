package transform

import (
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol/basic"
)

// The defaults of a [Server].
const (
	DefaultTimeout    = 30 * time.Second
	DefaultMaxRequest = basic.DefaultMaxString
	DefaultMaxPending = 16
)

// Server is what the network may ask of a service, whatever the wire. The
// factories that share one offer the same transformations under the same limits,
// on the loop that is its Clock. It and its tables stay as they are once it serves.
//
// Twisted: the part of TransformFactory that knows the service.
type Server struct {
	// Permitted is what clients may ask for.
	Permitted Table
	// Direct has short ways for names of Permitted; a [Factory] takes them. With
	// none, everything goes by a Deferred.
	Direct Direct
	// Clock runs the timeouts. It must be set.
	Clock clock.Scheduler
	// Log hears of each request, at the level info, and of each client that was
	// refused or has left, as a warning. The zero value is silent.
	Log zerolog.Logger

	// Pipeline lets a client ask again on the same connection.
	Pipeline bool
	// Timeout is how long a client may take to send a request, and to take some
	// of an answer; 0: [DefaultTimeout]. It is looked at once in that time, so a
	// client may get twice as much.
	Timeout time.Duration
	// MaxRequest is the length of the longest request, name and separator
	// included, in bytes; 0: [DefaultMaxRequest].
	MaxRequest int
	// MaxPending is how many requests of one connection are worked on at a time;
	// 0: [DefaultMaxPending]. They are fewer if they are long: no other is begun
	// while they have MaxRequest bytes together.
	MaxPending int
}

// Xform begins the transformation that is called name. It returns a Deferred
// that fires with the new poem, a string, or fails with a [*RequestError].
// Cancelling it cancels the transformation.
//
// Twisted: TransformFactory.transform.
func (s *Server) Xform(name, poem string) *deferred.Deferred {
	begin, permitted := s.Permitted[name]
	switch {
	case !permitted:
		return deferred.Fail(requestError(name, ErrUnknown))
	case !utf8.ValidString(poem):
		return deferred.Fail(requestError(name, ErrNotUTF8))
	}
	d := deferred.MaybeDeferred(func() (any, error) { return begin(poem), nil })
	deferred.Then(d, func(poem string) (string, error) { return poem, nil }) // nothing else is a poem
	return d.AddErrback(func(err error) (any, error) { return nil, requestError(name, err) })
}

// Request begins what a request asks for, "name.poem". It returns a Deferred as
// Xform does.
func (s *Server) Request(request string) *deferred.Deferred {
	name, poem, ok := strings.Cut(request, ".")
	if !ok {
		return deferred.Fail(requestError("", ErrNoSeparator))
	}
	return s.Xform(name, poem)
}

// Datagram answers one datagram, "name.poem"; the request is the caller's again
// when it returns. The Deferred fires with the answer, a []byte that is the
// receiver's, or fails with a [*RequestError]: then no answer is sent, as a
// refused connection has none. Cancelling it cancels the transformation.
func (s *Server) Datagram(request []byte) *deferred.Deferred {
	d := s.Request(string(request))
	return deferred.Then(d, func(poem string) ([]byte, error) { return []byte(poem), nil })
}

// silent reports whether Log will never write a line.
func (s *Server) silent() bool { return reflect.ValueOf(&s.Log).Elem().IsZero() }

// timeout is Timeout with its default.
func (s *Server) timeout() time.Duration {
	if s.Timeout <= 0 {
		return DefaultTimeout
	}
	return s.Timeout
}

// maxRequest is MaxRequest with its default.
func (s *Server) maxRequest() int {
	if s.MaxRequest <= 0 {
		return DefaultMaxRequest
	}
	return s.MaxRequest
}

// maxPending is MaxPending with its default.
func (s *Server) maxPending() int {
	if s.MaxPending <= 0 {
		return DefaultMaxPending
	}
	return s.MaxPending
}
