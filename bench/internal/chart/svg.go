package chart

import (
	"fmt"
	"strings"
)

// A drawing gathers the elements of a picture.
type drawing struct{ body strings.Builder }

// grey is for what is read second.
const grey = "#555b66"

// style is how a text looks; the zero style is 12 pixels, dark, from the left.
type style struct {
	size   float64
	bold   bool
	fill   string
	anchor string
}

// escape keeps texts apart from the markup.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// document closes the picture over what was drawn.
func (d *drawing) document(w, h float64, title string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" `+
		`font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif">`+"\n"+
		"<title>%s</title>\n"+`<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n%s</svg>\n",
		w, h, w, h, escape.Replace(title), d.body.String())
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.body, format+"\n", args...) }

func (d *drawing) text(x, y float64, text string, s style) {
	attrs := ""
	if s.bold {
		attrs += ` font-weight="600"`
	}
	if s.anchor != "" {
		attrs += ` text-anchor="` + s.anchor + `"`
	}
	if s.fill == "" {
		s.fill = "#1b1f24"
	}
	d.add(`<text x="%.1f" y="%.1f" font-size="%g" fill="%s"%s>%s</text>`, x, y, s.size, s.fill, attrs, escape.Replace(text))
}

func (d *drawing) line(x1, y1, x2, y2 float64, colour string, thick float64) {
	d.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>`, x1, y1, x2, y2, colour, thick)
}

func (d *drawing) rect(x, y, w, h float64, colour string) {
	d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, w, h, colour)
}

// mark draws a series' sign with a thin white rim, which parts those that touch.
func (d *drawing) mark(s Series, x, y float64) {
	r := 3.6
	if s.Strong {
		r = strongest
	}
	const rim = `stroke="#ffffff" stroke-width="0.8"`
	switch s.Shape {
	case Square:
		d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" %s/>`, x-r*0.88, y-r*0.88, r*1.76, r*1.76, s.Colour, rim)
	case Diamond:
		d.polygon(s.Colour, rim, x, y-r*1.25, x+r*1.25, y, x, y+r*1.25, x-r*1.25, y)
	case Up:
		d.polygon(s.Colour, rim, x, y-r*1.15, x+r*1.15, y+r*0.9, x-r*1.15, y+r*0.9)
	case Down:
		d.polygon(s.Colour, rim, x, y+r*1.15, x+r*1.15, y-r*0.9, x-r*1.15, y-r*0.9)
	case Bar:
		d.add(`<rect x="%.1f" y="%.1f" width="2.4" height="%.1f" fill="%s"/>`, x-1.2, y-r*1.6, r*3.2, s.Colour)
	default:
		d.add(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" %s/>`, x, y, r, s.Colour, rim)
	}
}

// arrow stands at an end of the axis for a figure beyond it; side is 1 or -1.
func (d *drawing) arrow(s Series, x, y, side float64) {
	d.polygon(s.Colour, "", x-side*4, y-3.2, x+side*3, y, x-side*4, y+3.2)
}

func (d *drawing) polygon(colour, rim string, xy ...float64) {
	var points []string
	for i := 0; i+1 < len(xy); i += 2 {
		points = append(points, fmt.Sprintf("%.1f,%.1f", xy[i], xy[i+1]))
	}
	d.add(`<polygon points="%s" fill="%s" %s/>`, strings.Join(points, " "), colour, rim)
}
