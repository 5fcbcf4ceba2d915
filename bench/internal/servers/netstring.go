package servers

import (
	"bytes"
	"errors"
	"strconv"
)

// The servers that are no reactor share the netstrings: what is measured is how
// bytes come and go.

// errMalformed ends a connection whose bytes are no request.
var errMalformed = errors.New("not a netstring with a request for cummingsify")

const (
	// maxHead is the length of the longest length, with its colon: a request has up
	// to 99,999 bytes, as with the reactor's receivers.
	maxHead = len("99999:")
	// asks is what every request begins with.
	asks = "cummingsify."
)

// cut takes the first netstring off b: its n bytes, of which body is what is
// inside. If it has not come whole, n is 0.
func cut(b []byte) (body []byte, n int, err error) {
	size, head, err := length(b)
	if err != nil || head == 0 || len(b) <= head+size {
		return nil, 0, err
	}
	if b[head+size] != ',' {
		return nil, 0, errMalformed
	}
	return b[head : head+size], head + size + 1, nil
}

// length reads the length that a netstring begins with, which takes head bytes;
// 0 if it has not come whole.
func length(b []byte) (size, head int, err error) {
	for i, digit := range b[:min(len(b), maxHead)] {
		switch {
		case digit == ':' && i > 0:
			return size, i + 1, nil
		case digit < '0' || digit > '9':
			return 0, 0, errMalformed
		}
		size = 10*size + int(digit-'0')
	}
	if len(b) >= maxHead {
		return 0, 0, errMalformed
	}
	return 0, 0, nil
}

// appendAnswer appends the answer to a request.
func appendAnswer(to, request []byte) ([]byte, error) {
	poem, ok := bytes.CutPrefix(request, []byte(asks))
	if !ok {
		return to, errMalformed
	}
	to = strconv.AppendInt(to, int64(len(poem)), 10)
	to = append(to, ':')
	at := len(to)
	to = append(to, poem...)
	for i, letter := range to[at:] {
		if 'A' <= letter && letter <= 'Z' {
			to[at+i] = letter + ('a' - 'A')
		}
	}
	return append(to, ','), nil
}

// answers appends the answers to all requests that are whole in b, or to the
// first only, and returns how many bytes of b they took and how many they are.
func answers(to, b []byte, once bool) (out []byte, taken, n int, err error) {
	for !once || n == 0 {
		request, size, err := cut(b[taken:])
		if err != nil || size == 0 {
			return to, taken, n, err
		}
		if to, err = appendAnswer(to, request); err != nil {
			return to, taken, n, err
		}
		taken += size
		n++
	}
	return to, taken, n, nil
}
