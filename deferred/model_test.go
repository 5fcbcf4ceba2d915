package deferred_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The model test runs random programs twice: on real Deferreds and on a small
// reference interpreter that recurses where the package loops. Programs add,
// fire, cancel, pause and chain, also from inside callbacks, so re-entrancy is
// the rule and not the exception. Both must log the same events, end in the
// same states, and leave the same errors unhandled.

// opKind is what one step of a program does to its target.
type opKind int

const (
	opAddCallback opKind = iota
	opAddErrback
	opAddBoth
	opAddPair
	opFire
	opFail
	opCancel
	opPause
	opUnpause
	opChain
	opKinds // how many there are
)

// op is one step of a program.
type op struct {
	kind   opKind
	target int
	other  int     // opChain: what is chained
	script *script // what the added callback does
	second *script // opAddPair: its errback
	id     int
}

// returnKind is how a callback ends.
type returnKind int

const (
	returnSame returnKind = iota
	returnValue
	returnError
	returnDeferred
	returnPanic
	returnKinds
)

// script is what one callback does: some steps, and a return.
type script struct {
	id     int
	ops    []op
	ends   returnKind
	target int // returnDeferred: which
}

// cancelKind is what the canceller of a Deferred does.
type cancelKind int

const (
	cancelNone cancelKind = iota
	cancelNothing
	cancelFires
	cancelFails
	cancelPanics
	cancelAgain
	cancelKinds
)

// program is a whole test case.
type program struct {
	cancellers []cancelKind // one Deferred each
	ops        []op
}

// world runs programs. The real one and the model implement it.
type world interface {
	do(o op)
	finish() (log, states, unhandled []string)
}

// generator draws a program; ids number what is logged.
type generator struct {
	t  *rapid.T
	n  int // Deferreds
	id int
}

func drawProgram(t *rapid.T) program {
	g := &generator{t: t, n: rapid.IntRange(1, 5).Draw(t, "deferreds")}
	p := program{}
	for range g.n {
		p.cancellers = append(p.cancellers, cancelKind(g.below(int(cancelKinds), "canceller")))
	}
	p.ops = g.ops(rapid.IntRange(1, 25).Draw(t, "steps"), 3)
	return p
}

func (g *generator) below(n int, label string) int {
	return rapid.IntRange(0, n-1).Draw(g.t, label)
}

func (g *generator) ops(n, depth int) []op {
	var ops []op
	for range n {
		o := op{kind: opKind(g.below(int(opKinds), "op")), target: g.below(g.n, "target"), id: g.next()}
		switch o.kind {
		case opAddPair:
			o.script, o.second = g.script(depth-1), g.script(depth-1)
		case opAddCallback, opAddErrback, opAddBoth:
			o.script = g.script(depth - 1)
		case opChain:
			o.other = g.below(g.n, "other")
		}
		ops = append(ops, o)
	}
	return ops
}

func (g *generator) script(depth int) *script {
	s := &script{id: g.next(), ends: returnKind(g.below(int(returnKinds), "ends")), target: g.below(g.n, "returned")}
	if depth > 0 {
		s.ops = g.ops(g.below(4, "inside"), depth)
	}
	return s
}

func (g *generator) next() int {
	g.id++
	return g.id
}

func TestModel(t *testing.T) {
	for range 10 { // a program is small, and rapid's hundred find little
		rapid.Check(t, checkProgram)
	}
}

func checkProgram(t *rapid.T) {
	p := drawProgram(t)
	real, model := newRealWorld(p), newModelWorld(p)
	for _, o := range p.ops {
		real.do(o)
		model.do(o)
	}
	log, states, unhandled := real.finish()
	wantLog, wantStates, wantUnhandled := model.finish()
	for _, c := range []struct {
		what      string
		got, want []string
	}{{"log", log, wantLog}, {"states", states, wantStates}, {"unhandled", unhandled, wantUnhandled}} {
		if !slices.Equal(c.got, c.want) {
			t.Fatalf("%s\n got %q\nwant %q", c.what, c.got, c.want)
		}
	}
}
