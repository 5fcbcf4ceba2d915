package proxy

import (
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/reactor"
)

// The defaults of [Options].
const (
	DefaultTTL      = 2 * time.Hour
	DefaultMaxBytes = 64 << 20

	// NoCache, as TTL or as MaxBytes, keeps nothing. Clients that ask while a
	// fetch is under way still share it.
	NoCache = -1
)

// Options are the limits of a cache. The zero value has the defaults.
type Options struct {
	// TTL is how long a poem is kept after it has been fetched; 0:
	// [DefaultTTL]; below 0: see [NoCache].
	TTL time.Duration
	// MaxBytes is how many bytes are kept, of all poems together; 0:
	// [DefaultMaxBytes]; below 0: see [NoCache]. Where another one has no room,
	// those that nobody has asked for the longest go. A poem that is longer than
	// the bound goes to those who wait for it and is not kept.
	MaxBytes int
	// Log hears of each fetch: that it begins, and how it ends. The zero value is
	// silent.
	Log zerolog.Logger
}

// Fetch begins to fetch something and returns a Deferred that fires with it, a
// []byte that nobody changes from then on, or fails. Cancelling that Deferred
// gives the fetch up.
type Fetch func() *deferred.Deferred

// FetchFrom returns a Fetch of the poem that the server at addr, "host:port",
// has. A poem that was cut fails, see [poetry.FetchError]. The options bound how
// long connecting takes, how long the origin is silent, and the poem's length: 30
// seconds, 30 seconds and 1 GiB unless they say otherwise. They do not bound the
// whole time.
func FetchFrom(r *reactor.Reactor, addr string, o poetry.Options) Fetch {
	return func() *deferred.Deferred { return poetry.GetPoem(r, addr, o) }
}

// ErrUnknownOrigin says that a service has no origin of this name.
var ErrUnknownOrigin = errors.New("proxy: no such origin")

// Service fetches poems from their origins and keeps them for a while.
//
// Twisted: ProxyService of twisted-server-3/poetry-proxy.py, version 3.
type Service struct {
	origins map[string]Fetch
	cache   cache
}

// NewService returns a service that knows these origins, each by its name; the
// set is closed, so a client cannot make it grow. Its time is c's.
func NewService(c clock.Scheduler, origins map[string]Fetch, o Options) *Service {
	s := &Service{origins: make(map[string]Fetch, len(origins)), cache: newCache(c, "poem", 0, o)}
	for name, fetch := range origins {
		s.origins[name] = whole(fetch)
	}
	return s
}

// whole returns a fetch that fails if there is nothing in the poem.
func whole(fetch Fetch) Fetch {
	return func() *deferred.Deferred {
		return deferred.Tap(fetch(), func(poem []byte) error {
			if len(poem) == 0 {
				return poetry.ErrNoBytes
			}
			return nil
		})
	}
}

// GetPoem returns a Deferred that fires with the poem of an origin, a []byte
// that all share and nobody may change. It has fired already if the poem is in
// the cache; else it waits for the fetch that is under way, or for one that
// begins now, and fails as that does. An unknown name is [ErrUnknownOrigin].
//
// Each caller has a Deferred of its own. Cancelling it disturbs nobody; the
// last one to go cancels the fetch. [Protocol] cancels when its connection is
// over, which it may hear late: a client that closes without a reset looks
// half-closed, and only keep-alive notices that it is gone.
//
// Twisted: ProxyService.get_poem.
func (s *Service) GetPoem(origin string) *deferred.Deferred {
	fetch, ok := s.origins[origin]
	if !ok {
		return deferred.Fail(fmt.Errorf("%w: %q", ErrUnknownOrigin, origin))
	}
	return s.cache.get(origin, origin, fetch)
}

// Cached returns the poem of an origin if it is in the cache, and counts that as
// GetPoem does, whose Deferred it spares. All share the bytes, and nobody may
// change them.
//
// Twisted: ProxyService.get_poem, where it returns the poem itself.
func (s *Service) Cached(origin string) (poem []byte, ok bool) { return s.cache.cached(origin) }

// State tells where an origin's poem stands, which is also what GetPoem would
// do: begin a fetch, wait for one, or answer at once.
func (s *Service) State(origin string) State { return s.cache.state(origin) }

// Stats returns the numbers so far.
func (s *Service) Stats() Stats { return s.cache.numbers() }

// Clear forgets what is cached, and leaves no timer behind. Fetches that are
// under way go on.
func (s *Service) Clear() { s.cache.clear() }
