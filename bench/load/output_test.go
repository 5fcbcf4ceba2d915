package load_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"skein/bench/load"
)

// sample returns a result with something of everything.
func sample(t *testing.T) *load.Result {
	t.Helper()
	total := load.NewTotal(load.Options{Mode: load.Poem, Conns: 5, For: 10 * time.Second, Rate: 2}, "host:1 <&>", 1)
	for i := range 10 {
		r := &load.Report{Phase: load.Measuring, From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second, Peak: 4}
		r.Recent, r.Full = load.NewCoarse(), load.NewHistograms()
		if i != 5 { // a gap
			for _, h := range []load.Histogram{r.Recent, r.Full.Latency, r.Full.Service, r.Full.Connect} {
				if err := h.RecordValues(int64(i+1)*1_100_000, 2); err != nil {
					t.Fatal(err)
				}
			}
			r.Operations, r.Received = 2, 1_000_000
		}
		total.Add(r)
	}
	total.Note(load.ShortPoem, "12 bytes, not 13")
	total.Note(load.Refused, "")
	return total.Result(false)
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := sample(t).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	const want = `poem to host:1 <&>: 5 connections, 2 a second, 1 process
  measured    10.0 s of 10.0 s
  operations  18 right, 0 failed, of these 0 wrong
  throughput  1.8 operations/s, 900 kB/s received, 0 B/s sent
  connections 0 opened, 0 lost, 4 at most at once, 0 at the end
  latency     p50 5.50 ms  p90 9.90 ms  p99 11.0 ms  p99.9 11.0 ms  max 11.0 ms
              (from when each operation was due: corrected for coordinated omission)
  service     p50 5.50 ms  p90 9.90 ms  p99 11.0 ms  p99.9 11.0 ms  max 11.0 ms
              (from when each operation began: not corrected)
    1.00 ms .. 2.00 ms   ##########                               2  11.1 %
    2.00 ms .. 5.00 ms   ##############################           6  33.3 %
    5.00 ms .. 10.0 ms   ######################################## 8  44.4 %
    10.0 ms .. 20.0 ms   ##########                               2  11.1 %
  connect     p50 5.50 ms  p90 9.90 ms  p99 11.0 ms  p99.9 11.0 ms  max 11.0 ms
              (from the attempt to the connection)
  errors      refused           1
              short_poem        1  (12 bytes, not 13)
`
	if got := b.String(); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
}

// Times have three digits, whatever they are.
func TestTextOfTimes(t *testing.T) {
	for ns, want := range map[time.Duration]string{
		0: "0 ns", 999: "999 ns", 1000: "1.00 µs", 12_340: "12.3 µs", 999_499: "999 µs", 999_500: "1.00 ms",
		30 * time.Millisecond: "30.0 ms", 999_600_000: "1.00 s", time.Minute: "60.0 s", time.Hour: "3600 s",
	} {
		var b strings.Builder
		if err := (&load.Result{Elapsed: int64(ns), For: int64(ns)}).WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if line := "  measured    " + want + " of " + want + "\n"; !strings.Contains(b.String(), line) {
			t.Errorf("%d ns: there is no %q in\n%s", ns, line, b.String())
		}
	}
}

// The names that programs read.
func TestJSONNames(t *testing.T) {
	text := asJSON(t, sample(t))
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"mode", "target", "conns", "rate", "depth", "processes", "for_ns", "ok", "interrupted", "elapsed_ns", "operations", "failed", "wrong",
		"unfinished", "operations_per_second", "received_bytes", "sent_bytes", "received_bytes_per_second", "sent_bytes_per_second",
		"connections.opened", "connections.lost", "connections.most", "connections.at_end", "connections.open_ns", "connections.time.p50_ns",
		"latency.count", "latency.min_ns", "latency.mean_ns", "latency.p50_ns", "latency.p90_ns", "latency.p99_ns", "latency.p999_ns",
		"latency.max_ns", "latency.histogram", "latency_corrected", "service_latency.p50_ns", "errors.short_poem", "error_samples", "series",
	} {
		var at any = all
		for name := range strings.SplitSeq(path, ".") {
			m, _ := at.(map[string]any)
			if at = m[name]; at == nil {
				t.Errorf("there is no %s", path)
				break
			}
		}
	}
	empty := load.NewTotal(load.Options{Mode: load.Idle}, target, 1).Result(false)
	for _, want := range []string{`"errors": {}`, `"series": []`, `"histogram": []`} {
		if text := asJSON(t, empty); !strings.Contains(text, want) {
			t.Errorf("without anything, there is no %s in %s", want, text)
		}
	}
}

// drawn returns the elements of a picture, by name, and fails if it is not XML.
func drawn(t *testing.T, r *load.Result) map[string]int {
	t.Helper()
	var b strings.Builder
	if err := r.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		if e, ok := token.(xml.StartElement); ok {
			counts[e.Name.Local]++
		}
	}
	for _, label := range []string{"time (s)", "latency", "p50", "p99", "max"} {
		if !strings.Contains(b.String(), label) {
			t.Errorf("it does not say %q", label)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("there is a %s in\n%s", bad, b.String())
		}
	}
	return counts
}

func TestPlot(t *testing.T) {
	if n := drawn(t, sample(t)); n["svg"] != 1 || n["polyline"] != 6 { // three curves with a gap in each
		t.Errorf("it has %v", n)
	}
	if n := drawn(t, load.NewTotal(load.Options{Mode: load.Poem}, target, 1).Result(true)); n["svg"] != 1 || n["polyline"] != 0 {
		t.Errorf("of nothing, it has %v", n)
	}
	one := load.NewTotal(load.Options{Mode: load.Poem, For: time.Second}, target, 1)
	r := &load.Report{Phase: load.Over, To: time.Second, Recent: load.NewCoarse()}
	if err := r.Recent.RecordValue(1_000_000); err != nil {
		t.Fatal(err)
	}
	one.Add(r)
	if n := drawn(t, one.Result(false)); n["circle"] != 3 {
		t.Errorf("of one point, it has %v", n)
	}
}

func TestProgress(t *testing.T) {
	total := load.NewTotal(load.Options{Mode: load.Poem, Conns: 5, For: 10 * time.Second}, target, 1)
	var b strings.Builder
	p := load.Progress{Out: &b}
	add := func(ops int64, at time.Duration) {
		r := &load.Report{Phase: load.Measuring, From: at - time.Second, To: at, Open: 3, Recent: load.NewCoarse()}
		r.Operations, r.Received = uint64(ops), uint64(ops)*10_000
		if err := r.Recent.RecordValues(2_000_000, ops); err != nil {
			t.Fatal(err)
		}
		total.Add(r)
	}
	p.Write(total, 0)
	add(100, time.Second)
	p.Write(total, time.Second)
	add(50, 2*time.Second)
	total.Note(load.Reset, "")
	p.Write(total, 2*time.Second)
	p.Write(total, 3*time.Second)
	const want = `opening  0 of 5 open  0 errors
  1.0 s  3 open  0 errors  100 ops  100 ops/s  1.00 MB/s  p50 2.01 ms  p99 2.01 ms
  2.0 s  3 open  1 error  150 ops  50 ops/s  0.50 MB/s  p50 2.01 ms  p99 2.01 ms
  2.0 s  3 open  1 error  150 ops  0 ops/s  0.00 MB/s  p50 -  p99 -
`
	if b.String() != want {
		t.Errorf("it is\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	p.Rewrite = true
	p.Write(total, 4*time.Second)
	p.Clear()
	p.Clear() // nothing is left to clear: what stands there now is another's
	const alone = "\r\x1b[K\x1b[?7l  2.0 s  3 open  1 error  150 ops  0 ops/s  0.00 MB/s  p50 -  p99 -\x1b[?7h\r\x1b[K"
	if got := b.String(); got != alone {
		t.Errorf("on a terminal it is %q, want %q", got, alone)
	}
}
