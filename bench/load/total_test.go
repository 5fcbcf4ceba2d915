package load_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"skein/bench/load"
)

// report returns what a process may have told, as it comes over a pipe.
func report(t *testing.T, r *load.Report) *load.Report {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back := &load.Report{}
	if err := json.Unmarshal(text, back); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return back
}

// The sum of what many processes report, over pipes, is what one that had seen all
// would have reported.
func TestTotalOfManyIsTheTotalOfOne(t *testing.T) {
	const processes, intervals, each = 3, 20, 50
	o := load.Options{Mode: load.Echo, Conns: 30, For: intervals * time.Second, Rate: 10}
	many, one := load.NewTotal(o, target, processes), load.NewTotal(o, target, 1)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range intervals {
		span := func(r *load.Report) {
			r.Phase, r.From, r.To = load.Measuring, time.Duration(i)*time.Second, time.Duration(i+1)*time.Second
		}
		all := &load.Report{Recent: load.NewCoarse(), Full: load.NewHistograms(), Errors: map[load.Kind]uint64{}}
		span(all)
		for p := range processes {
			part := &load.Report{Process: p, Recent: load.NewCoarse(), Full: load.NewHistograms(), Open: 10}
			span(part)
			for range each {
				ns := int64(random.ExpFloat64() * 1e6)
				for _, h := range []load.Histogram{part.Recent, part.Full.Latency, all.Recent, all.Full.Latency} {
					if err := h.RecordValue(ns); err != nil {
						t.Fatal(err)
					}
				}
			}
			part.Operations, part.Received = each, 7
			all.Operations += each
			all.Received += 7
			if p == 1 {
				part.Errors = map[load.Kind]uint64{load.Reset: 2}
				part.Failed = 2
				all.Errors[load.Reset] += 2
				all.Failed += 2
			}
			many.Add(report(t, part))
		}
		all.Open = 30
		one.Add(all)
	}
	got, want := many.Result(false), one.Result(false)
	want.Processes = processes
	gotText, wantText := asJSON(t, got), asJSON(t, want)
	if gotText != wantText {
		t.Errorf("many processes come to\n%s\none comes to\n%s", gotText, wantText)
	}
	if got.Operations != processes*intervals*each || got.Latency.Count != processes*intervals*each || len(got.Series) != intervals || got.Errors[load.Reset] != 40 {
		t.Errorf("the total is %s", gotText)
	}
	if got.Latency.P50 < 600_000 || got.Latency.P50 > 800_000 { // ln 2 ms
		t.Errorf("the median is %v", time.Duration(got.Latency.P50))
	}
}

// asJSON returns a result as programs read it.
func asJSON(t *testing.T, r *load.Result) string {
	t.Helper()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each process compares its poems with its first; the total compares the first
// ones.
func TestPoemsOfTwoProcesses(t *testing.T) {
	for name, second := range map[string]string{"the same": tyger, "another": "x"} {
		total := load.NewTotal(load.Options{Mode: load.Poem}, target, 3)
		for p, text := range []string{tyger, second, tyger} {
			for range 2 { // each report has it
				total.Add(report(t, &load.Report{Process: p, Phase: load.Measuring, Poem: load.FingerprintOf([]byte(text))}))
			}
		}
		r := total.Result(false)
		if (r.Errors[load.WrongPoem] > 0) != (name == "another") || (r.Wrong > 0) != (name == "another") || r.Wrong > r.Failed {
			t.Errorf("%s: errors %v, %d failed, of these %d wrong", name, r.Errors, r.Failed, r.Wrong)
		}
	}
}

// A server that answers nothing for hours costs no memory to speak of.
func TestLongSilence(t *testing.T) {
	total := load.NewTotal(load.Options{Mode: load.Echo, For: time.Second, Interval: time.Second}, target, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const seconds = 2000
	for i := range seconds {
		total.Add(&load.Report{Phase: load.Measuring, From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second, Recent: load.Histogram{}})
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d seconds took %d bytes", seconds, n)
	}
	if n := len(total.Result(false).Series); n != seconds {
		t.Errorf("the series has %d points", n)
	}
}

// A process that could not be started for want of descriptors tells which limit it
// was.
func TestDied(t *testing.T) {
	total := load.NewTotal(load.Options{}, target, 2)
	total.Died(0, fmt.Errorf("one: %w", syscall.EMFILE))
	total.Died(1, errors.New("two"))
	wants(t, total.Result(false), map[load.Kind]uint64{load.NoDescriptors: 1, load.ProcessDied: 1})
}

// The parts of a load are the load.
func TestSplit(t *testing.T) {
	o := load.Options{Conns: 100, Rate: 50}
	sum, before := 0, 0
	for i, p := range o.Split(7) {
		if p.Index != i || p.Of != 7 || p.Before != before || p.Conns < 14 || p.Conns > 15 || p.Rate != 50 {
			t.Errorf("part %d is %+v", i, p)
		}
		sum += p.Conns
		before += p.Conns
	}
	if sum != 100 {
		t.Errorf("the parts have %d connections", sum)
	}
}

func TestProcessesFor(t *testing.T) {
	for _, test := range []struct{ conns, limit, want int }{{1, 100, 1}, {100, 100, 1}, {101, 100, 2}, {1000, 100, 10}} {
		if got := load.ProcessesFor(test.conns, test.limit); got != test.want {
			t.Errorf("%d connections, %d each: %d processes, want %d", test.conns, test.limit, got, test.want)
		}
	}
	if n, err := load.Descriptors(); err != nil || n < 1 {
		t.Errorf("this process can have %d connections, %v", n, err)
	}
}
