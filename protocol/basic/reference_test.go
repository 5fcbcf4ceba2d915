package basic_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// This file is what the receivers are compared with: parsers that have all the
// bytes at once, and are written to be right at a glance. Each returns the
// events that a handler must get, and how many bytes must have come for the
// connection to be closed; never if that is 0.

// referenceLines is LineReceiver, whose handler takes the line "#n" for the
// announcement of n raw bytes.
func referenceLines(data []byte, delim string, limit int) (events []string, closedAt int) {
	pos := 0
	for {
		i := bytes.Index(data[pos:], []byte(delim))
		if i > limit || i < 0 && len(data)-pos >= limit+len(delim) {
			return events, pos + limit + 1 // at the latest when the delimiter is complete
		}
		if i < 0 {
			return events, 0
		}
		line := string(data[pos : pos+i])
		pos += i + len(delim)
		events = append(events, "string "+line)
		if n := announced(line); n > 0 {
			raw := data[pos:min(pos+n, len(data))]
			if len(raw) > 0 {
				events = append(events, "raw "+string(raw))
			}
			pos += len(raw)
			if len(raw) < n {
				return events, 0
			}
		}
	}
}

// announced returns the number in a line "#n"; 0 if there is none.
func announced(line string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(line, "#"))
	if err != nil || !strings.HasPrefix(line, "#") {
		return 0
	}
	return n
}

// referenceOnlyLines is LineOnlyReceiver, whose handler notes a line that is too
// long and goes on.
func referenceOnlyLines(data []byte, delim string, limit int) (events []string) {
	for {
		line, rest, found := bytes.Cut(data, []byte(delim))
		if !found {
			for n := len(delim) - 1; n > 0; n-- {
				if bytes.HasSuffix(line, []byte(delim[:n])) { // may be the delimiter
					line = line[:len(line)-n]
					break
				}
			}
			if len(line) > limit {
				events = append(events, "long")
			}
			return events
		}
		if len(line) > limit {
			events = append(events, "long")
		} else {
			events = append(events, "string "+string(line))
		}
		data = rest
	}
}

// referenceNetstrings is NetstringReceiver.
func referenceNetstrings(data []byte, limit int) (events []string, closedAt int) {
	pos := 0
	for {
		digits := ""
		for ; pos < len(data) && data[pos] != ':'; pos++ {
			digits += string(rune(data[pos]))
			if n, err := strconv.Atoi(digits); err != nil || fmt.Sprint(n) != digits || n > limit {
				return events, pos + 1
			}
		}
		if pos == len(data) {
			return events, 0
		}
		if digits == "" {
			return events, pos + 1
		}
		n, _ := strconv.Atoi(digits)
		pos++
		if pos+n >= len(data) {
			return events, 0
		}
		if data[pos+n] != ',' {
			return events, pos + n + 1
		}
		events = append(events, "string "+string(data[pos:pos+n]))
		pos += n + 1
	}
}

// referenceInts is IntStringReceiver with lengths of so many bytes. If skip is
// set its handler notes strings that are too long and goes on.
func referenceInts(data []byte, width, limit int, skip bool) (events []string, closedAt int) {
	pos := 0
	for pos+width <= len(data) {
		n := 0
		for _, c := range data[pos : pos+width] {
			n = n<<8 | int(c)
		}
		pos += width
		switch {
		case n > limit && !skip:
			return events, pos
		case n > limit:
			events = append(events, fmt.Sprint("over ", n))
		case pos+n <= len(data):
			events = append(events, "string "+string(data[pos:pos+n]))
		}
		pos += n
	}
	return events, 0
}
