package report_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"skein/bench/cmd/compare/registry"
	"skein/bench/cmd/compare/report"
)

func TestText(t *testing.T) {
	text := regexp.MustCompile(" +").ReplaceAllString(canned().Text(), " ") // the columns' widths are the table's matter
	for _, want := range []string{
		" go run ./bench/cmd/compare -rounds 5\n",
		"2026-01-02 03:04 UTC, 2 cores, Linux 6.1, go1.26.\n",
		"gnet: v2.9.8; ",
		"5 rounds of 400ms.\n",
		"Left out: asyncio: install it\n",
		"C = 1.00", "5,123 ns/op",
		"12.00 ±0.50", // half of the rounds, not all
		"failed [1] | – | – [2] |", "\n[1] gnet, proxy, a fetch each time: it ended: exit status 3\n[2] netpoll, proxy, a fetch each time: its dial fails\n",
		"| p99.9 at 20,000/s | 180 µs | 1.10 ±0.05 |",
		"| idle, bytes a connection | 190 | 88.0 |",
		"| skein | 100,000 | 100,000 | 7 | 4.2 s | 7,500 ns | 1.50 | – | 210 B |",
		"| skein | 100 | 100 | 1 | 0.0 s | 5,000 ns | 1.00 | 1.25 | – |",
		"\n[1] C, 100,000 connections: out of descriptors\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "NOT COMPLETE") || strings.Contains(text, "as it failed") {
		t.Errorf("it complains of nothing:\n%s", text)
	}
}

func TestOneRoundHasNoSpread(t *testing.T) {
	r := canned()
	r.Sections[0].Rows[0].Cells["skein"] = report.Cell{Value: 1.5, Low: 1.5, High: 1.5, Rounds: []float64{7}}
	if text := r.Text(); !strings.Contains(text, " 1.50 |") {
		t.Errorf("there is no bare 1.50 in\n%s", text)
	}
}

// TestColumnsKeepTheirOrder looks at the heads of the two kinds of tables.
func TestColumnsKeepTheirOrder(t *testing.T) {
	var heads []string
	for line := range strings.Lines(canned().Text()) {
		if strings.HasPrefix(line, "| cpu") || strings.HasPrefix(line, "| memory") {
			heads = append(heads, strings.Join(strings.Fields(strings.ReplaceAll(line, "|", " ")), " "))
		}
	}
	want := []string{
		"cpu C = 1.00 skein libuv epoll in Go gnet nbio netpoll Go net uvloop Node Twisted",
		"memory skein C libuv epoll in Go gnet nbio netpoll Go net uvloop Node Twisted",
	}
	if !reflect.DeepEqual(heads, want) {
		t.Errorf("the heads are\n%q, want\n%q", heads, want)
	}
}

func TestWhatIsMissingIsTold(t *testing.T) {
	r := canned()
	r.Partial, r.Broken = "it was interrupted", []string{"nbio cannot be built: no"}
	for i := range r.Sections[0].Rows[0].Cells {
		r.Sections[0].Rows[0].Cells[i] = report.Failed("C died")
	}
	text := r.Text()
	for _, want := range []string{"NOT COMPLETE: it was interrupted\n", "Left out, as it failed: nbio cannot be built: no\n",
		"[1] C, echo, 50 connections: C died\n", "[2] skein, echo, 50 connections: C died\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if got := r.Failures(); got != len(servers)+1+1 {
		t.Errorf("%d failures, want one of each server, gnet's and one of the scale", got)
	}
}

func TestNoFigureIsAFailure(t *testing.T) {
	for _, c := range []report.Cell{{Value: math.NaN()}, {High: math.Inf(1)}, {Low: math.Inf(-1)}, {Spread: math.NaN()}} {
		if got := c.Finite(); got.Failed == "" || got.Value != 0 {
			t.Errorf("%+v became %+v, want a failure without a figure", c, got)
		}
	}
	if got := report.Exactly(3); got.Failed != "" || got.Value != 3 || got.Low != 3 || got.High != 3 {
		t.Errorf("exactly 3 became %+v", got)
	}
}

func TestJSON(t *testing.T) {
	want := canned()
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := &report.Report{}
	if err := json.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the report came back as\n%+v, want\n%+v", got, want)
	}
}

func TestSVG(t *testing.T) {
	svg, drawn := canned().SVG()
	if !drawn {
		t.Fatal("nothing was drawn")
	}
	texts := readSVG(t, svg)
	for _, want := range []string{"skein", "C = 1.00", "epoll in Go", "echo, 10,000 connections × 16", "libuv 0.50, netpoll 12.00",
		"Twisted 30.00", "idle", "p99.9 at 20,000/s", "go run ./bench/cmd/compare -rounds 5"} {
		if !contains(texts, want) {
			t.Errorf("there is no %q in the picture's texts: %q", want, texts)
		}
	}
	if again, _ := canned().SVG(); again != svg {
		t.Error("the same report was drawn in two ways")
	}
	if _, drawn := (&report.Report{Servers: servers, Reference: "c"}).SVG(); drawn {
		t.Error("a report without figures was drawn")
	}
}

func TestSVGWithoutC(t *testing.T) {
	r := canned()
	r.Reference, r.Partial = "epoll", "it was <interrupted> & more"
	svg, _ := r.SVG()
	texts := readSVG(t, svg)
	for _, want := range []string{"epoll in Go = 1.00", "Network frameworks beside a bare epoll loop", "Not complete: it was <interrupted> & more"} {
		if !contains(texts, want) {
			t.Errorf("there is no %q in the picture's texts: %q", want, texts)
		}
	}
}

// TestEveryServerHasALook draws each server of the registry and sees that none
// looks like another one.
func TestEveryServerHasALook(t *testing.T) {
	seen := map[string]string{}
	for _, s := range registry.All() {
		r := &report.Report{Servers: []report.Server{{Name: s.Name, Label: "x"}}, Reference: "x"}
		r.Add(report.Section{Name: "memory"}, report.Row{Name: "memory-idle", Cells: map[string]report.Cell{s.Name: report.Exactly(100)}})
		svg, _ := r.SVG()
		if other := seen[svg]; other != "" {
			t.Errorf("%s looks like %s", s.Name, other)
		}
		seen[svg] = s.Name
	}
}

// readSVG returns the texts of a picture that must be sound XML.
func readSVG(t *testing.T, svg string) []string {
	t.Helper()
	var texts []string
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return texts
		}
		if err != nil {
			t.Fatalf("the picture is not XML: %v\n%s", err, svg)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, strings.TrimSpace(string(text)))
		}
	}
}

func contains(texts []string, want string) bool {
	for _, text := range texts {
		if strings.Contains(text, want) {
			return true
		}
	}
	return false
}
