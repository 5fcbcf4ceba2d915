package report

import (
	"fmt"
	"math"
	"strings"

	"skein/bench/internal/table"
)

// Text returns the report as one would print it or paste it into a page.
func (r *Report) Text() string {
	var b strings.Builder
	r.head(&b)
	for _, s := range r.Sections {
		b.WriteString("\n" + s.Title + "\n\n")
		r.section(&b, s)
	}
	if len(r.Scale) > 0 {
		r.scale(&b)
	}
	return b.String()
}

// head writes what the figures are worth: where, when, how and with what.
func (r *Report) head(b *strings.Builder) {
	fmt.Fprintf(b, "    %s\n\n", r.Command)
	fmt.Fprintf(b, "%s, %s.\n", r.Date.UTC().Format("2006-01-02 15:04 MST"), r.Machine)
	var versions []string
	for _, s := range r.Servers {
		versions = append(versions, s.Label+": "+s.Version)
	}
	if len(versions) > 0 {
		fmt.Fprintf(b, "%s.\n", strings.Join(versions, "; "))
	}
	for _, line := range r.Method {
		b.WriteString(line + "\n")
	}
	for _, line := range r.Missing {
		b.WriteString("Left out: " + line + "\n")
	}
	for _, line := range r.Broken {
		b.WriteString("Left out, as it failed: " + strings.TrimSpace(line) + "\n")
	}
	if r.Partial != "" {
		b.WriteString("NOT COMPLETE: " + r.Partial + "\n")
	}
}

// section writes one table and the reasons of what failed in it.
func (r *Report) section(b *strings.Builder, s Section) {
	head := []string{s.Name}
	if s.Relative {
		head = append(head, r.Label(r.Reference)+" = 1.00")
	}
	var columns []string
	for _, server := range r.Servers {
		if !s.Relative || server.Name != r.Reference {
			head, columns = append(head, server.Label), append(columns, server.Name)
		}
	}
	var rows [][]string
	var notes []string
	for _, row := range s.Rows {
		label := row.Label
		if !s.Relative {
			label += ", " + row.Unit
		}
		line := []string{label}
		if s.Relative {
			base, more := baseCell(row, row.Cells[r.Reference], len(notes)+1)
			line, notes = append(line, base), append(notes, prefixed(r.Label(r.Reference), row.Label, more)...)
		}
		for _, name := range columns {
			cell, measured := row.Cells[name]
			text, more := "–", []string(nil)
			if measured {
				text, more = cellText(cell, s.Relative, len(notes)+1)
			}
			line, notes = append(line, text), append(notes, prefixed(r.Label(name), row.Label, more)...)
		}
		rows = append(rows, line)
	}
	b.WriteString(table.Render(head, rows))
	footnotes(b, notes)
}

// baseCell is the reference's own figure with its unit.
func baseCell(row Row, cell Cell, note int) (string, []string) {
	if cell.Failed != "" {
		return fmt.Sprintf("failed [%d]", note), []string{cell.Failed}
	}
	if row.Base == 0 {
		return "–", nil
	}
	return significant(row.Base) + " " + row.Unit, nil
}

// cellText is a figure with its spread, or the number of the note that says why
// there is none.
func cellText(c Cell, relative bool, note int) (string, []string) {
	switch {
	case c.Failed != "":
		return fmt.Sprintf("failed [%d]", note), []string{c.Failed}
	case c.Absent != "":
		return fmt.Sprintf("– [%d]", note), []string{c.Absent}
	case relative && len(c.Rounds) == 1: // has no spread
		return fmt.Sprintf("%.2f", c.Value), nil
	case relative:
		return fmt.Sprintf("%.2f ±%.2f", c.Value, c.Spread), nil
	case c.Spread > 0:
		return significant(c.Value) + " ±" + significant(c.Spread), nil
	}
	return significant(c.Value), nil
}

func prefixed(server, row string, notes []string) []string {
	var list []string
	for _, n := range notes {
		list = append(list, fmt.Sprintf("%s, %s: %s", server, row, n))
	}
	return list
}

func footnotes(b *strings.Builder, notes []string) {
	if len(notes) > 0 {
		b.WriteString("\n")
	}
	for i, n := range notes {
		fmt.Fprintf(b, "[%d] %s\n", i+1, strings.ReplaceAll(strings.TrimSpace(n), "\n", "; "))
	}
}

// scale writes how one kind of server grows with its connections.
func (r *Report) scale(b *strings.Builder) {
	b.WriteString("\nEcho over many connections, which several processes of the server share\n\n")
	head := []string{"scale", "connections", "served", "processes", "opened in", "CPU per op", "× the smallest", "× " + r.Label(r.Reference), "memory a connection"}
	var rows [][]string
	var notes []string
	for _, s := range r.Scale {
		row := []string{r.Label(s.Server), thousands(s.Conns)}
		if s.Failed != "" {
			notes = append(notes, fmt.Sprintf("%s, %s connections: %s", r.Label(s.Server), thousands(s.Conns), s.Failed))
			rows = append(rows, append(row, fmt.Sprintf("failed [%d]", len(notes))))
			continue
		}
		memory := "–"
		if s.Bytes > 0 {
			memory = significant(s.Bytes) + " B"
		}
		rows = append(rows, append(row, thousands(s.Served), fmt.Sprint(s.Processes), fmt.Sprintf("%.1f s", s.OpenedIn),
			significant(s.NsPerOp)+" ns", fmt.Sprintf("%.2f", s.Growth), r.besideReference(s), memory))
	}
	b.WriteString(table.Render(head, rows))
	footnotes(b, notes)
}

// besideReference is a size's cost as a multiple of the reference's at the same
// number of connections.
func (r *Report) besideReference(s Size) string {
	for _, ref := range r.Scale {
		if ref.Server == r.Reference && ref.Conns == s.Conns && ref.Failed == "" && ref.NsPerOp > 0 {
			return fmt.Sprintf("%.2f", s.NsPerOp/ref.NsPerOp)
		}
	}
	return "–"
}

// significant writes a figure with three digits that mean something.
func significant(v float64) string {
	switch size := math.Abs(v); {
	case size >= 100:
		return thousands(int(math.Round(v)))
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
