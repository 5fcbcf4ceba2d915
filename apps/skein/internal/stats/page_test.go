package stats_test

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"skein/apps/skein/internal/stats"
)

// hostile is a name that means something in HTML, in Prometheus' text, and to a
// terminal.
const hostile = "<script>alert(1)</script> & \"x\\y\" 'z'\n\x1b[31mred\x00 \xff {{.}}"

// tables is the beginning of the page of three processes, for a terminal.
const tables = `poetry
2 workers. 2000-01-01 00:00:00 UTC

The loop
                              turns  callbacks     lag   max lag  slow  panics
  supervisor, pid 1000    1,234,567          2   25 µs    1.5 ms     5       4
  worker 1, pid 1001      2,469,134          4   50 µs    3.0 ms    10       8
  worker 2, pid 1002    123,456,700        200  2.5 ms  150.0 ms   500     400
  all                   127,160,401        206  2.5 ms  150.0 ms   515     412

Connections
                        open  made  accepted  starved      read    written
  supervisor, pid 1000     8     6         7        9     100 B    1.5 KiB
  worker 1, pid 1001      16    12        14       18     200 B    3.0 KiB
  worker 2, pid 1002     800   600       700      900   9.8 KiB  150.0 KiB
  all                    824   618       721      927  10.1 KiB  154.5 KiB

What waits
                        timers  timers run  Deferreds  log lines dropped
  supervisor, pid 1000      11           3         12                 13
  worker 1, pid 1001        22           6         24                 26
  worker 2, pid 1002     1,100         300      1,200              1,300
  all                    1,133         309      1,236              1,339

The process
                               up      CPU     memory       heap  goroutines  descriptors  of at most
  supervisor, pid 1000  1 h 0 min  14.00 s    1.0 MiB  512.0 KiB          16           15       1,000
  worker 1, pid 1001    2 h 0 min  28.00 s    2.0 MiB    1.0 MiB          32           30       2,000
  worker 2, pid 1002      4 d 4 h  1,400 s  100.0 MiB   50.0 MiB       1,600        1,500     100,000
  all                              1,442 s  103.0 MiB   51.5 MiB       1,648        1,545

Lag: `

// The snapshots come in any order, and one of them from a worker that has been
// replaced.
func TestPlain(t *testing.T) {
	old := sample(2, 1000)
	got := get(t, site(old, sample(2, 100), sample(0, 1), sample(1, 2)), "/")
	if kind := got.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type: %s", kind)
	}
	if !strings.HasPrefix(got.body, tables) {
		t.Errorf("got:\n%s\nwant:\n%s", got.body, tables)
	}
	for line := range strings.Lines(got.body[strings.Index(got.body, "Lag: "):]) {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("a long line: %s", line)
		}
	}
}

func TestPlainOfOne(t *testing.T) {
	one := sample(0, 1)
	one.Process.Resident, one.Process.Descriptors = 0, 0 // not every system tells
	for _, test := range []struct {
		name  string
		snaps []stats.Snapshot
		want  []string
	}{
		{"nobody", nil, []string{"poetry\nNo process has told its numbers yet. 2000-"}},
		{"one process", []stats.Snapshot{one}, []string{
			"One process. ", "\n  pid 1000  1,234,567 ", "\n  pid 1000  1 h 0 min  14.00 s          512.0 KiB ",
		}},
		{"one worker", []stats.Snapshot{sample(1, 1)}, []string{"One worker. ", "\n  worker 1, pid 1001  1,234,567 "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := get(t, site(test.snaps...), "/").body
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("got:\n%s\nwant %q in it", got, want)
				}
			}
			if strings.Contains(got, "\n  all ") {
				t.Errorf("one row needs no sum:\n%s", got)
			}
		})
	}
}

// The numbers in all their sizes.
func TestNumbers(t *testing.T) {
	s := sample(0, 1)
	for _, test := range []struct {
		set  func()
		want string
	}{
		{func() { s.Reactor.Turns = 0 }, " 0 "},
		{func() { s.Reactor.Turns = 999 }, " 999 "},
		{func() { s.Reactor.Turns = 1000 }, " 1,000 "},
		{func() { s.Reactor.Turns = 12345678 }, " 12,345,678 "},
		{func() { s.Reactor.BytesRead = 1023 }, " 1,023 B "},
		{func() { s.Reactor.BytesRead = 1024 }, " 1.0 KiB "},
		{func() { s.Reactor.BytesRead = 3 << 40 }, " 3.0 TiB "},
		{func() { s.Reactor.BytesRead = 1<<64 - 1 }, " 16.0 EiB "},
		{func() { s.Reactor.Lag = 0 }, " 0 s "},
		{func() { s.Reactor.Lag = 999_000 }, " 999 µs "},
		{func() { s.Reactor.Lag = 1_000_000 }, " 1.0 ms "},
		{func() { s.Reactor.Lag = 2_346_000_000 }, " 2.35 s "},
		{func() { s.Started = site().Clock.Now().Add(59e9) }, "  0 s "},
		{func() { s.Started = site().Clock.Now().Add(-59e9) }, "  59 s "},
		{func() { s.Started = site().Clock.Now().Add(-61e9) }, "  1 min 1 s "},
		{func() { s.Started = site().Clock.Now().Add(-49 * 3600e9) }, "  2 d 1 h "},
	} {
		test.set()
		if got := get(t, site(s), "/").body; !strings.Contains(got, test.want) {
			t.Errorf("no %q in:\n%s", test.want, got)
		}
	}
}

// elements reads the page as XML, which HTML of this plainness is, and returns
// the texts of the elements of each name.
func elements(t *testing.T, page string) map[string][]string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	texts := map[string][]string{}
	var open []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v\n%s", err, page)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
			texts[e.Name.Local] = append(texts[e.Name.Local], "")
		case xml.EndElement:
			if open[len(open)-1] != e.Name.Local {
				t.Fatalf("<%s> ends <%s>", e.Name.Local, open[len(open)-1])
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				list := texts[open[len(open)-1]]
				list[len(list)-1] += string(e)
			}
		}
	}
	if len(open) != 0 {
		t.Fatalf("open at the end: %q", open)
	}
	return texts
}

func TestHTML(t *testing.T) {
	got := get(t, site(sample(2, 100), sample(0, 1), sample(1, 2)), "/", "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	for name, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Cache-Control":           "no-store",
		"Vary":                    "Accept",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
		"X-Content-Type-Options":  "nosniff",
		"Date":                    "Sat, 01 Jan 2000 00:00:00 GMT",
	} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	e := elements(t, got.body)
	for name, want := range map[string]int{"script": 0, "title": 1, "style": 1, "h1": 1, "table": 4, "caption": 4, "tfoot": 4, "tr": 20, "th": 23 + 16, "td": 4*23 + 4} {
		if len(e[name]) != want {
			t.Errorf("<%s> %d times, want %d", name, len(e[name]), want)
		}
	}
	for _, want := range []string{"127,160,401", "2.5 ms", "154.5 KiB", "1,442 s"} {
		if !strings.Contains(strings.Join(e["td"], "|"), "|"+want+"|") {
			t.Errorf("no cell has %q: %q", want, e["td"])
		}
	}
}

// What has a name can be given any: it stays text.
func TestHostileNames(t *testing.T) {
	snap := sample(0, 1)
	snap.Name = hostile
	s := site(snap)
	s.Name = hostile
	page := get(t, s, "/", "Accept: text/html").body
	e := elements(t, page)
	if len(e["script"]) != 0 || !strings.HasPrefix(e["h1"][0], "<script>alert(1)</script> & \"x\\y\" 'z'") || !strings.HasPrefix(e["title"][0], "<script>alert(1)") {
		t.Errorf("h1: %q, title: %q", e["h1"], e["title"])
	}
	plain := get(t, s, "/").body
	if title, _, _ := strings.Cut(plain, "\nOne process."); strings.ContainsAny(title, "\x1b\x00\n") || !utf8.ValidString(title) || !strings.HasPrefix(title, "<script>") {
		t.Errorf("the title on a terminal: %q", title)
	}
}

// Who asks for HTML by its name gets it; who takes anything gets text.
func TestAccept(t *testing.T) {
	for accept, html := range map[string]bool{
		"":                                     false,
		"Accept: */*":                          false,
		"Accept: text/plain":                   false,
		"Accept: text/html":                    true,
		"accept:TEXT/HTML":                     true,
		"Accept: text/html;level=1;q=0.4":      true,
		"Accept: text/html;q=0":                false,
		"Accept: text/html;q=x":                false,
		"Accept: text/html; Q=0.5, text/plain": false,
		"Accept: text/html, text/plain":        true,
		"Accept: text/plain;q=0.5\r\nAccept: text/html;q=0.6": true,
		"Accept: image/png, application/json":                 false,
	} {
		got := get(t, site(), "/", accept).Header.Get("Content-Type")
		if strings.HasPrefix(got, "text/html") != html {
			t.Errorf("%s: got %s", accept, got)
		}
	}
}
