package load_test

import (
	"strings"
	"testing"
	"time"

	"skein/bench/load"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// echoing sends back what comes, a millisecond later.
func echoing() *behaviour {
	return &behaviour{data: func(p *peer, data []byte) {
		text := string(data)
		p.later(time.Millisecond, func() { _, _ = p.Transport.Write([]byte(text)) })
	}}
}

func TestEcho(t *testing.T) {
	tests := []struct {
		name  string
		o     load.Options
		chunk int
		want  uint64
	}{
		{"closed loop", load.Options{Conns: 3, Size: 64}, 0, 3 * 1000},
		{"depth 4", load.Options{Conns: 3, Depth: 4, Size: 64}, 0, 4 * 3 * 1000},
		{"large, and cut", load.Options{Conns: 2, Depth: 2, Size: 1000}, 999, 2 * 2 * 1000},
		{"one byte", load.Options{Conns: 2, Depth: 3, Size: 1}, 0, 2 * 3 * 1000},
		{"by rate", load.Options{Conns: 3, Size: 64, Rate: 250}, 0, 250},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.o.Mode, test.o.For = load.Echo, time.Second
			r := drive(t, test.o, echoing(), func(m *reactortest.MemoryReactor, _ *reactor.Port) { m.Chunk(test.chunk) })
			wants(t, r, nil)
			if test.o.Rate == 0 && r.Operations < test.want*95/100 || r.Operations > test.want || test.o.Rate > 0 && r.Operations != test.want {
				t.Errorf("%d operations, want %d", r.Operations, test.want)
			}
			if r.Sent != r.Operations*uint64(test.o.Size) || r.Received != r.Sent {
				t.Errorf("%d operations of %d bytes: %d sent, %d received", r.Operations, test.o.Size, r.Sent, r.Received)
			}
			if r.Connections.Opened != uint64(test.o.Conns) || r.Connections.AtEnd != test.o.Conns {
				t.Errorf("connections: %+v", r.Connections)
			}
		})
	}
}

// Each message is checked, by its content and its place.
func TestWrongEcho(t *testing.T) {
	answers := map[string]func(data, before string) string{
		"another byte":   func(s, _ string) string { return s[:len(s)-1] + "\xff" },
		"twice":          func(s, _ string) string { return s + s },
		"the one before": func(_, before string) string { return before },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			n, before := 0, ""
			o := load.Options{Mode: load.Echo, Conns: 1, Size: 20, For: 10 * time.Second, Rate: 1}
			r := drive(t, o, &behaviour{data: func(p *peer, data []byte) {
				text := string(data)
				back := text
				if n++; n == 4 {
					back = answer(text, before)
				}
				before = text
				_, _ = p.Transport.Write([]byte(back))
			}}, nil)
			wants(t, r, map[load.Kind]uint64{load.WrongEcho: 1})
			if r.Operations < 8 || r.Failed != 1 || r.Wrong != 1 || r.Connections.Opened != 2 || r.Connections.Lost != 1 {
				t.Errorf("%d right, %d wrong, %+v", r.Operations, r.Wrong, r.Connections)
			}
		})
	}
}

// A message that comes back to another client is wrong for both.
func TestEchoToAnotherClient(t *testing.T) {
	var live []*peer
	o := load.Options{Mode: load.Echo, Conns: 2, Size: 20, For: time.Second, Timeout: time.Second}
	r := drive(t, o, &behaviour{
		made: func(p *peer) { live = append(live, p) },
		data: func(p *peer, data []byte) {
			if p.n < 2 { // those that come later get no answer
				_, _ = live[1-p.n].Transport.Write(data)
			}
		},
	}, nil)
	if r.Errors[load.WrongEcho] != 2 || r.Operations != 0 {
		t.Errorf("%d operations, errors %v", r.Operations, r.Errors)
	}
}

// transforming answers netstrings with the lower case of what follows the dot,
// and closes after so many answers; 0: never.
func transforming(after int, answer func(text string) string) *behaviour {
	return &behaviour{data: func(p *peer, data []byte) {
		rest, n := string(data), 0
		for rest != "" {
			_, s, _ := strings.Cut(rest, ".")
			text, more, _ := strings.Cut(s, ",") // the texts have none
			rest = more
			if n++; after == 0 || n <= after {
				p.later(time.Millisecond, func() { _, _ = p.Transport.Write([]byte(answer(text))) })
			}
		}
		if after > 0 {
			p.send(time.Millisecond, "")
		}
	}}
}

// lowered frames the lower case of a text of 4 bytes.
func lowered(text string) string { return "4:" + strings.ToLower(text) + "," }

func TestTransform(t *testing.T) {
	tests := []struct {
		name   string
		depth  int
		rate   float64
		after  int
		answer func(string) string
		op     string
		least  uint64
	}{
		{"persistent", 1, 0, 0, lowered, "cummingsify", 2 * 900},
		{"pipelined", 5, 0, 0, lowered, "cummingsify", 2 * 5 * 900},
		{"by rate", 2, 100, 0, lowered, "cummingsify", 100},
		{"closes after one", 1, 0, 1, lowered, "cummingsify", 2 * 900},
		{"closes after one of many", 4, 0, 1, lowered, "cummingsify", 2 * 900},
		{"closes after the first lot", 4, 0, 4, lowered, "cummingsify", 2 * 900},
		{"closes after one, by rate", 2, 100, 1, lowered, "cummingsify", 100},
		{"unknown, but always the same", 3, 0, 0, func(string) string { return "3:abc," }, "reverse", 2 * 3 * 900},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := load.Options{Mode: load.Transform, Conns: 2, Depth: test.depth, For: time.Second, Rate: test.rate, Name: test.op, Text: []byte("ABcd")}
			r := drive(t, o, transforming(test.after, test.answer), nil)
			wants(t, r, nil)
			if r.Operations < test.least || r.Failed != 0 {
				t.Errorf("%d operations, %d failed, want at least %d", r.Operations, r.Failed, test.least)
			}
			if several := r.Connections.Opened > 2; several != (test.after > 0) {
				t.Errorf("connections: %+v", r.Connections)
			}
		})
	}
}

// A server that keeps its connections, and loses one after its first answer, is
// not taken for long for one that never keeps them: nobody would ask it anything.
func TestTransformLosesOne(t *testing.T) {
	answering := transforming(0, lowered)
	b := &behaviour{data: func(p *peer, data []byte) {
		answering.data(p, data)
		if p.n == 0 {
			p.send(2*time.Millisecond, "")
		}
	}}
	for _, depth := range []int{1, 3} {
		o := load.Options{Mode: load.Transform, Conns: 3, Depth: depth, For: 3 * time.Second, Rate: 10, Name: "cummingsify", Text: []byte("ABcd")}
		r := drive(t, o, b, nil)
		wants(t, r, nil)
		if r.Operations != 30 || r.Latency.Max > int64(1200*time.Millisecond) {
			t.Errorf("depth %d: %d operations, latency up to %v", depth, r.Operations, time.Duration(r.Latency.Max))
		}
	}
}

// Nor is one that has answered more on one connection than was asked at first.
func TestTransformLosesOneLater(t *testing.T) {
	answering := transforming(0, lowered)
	b := &behaviour{
		made: func(p *peer) {
			if p.n == 0 {
				p.later(300*time.Millisecond, p.Transport.AbortConnection)
			}
		},
		data: func(p *peer, data []byte) {
			answering.data(p, data)
			if p.n == 2 {
				p.send(1500*time.Microsecond, "")
			}
		},
	}
	o := load.Options{Mode: load.Transform, Conns: 2, For: time.Second, Name: "cummingsify", Text: []byte("ABcd")}
	r := drive(t, o, b, nil)
	wants(t, r, map[load.Kind]uint64{load.Reset: 1, load.ClosedEarly: 1})
	if r.Operations < 1600 || r.Elapsed > int64(1100*time.Millisecond) {
		t.Errorf("%d operations in %v", r.Operations, time.Duration(r.Elapsed))
	}
}

func TestWrongTransform(t *testing.T) {
	n := 0
	sometimes := func(bad string) func(string) string {
		return func(text string) string {
			if n++; n == 3 {
				return bad
			}
			return lowered(text)
		}
	}
	tests := map[string]struct{ op, bad string }{
		"not lower case":  {"cummingsify", "4:ABcd,"},
		"not the same":    {"reverse", "4:zzzz,"},
		"shorter":         {"reverse", "3:abc,"},
		"not a netstring": {"reverse", "hello?"},
		"one too many":    {"cummingsify", "4:abcd,4:abcd,"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n = 0
			o := load.Options{Mode: load.Transform, Conns: 1, For: 10 * time.Second, Rate: 1, Name: test.op, Text: []byte("ABcd")}
			r := drive(t, o, transforming(0, sometimes(test.bad)), nil)
			wants(t, r, map[load.Kind]uint64{load.WrongAnswer: 1})
			if r.Operations < 8 || r.Failed != 1 || r.Wrong != 1 {
				t.Errorf("%d right, %d failed, of these %d wrong", r.Operations, r.Failed, r.Wrong)
			}
		})
	}
}

// Those who ask at the same time, before there is an answer, must get the same.
func TestFirstAnswersDiffer(t *testing.T) {
	asked := map[int]bool{}
	o := load.Options{Mode: load.Transform, Conns: 2, For: 50 * time.Millisecond, Timeout: time.Second, Name: "reverse", Text: []byte("ABcd")}
	r := drive(t, o, &behaviour{data: func(p *peer, _ []byte) {
		write := func(s string) func() { return func() { _, _ = p.Transport.Write([]byte(s)) } }
		switch {
		case p.n == 1 && !asked[1]: // it has begun when the first is whole
			p.later(time.Millisecond, write("4:x"))
			p.later(3*time.Millisecond, write("xxx,"))
		default:
			p.later(2*time.Millisecond, write("4:dcBA,"))
		}
		asked[p.n] = true
	}}, nil)
	wants(t, r, map[load.Kind]uint64{load.WrongAnswer: 1})
}

// An answer that is no netstring is seen when there is nothing to compare it with,
// and one that would take all memory is not waited for.
func TestFirstAnswerNoNetstring(t *testing.T) {
	for _, bad := range []string{"hello? and more", "4:abcdX", ":", "99999999999:", "999999999:abcd"} {
		o := load.Options{Mode: load.Transform, Conns: 1, For: time.Second, Rate: 1, Name: "reverse", Text: []byte("ABcd")}
		r := drive(t, o, transforming(0, func(string) string { return bad }), nil)
		wants(t, r, map[load.Kind]uint64{load.WrongAnswer: 1})
	}
}

func TestIdle(t *testing.T) {
	o := load.Options{Mode: load.Idle, Conns: 500, For: 5 * time.Second}
	r := drive(t, o, &behaviour{}, nil)
	wants(t, r, nil)
	if c := r.Connections; c.Opened != 500 || c.Lost != 0 || c.AtEnd != 500 || r.Elapsed != int64(5*time.Second) {
		t.Errorf("%+v in %v", c, time.Duration(r.Elapsed))
	}
	r = drive(t, o, &behaviour{made: func(p *peer) {
		switch {
		case p.n%10 == 3:
			p.later(time.Second, p.Transport.AbortConnection)
		case p.n%10 == 4:
			p.send(time.Second, tyger)
		}
	}}, nil)
	wants(t, r, map[load.Kind]uint64{load.Reset: 50, load.ClosedEarly: 50})
	if c := r.Connections; c.Opened != 500 || c.Lost != 100 || c.AtEnd != 400 || r.Elapsed != int64(5*time.Second) {
		t.Errorf("%+v in %v", c, time.Duration(r.Elapsed))
	}
	r = drive(t, o, &behaviour{made: func(p *peer) { p.send(time.Second, tyger) }}, nil)
	wants(t, r, map[load.Kind]uint64{load.ClosedEarly: 500})
	if r.Stopped == "" || r.Elapsed > int64(2*time.Second) {
		t.Errorf("stopped: %q after %v", r.Stopped, time.Duration(r.Elapsed))
	}
}
