package deferred_test

import (
	"testing"

	"skein/deferred"
)

// TestInBody asks from a body, from deep below one, and from outside.
func TestInBody(t *testing.T) {
	var deep func(n int) bool
	deep = func(n int) bool {
		if n == 0 {
			return deferred.InBody()
		}
		return deep(n - 1)
	}
	gate := deferred.New()
	got := map[string]bool{}
	deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
		got["at once"] = deferred.InBody()
		got["200 calls below"] = deep(200)
		_, err := in.Yield(gate)
		got["after waiting"] = deferred.InBody()
		return nil, err
	})
	if deferred.InBody() || deep(200) {
		t.Error("InBody reports true outside a body")
	}
	gate.Callback(nil)
	for where, in := range got {
		if !in {
			t.Errorf("InBody reports false in a body, %s", where)
		}
	}
	if len(got) != 3 {
		t.Errorf("the body was asked %d times, want 3", len(got))
	}
}
