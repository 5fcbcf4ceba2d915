package transform_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"skein/apps/transform"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
)

func TestTransformations(t *testing.T) {
	s := &transform.Service{}
	tests := []struct {
		name string
		f    func(poem string) string
		poem string
		want string
	}{
		{"lower case", s.Cummingsify, "HERE IS My Poem", "here is my poem"},
		{"no poem", s.Cummingsify, "", ""},
		{"a final sigma", s.Cummingsify, "ΟΔΟΣ", "οδος"},
		{"a sigma in the middle", s.Cummingsify, "ΣΙΣΥΦΟΣ ΣΟΣ", "σισυφος σος"},
		{"a sigma alone", s.Cummingsify, "Σ", "σ"},
		{"sigmas with marks", s.Cummingsify, "ΑΣ́ Α.Σ Α.Σ.Α ΑΣ'Α", "ας́ α.ς α.σ.α ασ'α"},
		{"a sigma before many marks", s.Cummingsify, "ΑΣ" + strings.Repeat("'", 1000) + "Α", "ασ" + strings.Repeat("'", 1000) + "α"},
		{"a dotted I", s.Cummingsify, "İ", "i\u0307"},
		{"a sharp S", s.Cummingsify, "ẞ", "ß"},
		{"beyond the first plane", s.Cummingsify, "𐐀", "𐐨"},
		{"upper case", s.Shout, "Straße, ΐ", "STRAßE, ΐ"},
		{"backwards", s.Reverse, "one\ntwo three\n", "eno\neerht owt\n"},
		{"backwards with marks", s.Reverse, "ae\u0301i\u0307\u0323o", "oi\u0307\u0323e\u0301a"},
		{"backwards from a mark", s.Reverse, "\u0301ab", "ba\u0301"},
		{"backwards, empty lines", s.Reverse, "\n\n", "\n\n"},
		{"gobbledegook", s.Gobbledegook, "the lone and level sands, stretch", "the lnoe and level sdnas, scterth"},
		{"gobbledegook of short words", s.Gobbledegook, "a be sea, 1234", "a be sea, 1234"},
		{"gobbledegook of long letters", s.Gobbledegook, "fünf—zwölf", "fnüf—zlöwf"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.f(test.poem); got != test.want {
				t.Errorf("%q became %q (%+q), want %q", test.poem, got, got, test.want)
			}
		})
	}
}

func TestSlowly(t *testing.T) {
	tests := []struct {
		name  string
		pause time.Duration
		want  time.Duration
	}{
		{"default", 0, transform.DefaultPause},
		{"chosen", time.Minute, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := clock.NewFake()
			s := &transform.Service{Clock: c, Pause: test.pause}
			d := s.Slowly("A POEM")
			c.Advance(test.want - 1)
			deferredtest.NoResult(t, d)
			c.Advance(1)
			if got := deferredtest.ResultOf[string](t, d); got != "a poem" {
				t.Errorf("it became %q", got)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		c := clock.NewFake()
		d := (&transform.Service{Clock: c}).Slowly("A POEM")
		d.Cancel()
		if err := deferredtest.ErrorResultOf(t, d); !errors.Is(err, deferred.ErrCancelled) || c.Pending() != 0 {
			t.Errorf("the error is %v, and %d timers are left", err, c.Pending())
		}
	})
}

func TestTheTableIsAllThatCanBeReached(t *testing.T) {
	s, _ := newServer(clock.NewFake())
	want := "[cummingsify gobbledegook reverse shout slowly]"
	if got := fmt.Sprint(s.Permitted.Names()); got != want {
		t.Errorf("the names are %s, want %s", got, want)
	}
	delete(s.Permitted, "slowly")
	for _, name := range []string{"slowly", "Table", "table", "Cummingsify", "xform_cummingsify", "", "cummingsify ", " shout", "shout\x00"} {
		var re *transform.RequestError
		err := deferredtest.ErrorResultOf(t, s.Xform(name, "a"))
		if !errors.As(err, &re) || re.Name != name || !errors.Is(err, transform.ErrUnknown) {
			t.Errorf("%q led to %v", name, err)
		}
	}
}

func TestDatagram(t *testing.T) {
	s, _ := newServer(clock.NewFake())
	request := []byte("shout.a poem")
	d := s.Datagram(request)
	clear(request)
	if got := deferredtest.ResultOf[[]byte](t, d); string(got) != "A POEM" {
		t.Errorf("the answer is %q", got)
	}
	if err := deferredtest.ErrorResultOf(t, s.Datagram(nil)); !errors.Is(err, transform.ErrNoSeparator) {
		t.Errorf("the error is %v", err)
	}
}
