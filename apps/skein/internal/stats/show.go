package stats

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// count shows a number with a comma between thousands: "1,234,567".
func count(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, c := range digits {
		if left := len(digits) - i; i > 0 && left%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// size shows bytes: "512 B", "1.5 KiB".
func size(v float64) string {
	if v < 1<<10 {
		return count(v) + " B"
	}
	unit := 0
	for v >= 1<<10 && unit < len(units)-1 {
		v /= 1 << 10
		unit++
	}
	return fmt.Sprintf("%.1f %siB", v, units[unit:unit+1])
}

// units begin the names of powers of 1024; the first is none.
const units = " KMGTPE"

// seconds shows a time that a machine has measured: "25 µs", "1.5 ms", "3.25 s".
func seconds(v float64) string {
	switch {
	case v == 0:
		return "0 s"
	case v < 1e-3:
		return fmt.Sprintf("%.0f µs", v*1e6)
	case v < 1:
		return fmt.Sprintf("%.1f ms", v*1e3)
	case v < 1000:
		return fmt.Sprintf("%.2f s", v)
	}
	return count(v) + " s"
}

// uptime shows a time that a clock on the wall has measured, by its two greatest
// units: "3 d 4 h", "12 min 3 s".
func uptime(v float64) string {
	s := int64(math.Max(v, 0))
	switch {
	case s >= 24*3600:
		return fmt.Sprintf("%s d %d h", count(float64(s/(24*3600))), s/3600%24)
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	case s >= 60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d s", s)
}

// printable returns a name as one line of UTF-8, without what a terminal would
// obey and what HTML does not have.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || 0x7f <= c && c < 0xa0 {
			return utf8.RuneError
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
