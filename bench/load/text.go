package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// WriteText writes the result for people.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	r.writeHead(&b)
	r.writeCounts(&b)
	switch {
	case r.Latency.Count > 0 && r.Corrected:
		writeTimes(&b, "latency", "from when each operation was due: corrected for coordinated omission", &r.Latency)
		writeTimes(&b, "service", "from when each operation began: not corrected", r.Service)
	case r.Latency.Count > 0:
		writeTimes(&b, "latency", "closed loop: a server that hesitates is asked less; --rate shows what that hides", &r.Latency)
	}
	if r.Latency.Count > 0 {
		writeBars(&b, r.Latency)
	}
	writeTimes(&b, "connect", "from the attempt to the connection", &r.Connections.Time)
	r.writeErrors(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeHead writes what was done.
func (r *Result) writeHead(b *strings.Builder) {
	loop := "closed loop"
	if r.Rate > 0 {
		loop = fmt.Sprintf("%g a second", r.Rate)
	}
	if r.Mode == Idle {
		loop = "held"
	}
	depth := ""
	if r.Depth > 1 {
		depth = fmt.Sprintf(", depth %d", r.Depth)
	}
	fmt.Fprintf(b, "%s to %s: %s%s, %s, %s\n", r.Mode, r.Target,
		number(uint64(r.Conns), "connection"), depth, loop, number(uint64(r.Processes), "process"))
	how := ""
	switch {
	case r.Stopped != "":
		how = ", stopped: " + r.Stopped
	case r.Interrupted:
		how = ", interrupted: this is what there was"
	}
	fmt.Fprintf(b, "  measured    %s of %s%s\n", short(r.Elapsed), short(r.For), how)
}

// writeCounts writes what there was of everything.
func (r *Result) writeCounts(b *strings.Builder) {
	if r.Mode != Idle {
		fmt.Fprintf(b, "  operations  %d right, %d failed, of these %d wrong", r.Operations, r.Failed, r.Wrong)
		if r.Unfinished > 0 {
			fmt.Fprintf(b, "; %d unfinished", r.Unfinished)
		}
		fmt.Fprintf(b, "\n  throughput  %.1f operations/s, %s/s received, %s/s sent\n",
			r.PerSecond, bytesOf(r.ReceivedPerSecond), bytesOf(r.SentPerSecond))
	}
	c := r.Connections
	fmt.Fprintf(b, "  connections %d opened, %d lost, %d at most at once, %d at the end", c.Opened, c.Lost, c.Most, c.AtEnd)
	if c.Opening > 0 {
		fmt.Fprintf(b, "; opening took %s", short(c.Opening))
	}
	b.WriteString("\n")
}

// writeTimes writes percentiles.
func writeTimes(b *strings.Builder, name, what string, t *Times) {
	if t == nil || t.Count == 0 {
		return
	}
	fmt.Fprintf(b, "  %-11s p50 %s  p90 %s  p99 %s  p99.9 %s  max %s\n", name,
		short(t.P50), short(t.P90), short(t.P99), short(t.P999), short(t.Max))
	fmt.Fprintf(b, "              (%s)\n", what)
}

// barWidth is the length of the longest bar, in characters.
const barWidth = 40

// writeBars draws a histogram.
func writeBars(b *strings.Builder, t Times) {
	most := int64(1)
	for _, bar := range t.Bars {
		most = max(most, bar.Count)
	}
	for _, bar := range t.Bars {
		length := int(bar.Count * barWidth / most)
		if length == 0 && bar.Count > 0 {
			length = 1
		}
		line := fmt.Sprintf("  %9s .. %-9s %-*s %d  %.3g %%", short(bar.From), short(bar.To),
			barWidth, strings.Repeat("#", length), bar.Count, 100*float64(bar.Count)/float64(t.Count))
		b.WriteString(line + "\n")
	}
}

// writeErrors writes the errors by kind.
func (r *Result) writeErrors(b *strings.Builder) {
	if len(r.Errors) == 0 {
		b.WriteString("  errors      none\n")
		return
	}
	for i, k := range slices.Sorted(maps.Keys(r.Errors)) {
		head := ""
		if i == 0 {
			head = "errors"
		}
		fmt.Fprintf(b, "  %-11s %-17s %d", head, k, r.Errors[k])
		if sample := r.Samples[k]; sample != "" {
			fmt.Fprintf(b, "  (%s)", sample)
		}
		b.WriteString("\n")
	}
}

// number writes a number of things.
func number(n uint64, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "ss"):
		return fmt.Sprintf("%d %ses", n, thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// seconds turns nanoseconds into seconds.
func seconds(ns int64) float64 { return time.Duration(ns).Seconds() }

// short writes a time with three digits.
func short(ns int64) string {
	d := float64(ns)
	switch {
	case ns < int64(time.Microsecond):
		return fmt.Sprintf("%d ns", ns)
	case ns < 999_500: // what is more has four digits
		return digits(d/1e3) + " µs"
	case ns < 999_500_000:
		return digits(d/1e6) + " ms"
	}
	return digits(d/1e9) + " s"
}

// digits writes a number below a thousand, or a larger one whole, with three
// digits.
func digits(x float64) string {
	switch {
	case x < 9.995:
		return fmt.Sprintf("%.2f", x)
	case x < 99.95:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// bytesOf writes a number of bytes, in powers of ten.
func bytesOf(n float64) string {
	units := []string{"B", "kB", "MB", "GB"}
	i := 0
	for ; n >= 999.5 && i < len(units)-1; i++ {
		n /= 1000
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", n)
	}
	return digits(n) + " " + units[i]
}
