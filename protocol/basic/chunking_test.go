package basic_test

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// These tests give the checks of the fuzz targets streams that are mostly right,
// which a fuzzer takes long to find.

// checks are the targets' bodies, and how a stream of each is made.
var checks = []struct {
	name  string
	check func(t rapid.TB, data, choices []byte)
	frame func(message string) string
}{
	{"line", checkLine, func(m string) string {
		if len(m) < 20 {
			m = "#" + strconv.Itoa(len(m)) + "\r\n" + m // a body follows
		}
		return m + "\r\n"
	}},
	{"line only", checkLineOnly, crlf},
	{"netstring", checkNetstring, netstring},
	{"int8", func(t rapid.TB, d, c []byte) { checkInts(t, 1, d, c) }, prefixed(1)},
	{"int16", func(t rapid.TB, d, c []byte) { checkInts(t, 2, d, c) }, prefixed(2)},
	{"int32", func(t rapid.TB, d, c []byte) { checkInts(t, 4, d, c) }, prefixed(4)},
}

func TestAnyChunkingOfGoodStreams(t *testing.T) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				var stream strings.Builder
				for _, m := range rapid.SliceOf(rapid.StringMatching(`[a-c\r\n:,0-9]{0,60}`)).Draw(r, "messages") {
					stream.WriteString(c.frame(m))
				}
				data := []byte(stream.String())
				data = data[:rapid.IntRange(0, len(data)).Draw(r, "kept")]
				choices := rapid.SliceOf(rapid.Byte()).Draw(r, "choices")
				choices = append([]byte{0, 99}, choices...) // the usual delimiter, a generous limit
				c.check(r, data, choices)
			})
		})
	}
}
