package stats

import (
	"bytes"
	_ "embed" // for the page
	"fmt"
	"html/template"
)

//go:embed page.html
var pageText string

// layout is the page as a template, which escapes what it is given.
var layout = template.Must(template.New("page").Parse(pageText))

// html returns the page for a browser.
func (s *Site) html() []byte {
	var b bytes.Buffer
	if err := layout.Execute(&b, s.page()); err != nil {
		panic(fmt.Errorf("stats: page.html and the page do not fit: %w", err)) // costs this connection
	}
	return b.Bytes()
}
