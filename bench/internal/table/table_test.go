package table_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"skein/bench/internal/table"
)

func ExampleRender() {
	fmt.Print(table.Render([]string{"work", "C, ns", "skein"}, [][]string{
		{"echo", "5120", "1.05 ±0.02"},
		{"a|b", "900"},
	}))
	// Output:
	// | work | C, ns |      skein |
	// |------|------:|-----------:|
	// | echo |  5120 | 1.05 ±0.02 |
	// | a\|b |   900 |            |
}

func TestEveryLineIsAsWide(t *testing.T) {
	text := table.Render([]string{"a", "été"}, [][]string{{"–", "12 µs"}, {"two\nlines", "x", "one too many"}})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4:\n%s", len(lines), text)
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) != utf8.RuneCountInString(lines[0]) {
			t.Errorf("the lines differ in width:\n%s", text)
		}
	}
	if strings.Contains(text, "too many") {
		t.Errorf("a cell without a head was kept:\n%s", text)
	}
}
