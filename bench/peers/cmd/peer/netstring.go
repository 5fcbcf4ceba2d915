package main

import (
	"bytes"
	"errors"
	"strconv"
)

// errRequest ends a connection that sends something else than requests.
var errRequest = errors.New("want netstrings of cummingsify.TEXT")

const (
	asks           = "cummingsify."
	largestRequest = 1 << 24
	maxDigits      = 8
)

// cut returns the payload of the netstring that b begins with, and the length of
// the whole netstring: 0 if it has not come whole.
func cut(b []byte) (payload []byte, whole int, err error) {
	colon := bytes.IndexByte(b[:min(len(b), maxDigits+1)], ':')
	if colon < 0 {
		if len(b) > maxDigits {
			return nil, 0, errRequest
		}
		return nil, 0, nil
	}
	size := 0
	for _, digit := range b[:colon] {
		if digit < '0' || digit > '9' {
			return nil, 0, errRequest
		}
		size = 10*size + int(digit-'0')
	}
	if colon == 0 || size > largestRequest {
		return nil, 0, errRequest
	}
	end := colon + 1 + size
	if end >= len(b) {
		return nil, 0, nil
	}
	if b[end] != ',' {
		return nil, 0, errRequest
	}
	return b[colon+1 : end], end + 1, nil
}

// appendAnswer appends the answer to a request.
func appendAnswer(to, request []byte) ([]byte, error) {
	poem, ok := bytes.CutPrefix(request, []byte(asks))
	if !ok {
		return to, errRequest
	}
	to = strconv.AppendInt(to, int64(len(poem)), 10)
	to = append(to, ':')
	from := len(to)
	to = append(to, poem...)
	for i, c := range to[from:] {
		if c-'A' < 26 {
			to[from+i] = c + 'a' - 'A'
		}
	}
	return append(to, ','), nil
}

// answer appends the answers to the requests that are whole in b, to the first
// only if once is set, and returns how many bytes of b that took.
func answer(to, b []byte, once bool) (out []byte, used int, err error) {
	for used == 0 || !once {
		request, whole, err := cut(b[used:])
		if err != nil || whole == 0 {
			return to, used, err
		}
		if to, err = appendAnswer(to, request); err != nil {
			return to, used, err
		}
		used += whole
	}
	return to, used, nil
}
