package transform_test

import (
	"fmt"
	"testing"

	"skein/apps/transform"
	"skein/protocol/protocoltest"
)

func TestLines(t *testing.T) {
	tests := []struct {
		name     string
		settings func(s *transform.Server)
		send     string
		half     bool // and the client half-closes
		want     string
		closed   bool
		log      []string
	}{
		{"a poem and a half-close", nil, "shout\none\ntwo\n", true, "ONE\nTWO\n", true, nil},
		{"a poem without its last line end", nil, "shout\none\ntwo", true, "ONE\nTWO", true, nil},
		{"a poem and a dot", nil, "shout\none\ntwo\n.\n", false, "ONE\nTWO\n.\n", true, nil},
		{"no poem and a half-close", nil, "shout\n", true, "", true, nil},
		{"no poem and a dot", nil, "shout\n.\n", false, ".\n", true, nil},
		{"CR LF", nil, "shout\r\none\r\n.\r\n", false, "ONE\r\n.\r\n", true, nil},
		{"dots", nil, "shout\n..a\n.b\nc.\n...\n.\n", false, "..A\nB\nC.\n...\n.\n", true, nil},
		{"dots and a half-close", nil, "shout\n..", true, "..", true, nil},
		{"many", pipelined, "shout\na\n.\nreverse\nbc\n.\nshout\nd", true, "A\n.\ncb\n.\nD", true, nil},
		{"many without an end", pipelined, "shout\na\n.\nreverse\nbc\n.\nshout\nd", false, "A\n.\ncb\n.\n", false, nil},
		{"nothing", nil, "", true, "", true, nil},

		{"no name", nil, "shout", true, "", true, []string{"the request was cut short"}},
		{"an empty name", nil, "\n", false, "", true, []string{"no such transformation"}},
		{"unknown, before the poem", nil, "haiku\n", false, "", true, []string{`\"haiku\": no such transformation`}},
		{"not UTF-8", nil, "shout\n\xff\n.\n", false, "", true, []string{"not valid UTF-8"}},
		{"a name without end", limited, "shoutshoutshoutshout", false, "", true, []string{"too long"}},
		{"a poem without end", limited, "shout\na\nb\nc\nd\n", false, "", true, []string{"a request of more than 12 bytes"}},
		{"a poem as long as may be", limited, "shout\na\nb\nc\n.\n", false, "A\nB\nC\n.\n", true, nil},
		{"a poem's end too long", limited, "shout\na\nb\ncdef", true, "", true, []string{"a request of more than 12 bytes"}},
	}
	for _, test := range tests {
		for _, chunk := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s, in chunks of %d", test.name, chunk), func(t *testing.T) {
				c := converse(true, test.settings)
				if chunk > 0 {
					c.pair.Chunk = protocoltest.Fixed(chunk)
				}
				c.send(test.send)
				if test.half {
					c.halfClose()
				}
				c.sees(t, test.want, test.closed)
				c.logged(t, test.log...)
			})
		}
	}
}

// limited makes a server accept short requests only.
func limited(s *transform.Server) { s.MaxRequest = 12 }
