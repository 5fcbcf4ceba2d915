package transform

import (
	"strings"
	"unicode"
)

// lower returns s in lower case, by the full rules of Unicode that hold in every
// language. Where they differ from the letter-by-letter ones of package strings:
// İ becomes two characters, and Σ at the end of a word becomes ς.
//
// Twisted: str.lower of Python.
func lower(s string) string {
	if !strings.ContainsAny(s, "İΣ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	var before word
	for i, r := range s {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && before.inside && !letterFollows(s[i+len("Σ"):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		before.see(r)
	}
	return b.String()
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
func letterFollows(s string) bool {
	for _, r := range s {
		if !ignorable(r) {
			return cased(r)
		}
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
