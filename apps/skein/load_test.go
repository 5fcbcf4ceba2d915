package main_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// wellFormed FILE fails if a file is not XML.
func wellFormed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: wellformed FILE")
	}
	elements := 0
	for d := xml.NewDecoder(strings.NewReader(ts.ReadFile(args[0]))); ; elements++ {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
	}
	if elements == 0 {
		ts.Fatalf("%s is empty", args[0])
	}
}

// jsonHas FILE PATH=VALUE... fails if a file, or stdout, is not one JSON object in
// which the values are at these paths, whose names are separated by dots.
func jsonHas(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: jsonhas FILE PATH=VALUE...")
	}
	var all any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &all))
	for _, arg := range args[1:] {
		path, want, _ := strings.Cut(arg, "=")
		at := all
		for name := range strings.SplitSeq(path, ".") {
			object, _ := at.(map[string]any)
			at = object[name]
		}
		if got := fmt.Sprint(at); got != want {
			ts.Fatalf("%s is %s, want %s, in %s", path, got, want, ts.ReadFile(args[0]))
		}
	}
}
