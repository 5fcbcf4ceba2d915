package stats

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// plain returns the page for a terminal.
func (s *Site) plain() []byte {
	p := s.page()
	var b bytes.Buffer
	b.WriteString(p.Title + "\n" + p.Summary + "\n")
	for _, t := range p.Tables {
		b.WriteString("\n" + t.Title + "\n")
		t.write(&b)
	}
	b.WriteByte('\n')
	for _, note := range p.Notes {
		b.WriteString(wrap(note, 78, "  "))
	}
	return b.Bytes()
}

// write writes the table in columns that are as wide as they have to be, with
// numbers on the right.
func (t *table) write(b *bytes.Buffer) {
	first, widths := 0, make([]int, len(t.Heads))
	for i, h := range t.Heads {
		widths[i] = utf8.RuneCountInString(h.Label)
	}
	for _, r := range t.Rows {
		first = max(first, utf8.RuneCountInString(r.Name))
		for i, cell := range r.Cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(name string, cell func(i int) string) {
		text := "  " + name + spaces(first-utf8.RuneCountInString(name))
		for i, width := range widths {
			text += "  " + spaces(width-utf8.RuneCountInString(cell(i))) + cell(i)
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	line("", func(i int) string { return t.Heads[i].Label })
	for _, r := range t.Rows {
		line(r.Name, func(i int) string { return r.Cells[i] })
	}
}

// spaces returns n of them.
func spaces(n int) string { return strings.Repeat(" ", n) }

// wrap breaks text into lines of a width; the ones behind the first are indented.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String() + "\n"
}
