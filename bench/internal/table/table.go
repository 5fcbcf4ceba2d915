// Package table writes a table as text that is aligned for the eye, and that is
// a Markdown table at the same time.
package table

import (
	"strings"
	"unicode/utf8"
)

// Render returns the table, each line with its end. The first column stands on
// the left, as it has words; the others stand on the right, as they have
// figures. A row that is short is filled with empty cells.
func Render(head []string, rows [][]string) string {
	widths := make([]int, len(head))
	all := make([][]string, 0, len(rows)+1)
	for _, row := range append([][]string{head}, rows...) {
		cells := make([]string, len(head))
		for i := range cells {
			if i < len(row) {
				cells[i] = escape.Replace(row[i])
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cells[i]), 3)
		}
		all = append(all, cells)
	}
	var b strings.Builder
	for i, cells := range all {
		line(&b, cells, widths)
		if i == 0 {
			ruler(&b, widths)
		}
	}
	return b.String()
}

// escape keeps a cell in its column and in its line.
var escape = strings.NewReplacer("|", `\|`, "\n", " ")

func line(b *strings.Builder, cells []string, widths []int) {
	for i, cell := range cells {
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			b.WriteString("| " + cell + space + " |")
		} else {
			b.WriteString(" " + space + cell + " |")
		}
	}
	b.WriteString("\n")
}

// ruler writes the line under the head, which tells Markdown the sides.
func ruler(b *strings.Builder, widths []int) {
	for i, width := range widths {
		if i == 0 {
			b.WriteString("|" + strings.Repeat("-", width+2) + "|")
		} else {
			b.WriteString(strings.Repeat("-", width+1) + ":|")
		}
	}
	b.WriteString("\n")
}
