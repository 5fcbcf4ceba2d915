package stats

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// page is what people read, as HTML or as text.
type page struct {
	Title   string
	Summary string
	Tables  []table
	Notes   []string
}

// table has a row for each process, and one for all where there are several.
type table struct {
	Title string
	Heads []head
	Rows  []row
}

// head is the head of a column.
type head struct{ Label, Help string }

// row is one process, or all.
type row struct {
	Name  string
	Cells []string
	All   bool
}

// notes say what the tables cannot.
var notes = [...]string{
	"Lag: how late the last timer ran, because the loop was busy with callbacks. These stats run a timer each second, so the number is no older than that.",
	"Slow: callbacks slower than 100 ms. The loop stood still meanwhile; the log names them.",
	"Deferreds: those that have not fired. One that was dropped counts until the collector has found it.",
	"The numbers for Prometheus are at /metrics.",
}

// page makes the page of now.
func (s *Site) page() page {
	snaps, now := s.gather(), s.Clock.Now()
	p := page{Title: printable(cmp.Or(s.Name, "skein")), Summary: summary(snaps, now), Notes: notes[:]}
	if len(snaps) == 0 {
		return p
	}
	for _, g := range groups(now) {
		t := table{Title: g.title}
		for _, m := range g.measures {
			t.Heads = append(t.Heads, head{m.label, m.help})
		}
		for i := range snaps {
			t.Rows = append(t.Rows, row{Name: rowName(snaps, i), Cells: cells(g, snaps[i:i+1])})
		}
		if len(snaps) > 1 {
			t.Rows = append(t.Rows, row{Name: "all", Cells: cells(g, snaps), All: true})
		}
		p.Tables = append(p.Tables, t)
	}
	return p
}

// gather returns the snapshots in the order of their numbers. Of two with the
// same number, the older process is gone: Prometheus would take neither.
func (s *Site) gather() []Snapshot {
	snaps := slices.Clone(s.Gather())
	slices.SortStableFunc(snaps, func(a, b Snapshot) int {
		return cmp.Or(cmp.Compare(a.Worker, b.Worker), b.Started.Compare(a.Started))
	})
	return slices.CompactFunc(snaps, func(a, b Snapshot) bool { return a.Worker == b.Worker })
}

// summary says who is there.
func summary(snaps []Snapshot, now time.Time) string {
	at := now.UTC().Format("2006-01-02 15:04:05") + " UTC"
	workers := len(snaps)
	if workers > 0 && snaps[0].Worker == 0 {
		workers--
	}
	switch {
	case len(snaps) == 0:
		return "No process has told its numbers yet. " + at
	case workers == 0:
		return "One process. " + at
	case workers == 1:
		return "One worker. " + at
	}
	return fmt.Sprintf("%d workers. %s", workers, at)
}

// rowName names a process.
func rowName(snaps []Snapshot, i int) string {
	s := &snaps[i]
	switch {
	case s.Worker != 0:
		return fmt.Sprintf("worker %d, pid %d", s.Worker, s.PID)
	case len(snaps) > 1:
		return fmt.Sprintf("supervisor, pid %d", s.PID)
	}
	return fmt.Sprintf("pid %d", s.PID)
}

// cells returns a row's cells: the numbers of one process, or what stands for
// several.
func cells(g group, snaps []Snapshot) []string {
	var list []string
	for _, m := range g.measures {
		total := 0.0
		for i := range snaps {
			if v := m.value(&snaps[i]); m.fold == sum {
				total += v
			} else {
				total = max(total, v)
			}
		}
		switch {
		case m.fold == none && len(snaps) > 1, m.maybe && total == 0:
			list = append(list, "")
		default:
			list = append(list, m.show(total))
		}
	}
	return list
}
