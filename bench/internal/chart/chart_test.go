package chart_test

import (
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"skein/bench/internal/chart"
)

// two is a chart of a strong series and another one, with a row of the points.
func two(points ...chart.Point) chart.Chart {
	return chart.Chart{
		Title:  "a <b> & \"c\"",
		Series: []chart.Series{{Name: "ours", Colour: "#d55e00", Strong: true}, {Name: "theirs", Colour: "#0072b2", Shape: chart.Square}},
		Panels: []chart.Panel{{Title: "panel", Min: 0.5, Max: 2, Ticks: []float64{0.5, 1, 2}, Rule: 1, RuleName: "one", Format: chart.Ratio,
			Rows: []chart.Row{{Label: "row", Points: points}}}},
	}
}

func TestTheAxisIsLogarithmic(t *testing.T) {
	svg := two(chart.Point{Series: 0, Value: 1}).SVG()
	wellFormed(t, svg)
	// Half, one and two are as far apart, and one is where the circle is.
	x := matches(t, svg, `<line x1="([0-9.]+)"`)
	half, double, one := x[0], x[1], x[2]
	if middle := (half + double) / 2; math.Abs(middle-one) > 0.2 {
		t.Errorf("0.5, 1 and 2 stand at %v, %v and %v", half, one, double)
	}
	circles := matches(t, svg, `<circle cx="([0-9.]+)"`) // one is the legend's
	if len(circles) < 2 || circles[1] != one {
		t.Errorf("the circles stand at %v, want the second at %v", circles, one)
	}
}

func TestWhatIsBeyondTheAxisIsWritten(t *testing.T) {
	svg := two(chart.Point{Series: 1, Value: 12.34, Low: 11, High: 13}, chart.Point{Series: 0, Value: 0.25}).SVG()
	wellFormed(t, svg)
	if !strings.Contains(svg, ">theirs 12.34, ours 0.25<") {
		t.Errorf("the figures beyond are not told in\n%s", svg)
	}
	if got := strings.Count(svg, "<polygon"); got != 2 {
		t.Errorf("there are %d arrows, want 2", got)
	}
}

func TestNoFigureIsNoMark(t *testing.T) {
	empty := two().SVG()
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -1} {
		if got := two(chart.Point{Series: 1, Value: v}).SVG(); got != empty {
			t.Errorf("%v was drawn:\n%s", v, got)
		}
	}
	if got := two(chart.Point{Series: 7, Value: 1}).SVG(); got != empty {
		t.Errorf("a series that is not there was drawn:\n%s", got)
	}
	whiskers := strings.Count(two(chart.Point{Series: 1, Value: 1, Low: 0.9, High: 1.1}).SVG(), "<line")
	without := strings.Count(two(chart.Point{Series: 1, Value: 1, Low: math.NaN(), High: 1.1}).SVG(), "<line")
	if whiskers != without+1 {
		t.Errorf("%d lines with whiskers and %d without", whiskers, without)
	}
}

func TestMarksOfLikeFiguresLieApart(t *testing.T) {
	svg := two(chart.Point{Series: 0, Value: 1}, chart.Point{Series: 1, Value: 1}).SVG()
	circles := matches(t, svg, `<circle cx="[0-9.]+" cy="([0-9.]+)"`)
	squares := matches(t, svg, `<rect x="[0-9.]+" y="([0-9.]+)" width="6\.`)
	if len(circles) < 2 || len(squares) < 2 || squares[1]-circles[1] < 6 {
		t.Errorf("circles at %v, squares at %v: want the second square below the second circle", circles, squares)
	}
}

func TestItIsReadInTheDark(t *testing.T) {
	svg := two().SVG()
	if !strings.Contains(svg, `<rect width="100%" height="100%" fill="#ffffff"/>`) {
		t.Errorf("there is nothing white behind:\n%s", svg)
	}
	if !strings.Contains(svg, "sans-serif") || strings.Contains(svg, "<image") || strings.Contains(svg, "@import") {
		t.Errorf("it needs what is not in it:\n%s", svg)
	}
}

func TestLongTextsAreWrapped(t *testing.T) {
	c := two()
	c.Notes = []string{strings.Repeat("word ", 100)}
	for i := range 30 {
		c.Series = append(c.Series, chart.Series{Name: "a series with a name " + strconv.Itoa(i), Colour: "#000"})
	}
	svg := c.SVG()
	wellFormed(t, svg)
	for _, x := range matches(t, svg, `<text x="([0-9.]+)"`) {
		if x > 900 {
			t.Errorf("a text begins at %v, outside", x)
		}
	}
	if strings.Contains(svg, strings.Repeat("word ", 60)) {
		t.Error("the note was not wrapped")
	}
}

// wellFormed fails unless all of svg is XML.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
	}
}

// matches returns the numbers that the pattern finds.
func matches(t *testing.T, svg, pattern string) []float64 {
	t.Helper()
	var list []float64
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(svg, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}
