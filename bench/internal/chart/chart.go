// Package chart draws what a comparison found as one picture: a panel per kind
// of figure, a line per piece of work, a mark per server, and whiskers for the
// spread.
//
//	chart.go   what there is to draw, and where it stands
//	svg.go     the elements that it is drawn with
//
// The axes are logarithmic, as the figures are ratios: half and double stand as
// far from one. What lies beyond the axis is drawn at its end and written beside
// it, so that one slow server does not squeeze the others together.
package chart

import (
	"fmt"
	"math"
	"strings"
)

// A Chart is a picture about 900 pixels wide and as high as it needs.
type Chart struct {
	Title    string
	Subtitle string
	Series   []Series // in the order of the legend, and from top to bottom in a row
	Panels   []Panel
	Notes    []string // lines under the picture
}

// A Series is what one server looks like.
type Series struct {
	Name   string
	Shape  Shape
	Colour string // as SVG has it
	Strong bool   // the one that the picture is about: larger, with its figures in words
}

// A Shape tells servers apart where colours do not.
type Shape int

// The shapes.
const (
	Circle Shape = iota
	Square
	Diamond
	Up
	Down
	Bar
)

// A Panel is rows over one axis.
type Panel struct {
	Title    string
	Min, Max float64 // the ends of the axis, above 0
	Ticks    []float64
	Rule     float64 // a line to compare with; 0 for none
	RuleName string
	Format   func(v float64) string // of ticks and figures
	Rows     []Row
}

// A Row is one piece of work.
type Row struct {
	Label  string
	Points []Point
}

// A Point is one server's figure. One without a finite figure above 0 is not
// drawn; neither are whiskers without finite ends.
type Point struct {
	Series           int // index in the Chart's
	Value, Low, High float64
}

// The measures of the picture, in pixels.
const (
	width     = 900.0
	margin    = 20.0
	figureX   = 282.0 // the right end of the strong series' figures
	plotLeft  = 296.0
	plotRight = 736.0
	rowHeight = 40.0
	strongest = 6.0 // the radius of a strong mark
	legendRow = 20.0
	noteRow   = 15.0
	panelHead = 52.0 // title and axis
	panelFoot = 14.0
)

// SVG returns the picture as a document of its own: white behind, so that it is
// read in a dark page too, and with no fonts but the generic ones.
func (c Chart) SVG() string {
	d := &drawing{}
	y := margin + 14
	d.text(margin, y, c.Title, style{size: 17, bold: true})
	for _, part := range wrap(c.Subtitle, 140) {
		y += 18
		d.text(margin, y, part, style{size: 12, fill: grey})
	}
	y = c.legend(d, y+26)
	for _, p := range c.Panels {
		y = c.panel(d, p, y+10)
	}
	y += 6
	for _, note := range c.Notes {
		for _, part := range wrap(note, 150) {
			y += noteRow
			d.text(margin, y, part, style{size: 11, fill: grey})
		}
	}
	return d.document(width, y+margin, c.Title)
}

// legend draws every series with its name, in as many lines as it takes, and
// returns where the next thing may begin.
func (c Chart) legend(d *drawing, y float64) float64 {
	x := margin + 6
	for _, s := range c.Series {
		room := 26 + textWidth(s.Name, 12)
		if x+room > width-margin {
			x, y = margin+6, y+legendRow
		}
		d.mark(s, x, y-4)
		d.text(x+10, y, s.Name, style{size: 12, bold: s.Strong})
		x += room + 6
	}
	return y
}

// panel draws one panel from y on and returns its end.
func (c Chart) panel(d *drawing, p Panel, y float64) float64 {
	d.text(margin, y+24, p.Title, style{size: 13, bold: true})
	top, bottom := y+panelHead, y+panelHead+rowHeight*float64(len(p.Rows))
	for i := range p.Rows {
		if i%2 == 0 {
			d.rect(margin-8, top+rowHeight*float64(i), width-2*margin+16, rowHeight, "#f4f5f7")
		}
	}
	for _, tick := range p.Ticks {
		if tick == p.Rule { // its name stands there
			continue
		}
		x := p.x(tick)
		d.line(x, top, x, bottom, "#d5d8dd", 1)
		d.text(x, top-6, p.Format(tick), style{size: 11, fill: grey, anchor: "middle"})
	}
	if p.Rule > 0 {
		d.line(p.x(p.Rule), top-3, p.x(p.Rule), bottom, "#222222", 1.6)
		d.text(p.x(p.Rule), top-6, p.RuleName, style{size: 11, bold: true, anchor: "middle"})
	}
	lanes := c.lanes(p)
	for i, row := range p.Rows {
		c.row(d, p, row, top+rowHeight*float64(i), lanes)
	}
	return bottom + panelFoot
}

// lanes returns how far below the top of a row each series of the panel has its
// lane. Marks of like figures lie beside and not upon each other that way.
func (c Chart) lanes(p Panel) map[int]float64 {
	used := map[int]bool{}
	for _, row := range p.Rows {
		for _, pt := range row.Points {
			used[pt.Series] = true
		}
	}
	units, at := 1.0, map[int]float64{}
	for i, s := range c.Series {
		if !used[i] {
			continue
		}
		if s.Strong { // a large mark takes the room of two
			at[i], units = units+0.5, units+2
		} else {
			at[i], units = units, units+1
		}
	}
	for i := range at {
		at[i] *= rowHeight / units
	}
	return at
}

// row draws one row.
func (c Chart) row(d *drawing, p Panel, row Row, top float64, lanes map[int]float64) {
	d.text(margin, top+rowHeight/2+4, row.Label, style{size: 12})
	var beyond []string
	var strong *Point
	for _, pt := range row.Points {
		if !drawable(pt.Value) || pt.Series < 0 || pt.Series >= len(c.Series) {
			continue
		}
		s, y := c.Series[pt.Series], top+lanes[pt.Series]
		if s.Strong {
			strong = &pt
			d.text(figureX, top+rowHeight/2+4, p.Format(pt.Value),
				style{size: 12, bold: true, fill: s.Colour, anchor: "end"})
		}
		switch {
		case pt.Value > p.Max:
			d.arrow(s, plotRight+1, y, +1)
			beyond = append(beyond, s.Name+" "+p.Format(pt.Value))
		case pt.Value < p.Min:
			d.arrow(s, plotLeft-1, y, -1)
			beyond = append(beyond, s.Name+" "+p.Format(pt.Value))
		default:
			c.point(d, p, pt, y)
		}
	}
	if strong != nil && strong.Value >= p.Min && strong.Value <= p.Max { // on top of the others
		c.point(d, p, *strong, top+lanes[strong.Series])
	}
	lines := pairs(beyond)
	for i, text := range lines {
		y := top + rowHeight/2 + 3.5 + 11*(float64(i)-float64(len(lines)-1)/2)
		d.text(plotRight+10, y, text, style{size: 9.5, fill: grey})
	}
}

func (c Chart) point(d *drawing, p Panel, pt Point, y float64) {
	s := c.Series[pt.Series]
	if drawable(pt.Low) && drawable(pt.High) {
		thick := 1.1
		if s.Strong {
			thick = 2
		}
		d.line(p.x(pt.Low), y, p.x(pt.High), y, s.Colour, thick)
	}
	d.mark(s, p.x(pt.Value), y)
}

// x is where a figure stands, at most at the ends of the axis.
func (p Panel) x(v float64) float64 {
	share := math.Log(v/p.Min) / math.Log(p.Max/p.Min)
	return plotLeft + (plotRight-plotLeft)*min(max(share, 0), 1)
}

func drawable(v float64) bool { return v > 0 && !math.IsInf(v, 0) }

// pairs puts two texts in a line, as many as the margin has room for.
func pairs(list []string) []string {
	var lines []string
	for i := 0; i < len(list); i += 2 {
		lines = append(lines, strings.Join(list[i:min(i+2, len(list))], ", "))
	}
	return lines
}

// wrap cuts a text at spaces into lines of at most so many letters.
func wrap(text string, letters int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > letters {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// textWidth guesses how wide a text is: a generic font has no measures, and its
// letters are little more than half as wide as high.
func textWidth(text string, size float64) float64 {
	return 0.56 * size * float64(len([]rune(text)))
}

// Ratio formats figures that are relative to one.
func Ratio(v float64) string { return fmt.Sprintf("%.2f", v) }
