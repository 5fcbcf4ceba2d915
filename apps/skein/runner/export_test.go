package runner

import (
	"io"

	"github.com/rs/zerolog"
)

// NewLogger returns the logger of a command.
func NewLogger(w io.Writer, format, level string) zerolog.Logger {
	return (&options{LogFormat: format, LogLevel: level}).plainLogger(w)
}

// LogUnhandled is logUnhandled.
func LogUnhandled(log zerolog.Logger) (undo func()) { return logUnhandled(log) }

// Explain is explain.
func Explain(p *Program, err error) string { return p.explain(err) }

// ReadDeployment reads a deployment file of a program, and returns its services'
// names and the runner's options in it.
func ReadDeployment(p *Program, path string) (names, args []string, err error) {
	f := &deploymentFile{document: document{path}, program: p, taken: map[string]bool{}}
	err = f.load()
	for _, s := range f.services {
		names = append(names, s.name)
	}
	return names, f.args, err
}

// WalkDocument reads all that the text of a deployment file may have, but for
// what it means.
func WalkDocument(text []byte) error {
	var d document
	root, err := d.parse(text)
	if err != nil {
		return err
	}
	pairs, err := d.pairs(root)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if _, err := d.texts(p); err == nil {
			continue
		}
		for _, n := range p.value.Content {
			if _, err := d.pairs(n); err != nil {
				return err
			}
		}
	}
	return nil
}
