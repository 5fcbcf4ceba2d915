package load

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// The plot's measures, in pixels.
const (
	plotWidth, plotHeight = 960, 480
	plotLeft, plotRight   = 90, 24
	plotTop, plotBottom   = 72, 56
)

// curve is one line of the plot.
type curve struct {
	name, color string
	of          func(Point) int64
}

// curves are those of the plot, the lowest first. The colours can be told apart
// by people who do not see red and green as others do.
func curves() []curve {
	return []curve{
		{"p50", "#0072b2", func(p Point) int64 { return p.P50 }},
		{"p99", "#e69f00", func(p Point) int64 { return p.P99 }},
		{"max", "#b0306a", func(p Point) int64 { return p.Max }},
	}
}

// plot is a picture that is being drawn. The scale of the latencies is
// logarithmic: the worst is often a thousand times the median.
type plot struct {
	strings.Builder
	r         *Result
	end       float64 // of the time, in seconds
	low, high int     // of the latencies, as powers of ten of a nanosecond
}

// WriteSVG draws the latency over time.
func (r *Result) WriteSVG(w io.Writer) error {
	p := &plot{r: r, end: seconds(max(r.Elapsed, int64(time.Millisecond)))}
	p.low, p.high = p.powers()
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#222">`+"\n",
		plotWidth, plotHeight, plotWidth, plotHeight)
	fmt.Fprintf(p, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, plotHeight)
	p.drawTitle()
	p.drawTimeAxis()
	p.drawLatencyAxis()
	for i, c := range curves() {
		p.drawCurve(c)
		p.drawKey(i, c)
	}
	if r.Latency.Count == 0 {
		p.text((plotWidth+plotLeft-plotRight)/2, plotHeight/2, "middle", "there were no operations")
	}
	p.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.String())
	return err
}

// powers returns the powers of ten between which all latencies are.
func (p *plot) powers() (low, high int) {
	least, most := int64(math.MaxInt64), int64(0)
	for _, point := range p.r.Series {
		if point.Max > 0 {
			least, most = min(least, point.P50), max(most, point.Max)
		}
	}
	if most == 0 {
		return 5, 8
	}
	low = int(math.Floor(math.Log10(float64(max(least, 1)))))
	high = int(math.Ceil(math.Log10(float64(most))))
	return low, max(high, low+1)
}

// x places a time in seconds.
func (p *plot) x(s float64) float64 {
	return plotLeft + min(s/p.end, 1)*(plotWidth-plotLeft-plotRight)
}

// y places a latency.
func (p *plot) y(ns float64) float64 {
	at := (math.Log10(max(ns, 1)) - float64(p.low)) / float64(p.high-p.low)
	return plotHeight - plotBottom - min(max(at, 0), 1)*(plotHeight-plotTop-plotBottom)
}

// text writes at a place.
func (p *plot) text(x, y float64, anchor, s string) {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, s)
}

// line draws a thin line.
func (p *plot) line(x1, y1, x2, y2 float64, color string) {
	fmt.Fprintf(p, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, color)
}

// drawTitle says what the picture shows.
func (p *plot) drawTitle() {
	var b strings.Builder
	p.r.writeHead(&b)
	head, _, _ := strings.Cut(b.String(), "\n")
	fmt.Fprintf(p, `<g font-size="15" font-weight="bold">`)
	p.text(plotLeft, 26, "start", head)
	p.WriteString("</g>\n")
	from := "from when each operation began"
	if p.r.Corrected {
		from = "from when each operation was due"
	}
	p.text(plotLeft, 50, "start", fmt.Sprintf("latency %s; %.0f operations/s, %d errors", from, p.r.PerSecond, p.errors()))
}

// errors returns how many there were.
func (p *plot) errors() (n uint64) {
	for _, m := range p.r.Errors {
		n += m
	}
	return n
}

// drawTimeAxis draws the time, in seconds, with some ten marks.
func (p *plot) drawTimeAxis() {
	bottom := float64(plotHeight - plotBottom)
	step := niceStep(p.end / 10)
	for i := 0; float64(i)*step <= p.end*1.0001; i++ {
		x := p.x(float64(i) * step)
		p.line(x, plotTop, x, bottom, "#eee")
		p.text(x, bottom+20, "middle", fmt.Sprintf("%.4g", float64(i)*step))
	}
	p.line(plotLeft, bottom, plotWidth-plotRight, bottom, "#222")
	p.text((plotWidth+plotLeft-plotRight)/2, plotHeight-12, "middle", "time (s)")
}

// niceStep returns the least of 1, 2 and 5 times a power of ten that is not
// below x.
func niceStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= x {
			return f * power
		}
	}
	return 10 * power
}

// drawLatencyAxis draws the latencies, with a mark at each power of ten.
func (p *plot) drawLatencyAxis() {
	for n := p.low; n <= p.high; n++ {
		ns := math.Pow(10, float64(n))
		y := p.y(ns)
		p.line(plotLeft, y, plotWidth-plotRight, y, "#ddd")
		p.text(plotLeft-8, y+4, "end", power(n))
		for f := 2.0; n < p.high && f < 10; f++ {
			p.line(plotLeft-4, p.y(f*ns), plotLeft, p.y(f*ns), "#222")
		}
	}
	p.line(plotLeft, plotTop, plotLeft, plotHeight-plotBottom, "#222")
	middle := (plotHeight + plotTop - plotBottom) / 2
	fmt.Fprintf(p, `<text transform="translate(20 %d) rotate(-90)" text-anchor="middle">latency (logarithmic)</text>`+"\n", middle)
}

// power writes a power of ten of a nanosecond.
func power(n int) string {
	units := []string{"ns", "µs", "ms", "s"}
	unit := min(n/3, len(units)-1)
	return fmt.Sprintf("%.0f %s", math.Pow(10, float64(n-3*unit)), units[unit])
}

// drawCurve draws one curve, with a gap where nothing was done.
func (p *plot) drawCurve(c curve) {
	var run []string
	end := func() {
		switch {
		case len(run) == 1:
			x, y, _ := strings.Cut(run[0], ",")
			fmt.Fprintf(p, `<circle cx="%s" cy="%s" r="2" fill="%s"/>`+"\n", x, y, c.color)
		case len(run) > 1:
			fmt.Fprintf(p, `<polyline fill="none" stroke="%s" stroke-width="1.6" stroke-linejoin="round" points="%s"/>`+"\n", c.color, strings.Join(run, " "))
		}
		run = run[:0]
	}
	for _, point := range p.r.Series {
		if point.Max == 0 {
			end()
			continue
		}
		run = append(run, fmt.Sprintf("%.1f,%.1f", p.x(seconds(point.From+point.To)/2), p.y(float64(c.of(point)))))
	}
	end()
}

// drawKey names a curve.
func (p *plot) drawKey(i int, c curve) {
	x := float64(plotWidth - plotRight - 64*(len(curves())-i))
	fmt.Fprintf(p, `<line x1="%.1f" y1="46" x2="%.1f" y2="46" stroke="%s" stroke-width="3"/>`+"\n", x, x+20, c.color)
	p.text(x+26, 50, "start", c.name)
}
