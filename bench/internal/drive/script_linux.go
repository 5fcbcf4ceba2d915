package drive

import (
	"bytes"
	"fmt"
)

// Poem is the poem of n bytes that every server sends.
func Poem(n int) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz\n"
	return bytes.Repeat([]byte(letters), n/len(letters)+1)[:n]
}

// period is how many messages follow each other before the first one comes
// again: enough to notice one that is lost, doubled or on a wrong connection.
const period = 7

// A script is what is said on a connection: requests, all of one size, and the
// answers that are due, all of one size.
type script struct {
	requests, answers []byte // period and depth of them
	out, in           int    // bytes of one
}

// echoScript has messages that are answered with themselves.
func echoScript(size, depth int) *script {
	return newScript(depth, func(i int) (request, answer []byte) {
		message := make([]byte, size)
		for k := range message {
			message[k] = byte('!' + (k+i*31)%90)
		}
		return message, message
	})
}

// transformScript has requests to put a text of size bytes into lower case.
func transformScript(size, depth int) *script {
	const text = "anyone Lived in a Pretty HOW Town (with up so floating MANY bells down) "
	return newScript(depth, func(i int) (request, answer []byte) {
		all := bytes.Repeat([]byte(text), (size+i)/len(text)+1)[i : i+size]
		return netstring("cummingsify.", all), netstring("", bytes.ToLower(all))
	})
}

// newScript puts a script together of the messages that number i makes.
func newScript(depth int, number func(i int) (request, answer []byte)) *script {
	s := &script{}
	for i := range period + depth {
		request, answer := number(i % period)
		s.requests, s.answers = append(s.requests, request...), append(s.answers, answer...)
		s.out, s.in = len(request), len(answer)
	}
	return s
}

// netstring is prefix and text as one netstring.
func netstring(prefix string, text []byte) []byte {
	return fmt.Appendf(nil, "%d:%s%s,", len(prefix)+len(text), prefix, text)
}

// request is request number i, and answer its answer.
func (s *script) request(i int) []byte { return s.requests[i*s.out:][:s.out] }
func (s *script) answer(i int) []byte  { return s.answers[i*s.in:][:s.in] }

// check compares what came with what was due.
func check(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	for i := range got {
		if i == len(want) {
			break
		}
		if got[i] != want[i] {
			return fmt.Errorf("%w: byte %d of %d is %q, want %q", ErrWrong, i, len(got), got[i], want[i])
		}
	}
	return fmt.Errorf("%w: %d bytes came where %d are due", ErrWrong, len(got), len(want))
}
