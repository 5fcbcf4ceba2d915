package transform

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lower returns s in lower case, as appendLower does.
func lower(s string) string {
	return string(appendLower(make([]byte, 0, len(s)), []byte(s)))
}

// appendLower appends s to dst in lower case, by the full rules of Unicode that
// hold in every language. Where they differ from the letter-by-letter ones of
// package strings: İ becomes two characters, and Σ at the end of a word becomes ς.
//
// Twisted: str.lower of Python.
func appendLower(dst, s []byte) []byte {
	if end := len(dst) + len(s); end <= cap(dst) && recase(dst[len(dst):end], s, capitals) {
		return dst[:end]
	}
	return appendLowerLetters(dst, s)
}

// appendLowerLetters is appendLower for what is not ASCII, or finds no room.
func appendLowerLetters(dst, s []byte) []byte {
	special := bytes.Contains(s, []byte("İ")) || bytes.Contains(s, []byte("Σ"))
	var before word
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		s = s[n:]
		switch {
		case r == 'İ':
			dst = append(dst, "i\u0307"...)
		case r == 'Σ' && before.inside && !letterFollows(s):
			dst = utf8.AppendRune(dst, 'ς')
		default:
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		if special {
			before.see(r)
		}
	}
	return dst
}

// word notes whether a letter with a case stands directly before a place, marks
// and the like not counted.
type word struct{ inside bool }

// see takes the next character.
func (w *word) see(r rune) {
	if !ignorable(r) {
		w.inside = cased(r)
	}
}

// letterFollows reports whether the first character of s that counts is a letter
// with a case. What it passes over holds no Σ, so no other looks at it: the whole
// takes linear time.
func letterFollows(s []byte) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if !ignorable(r) {
			return cased(r)
		}
		s = s[n:]
	}
	return false
}

// cased is Unicode's property Cased.
func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Uppercase, unicode.Other_Lowercase)
}

// ignorable is Unicode's property Case_Ignorable. One that is cased as well, such
// as ʰ, is ignored before the question of its case comes up, as Python does.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune(innerMarks, r)
}

// innerMarks are the punctuation that stands inside words: the word break classes
// MidLetter, MidNumLet and Single_Quote.
const innerMarks = "'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
