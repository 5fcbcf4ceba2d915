package poetry

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
)

// Poem is a text to serve.
type Poem struct {
	// Title is what to call it: its title, or the name of its file.
	Title string
	// Author is who wrote it; empty if that is not known.
	Author string
	// Text is what a client gets. All connections share it, so nobody may
	// change it.
	Text []byte
}

// String returns the title, in quotes and with the author if there is one.
func (p Poem) String() string {
	if p.Author == "" {
		return p.Title
	}
	return fmt.Sprintf("“%s” by %s", p.Title, p.Author)
}

var (
	//go:embed poems/ozymandias.txt
	ozymandias []byte
	//go:embed poems/science.txt
	science []byte
	//go:embed poems/tyger.txt
	tyger []byte
)

// Builtin returns the poems that are always at hand, all in the public domain.
// Each text begins with its title and author. Any goroutine may call it.
func Builtin() []Poem {
	return []Poem{
		{Title: "Ozymandias", Author: "Percy Bysshe Shelley", Text: ozymandias},
		{Title: "Sonnet — To Science", Author: "Edgar Allan Poe", Text: science},
		{Title: "The Tyger", Author: "William Blake", Text: tyger},
	}
}

// maxFile bounds what ReadPoem reads, in bytes: some files have no end.
const maxFile = 1 << 30

// ReadPoem reads a poem from a file. It blocks, so call it before the loop
// runs; any goroutine may. The error is a [*PoemError].
func ReadPoem(path string) (Poem, error) {
	text, err := readFile(path)
	if err == nil && len(text) == 0 {
		err = ErrEmptyPoem
	}
	if err != nil {
		return Poem{}, &PoemError{Path: path, Err: err}
	}
	return Poem{Title: path, Text: text}, nil
}

// readFile reads a file of bounded length. Its errors do not name the file.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = f.Close() }() // nothing was written that could be lost
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("the poem is longer than %d bytes", maxFile)
	}
	return text, bare(err)
}

// bare returns an error without the call and the path, which PoemError tells.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
