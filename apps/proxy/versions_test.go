package proxy_test

import (
	"errors"
	"testing"

	"skein/apps/proxy"
	"skein/deferred"
	"skein/protocol"
)

// The tutorial's versions do what the tutorial's do, which is why there is a
// third: a client without a poem gets nothing and a clean end, and each client
// that comes during a fetch begins another.
func TestTutorialVersions(t *testing.T) {
	versions := []struct {
		name string
		make func(fetch proxy.Fetch) protocol.Factory
	}{
		{"version 1", func(f proxy.Fetch) protocol.Factory { return (&proxy.ProxyService1{Fetch: f}).Factory() }},
		{"version 2", func(f proxy.Fetch) protocol.Factory { return (&proxy.ProxyService2{Fetch: f}).Factory() }},
	}
	for _, version := range versions {
		t.Run(version.name, func(t *testing.T) {
			fetches, fails := 0, true
			f := version.make(func() *deferred.Deferred {
				fetches++
				if fails {
					return deferred.Fail(errOrigin)
				}
				return deferred.Succeed([]byte("poem"))
			})
			for i, want := range []string{"", "", "poem", "poem"} {
				fails = want == ""
				client := visit(f)
				if got := string(client.Received()); got != want || !errors.Is(client.Reason(), protocol.ErrConnectionDone) {
					t.Errorf("client %d got %q, then %v", i, got, client.Reason())
				}
			}
			if fetches != 3 { // two that failed, and one whose poem was kept
				t.Errorf("there were %d fetches, want 3", fetches)
			}
		})
		t.Run(version.name+" without waiters", func(t *testing.T) {
			o := &origin{}
			f := version.make(o.fetch)
			for range 3 {
				visit(f)
			}
			if len(o.fetches) != 3 {
				t.Errorf("there were %d fetches, want one for each client", len(o.fetches))
			}
		})
	}
}
