package load_test

import (
	"testing"
	"time"

	"skein/bench/load"
)

const tyger = "Tyger Tyger, burning bright,\nIn the forests of the night;\n"

func TestPoemsOneAfterTheOther(t *testing.T) {
	most, open := 0, 0
	r := drive(t, load.Options{Mode: load.Poem, Conns: 4, For: time.Second}, &behaviour{made: func(p *peer) {
		open++
		most = max(most, open)
		p.later(10*time.Millisecond, func() {
			open--
			_, _ = p.Transport.Write([]byte(tyger))
			p.Transport.LoseConnection()
		})
	}}, nil)
	wants(t, r, nil)
	if n := r.Operations; n < 380 || n > 404 || r.Failed != 0 || r.Received != n*uint64(len(tyger)) {
		t.Errorf("%d operations, %d failed, %d bytes: want 400 in a second, by 4 that take 10 ms each", n, r.Failed, r.Received)
	}
	if most != 4 || r.Connections.Most != 4 || r.Connections.Opened != r.Operations {
		t.Errorf("%d at once, the result says %+v", most, r.Connections)
	}
	if p50 := time.Duration(r.Latency.P50); p50 < 10*time.Millisecond || p50 > 11*time.Millisecond || r.Corrected {
		t.Errorf("the latency is %v, corrected %v", p50, r.Corrected)
	}
	if r.PerSecond < 380 || r.PerSecond > 404 || len(r.Series) == 0 || r.Series[0].Operations < 380 {
		t.Errorf("%v a second, series %+v", r.PerSecond, r.Series)
	}
}

// What is wrong with a poem is seen, with a poem to compare it with and without:
// the first is right, the second is not.
func TestWrongPoems(t *testing.T) {
	tests := []struct {
		name  string
		poem  func(p *peer)
		kind  load.Kind
		wrong uint64
	}{
		{"short", func(p *peer) { p.send(0, tyger[:20]) }, load.ShortPoem, 1},
		{"empty", func(p *peer) { p.send(0, "") }, load.ShortPoem, 1},
		{"long", func(p *peer) { p.send(0, tyger+"x") }, load.WrongPoem, 1},
		{"another", func(p *peer) { p.send(0, "tyger"+tyger[5:]) }, load.WrongPoem, 1},
		{"reset", func(p *peer) {
			_, _ = p.Transport.Write([]byte(tyger[:20]))
			p.later(time.Millisecond, p.Transport.AbortConnection)
		}, load.Reset, 1},
		{"reset when whole", func(p *peer) {
			_, _ = p.Transport.Write([]byte(tyger))
			p.later(time.Millisecond, p.Transport.AbortConnection)
		}, load.Reset, 1},
		{"never ending", func(p *peer) { _, _ = p.Transport.Write([]byte(tyger)) }, load.TimedOut, 1},
	}
	for _, test := range tests {
		for name, want := range map[string]*load.Fingerprint{"": nil, ", with a poem": load.FingerprintOf([]byte(tyger))} {
			t.Run(test.name+name, func(t *testing.T) {
				o := load.Options{Mode: load.Poem, Conns: 1, For: 10 * time.Second, Rate: 1, Timeout: 500 * time.Millisecond, Want: want}
				r := drive(t, o, &behaviour{made: func(p *peer) {
					if p.n == 1 {
						test.poem(p)
					} else {
						p.send(0, tyger)
					}
				}}, nil)
				wants(t, r, map[load.Kind]uint64{test.kind: 1})
				if r.Operations != 9 || r.Failed != 1 || r.Wrong != test.wrong {
					t.Errorf("%d right, %d failed, %d wrong", r.Operations, r.Failed, r.Wrong)
				}
			})
		}
	}
}

// With a poem to compare with, the first is not right only because it is first.
func TestFirstPoemWrong(t *testing.T) {
	o := load.Options{Mode: load.Poem, Conns: 1, For: 5 * time.Second, Rate: 1, Want: load.FingerprintOf([]byte("another"))}
	r := drive(t, o, &behaviour{made: func(p *peer) { p.send(0, tyger) }}, nil)
	wants(t, r, map[load.Kind]uint64{load.WrongPoem: 5})
}

// A poem that comes in many pieces is one poem.
func TestPoemInPieces(t *testing.T) {
	r := drive(t, load.Options{Mode: load.Poem, Conns: 2, For: time.Second, Want: load.FingerprintOf([]byte(tyger))}, &behaviour{made: func(p *peer) {
		for i := range tyger {
			p.later(time.Duration(i)*time.Millisecond, func() { _, _ = p.Transport.Write([]byte(tyger[i : i+1])) })
		}
		p.send(time.Duration(len(tyger))*time.Millisecond, "")
	}}, nil)
	wants(t, r, nil)
	if r.Operations < 20 {
		t.Errorf("only %d poems", r.Operations)
	}
}
