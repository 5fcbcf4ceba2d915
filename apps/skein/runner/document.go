package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDocument bounds a deployment file, in bytes.
const maxDocument = 1 << 20

// FileError says what is wrong with a deployment file, and where.
type FileError struct {
	Path string
	Line int    // 0: in no one line
	Key  string // "": of no one key
	Err  error
}

// Error names the file, the line, the key and the reason.
func (e *FileError) Error() string {
	text := e.Path
	if e.Line > 0 {
		text = fmt.Sprintf("%s:%d", text, e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }

// document is a YAML file that is being read. All it knows is where an error is.
type document struct{ path string }

// load returns the one thing that is in the file.
func (d document) load() (*yaml.Node, error) {
	text, err := d.read()
	if err != nil {
		return nil, err
	}
	return d.parse(text)
}

// parse returns the one thing that is in the text of the file.
func (d document) parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root, more yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, d.failure(errors.New("there is nothing in it"))
	case err != nil:
		return nil, d.malformed(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, d.failure(errors.New("there is a second document in it: put everything into one"))
	}
	return root.Content[0], nil
}

// read returns the bytes of the file.
func (d document) read() ([]byte, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, d.failure(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	switch {
	case err != nil:
		return nil, d.failure(err)
	case len(text) > maxDocument:
		return nil, d.failure(fmt.Errorf("it is longer than %d bytes: is it the right file?", maxDocument))
	}
	return text, nil
}

// failure returns an error about the whole file.
func (d document) failure(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &FileError{Path: d.path, Err: err}
}

// yamlPattern is what the parser says of a file that is not YAML.
var yamlPattern = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

// malformed returns an error of the parser.
func (d document) malformed(err error) error {
	m := yamlPattern.FindStringSubmatch(err.Error())
	if m == nil { // it tells no line, or there is none
		return d.failure(fmt.Errorf("this is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	line, _ := strconv.Atoi(m[1]) // the pattern has digits there
	return &FileError{Path: d.path, Line: line, Err: fmt.Errorf("this is not YAML: %s", m[2])}
}

// fault returns an error about a place.
func (d document) fault(at *yaml.Node, key string, err error) error {
	return &FileError{Path: d.path, Line: at.Line, Key: key, Err: err}
}

// pair is a key with its value.
type pair struct {
	key   string
	at    *yaml.Node // the key
	value *yaml.Node
}

// pairs returns the pairs of a mapping. Its keys are words, each there once.
func (d document) pairs(n *yaml.Node) ([]pair, error) {
	if n = resolved(n); n.Kind != yaml.MappingNode {
		return nil, d.fault(n, "", errors.New("here should be keys with values, each as in port: 10000"))
	}
	var all []pair
	for i := 0; i < len(n.Content); i += 2 {
		at := resolved(n.Content[i])
		if at.Kind != yaml.ScalarNode {
			return nil, d.fault(at, "", errors.New("a key should be one word"))
		}
		if slices.ContainsFunc(all, func(p pair) bool { return p.key == at.Value }) {
			return nil, d.fault(n.Content[i], at.Value, errors.New("it is there twice"))
		}
		all = append(all, pair{at.Value, n.Content[i], resolved(n.Content[i+1])})
	}
	return all, nil
}

// text returns the one value of a pair, as it is written.
func (d document) text(p pair) (string, error) {
	all, err := d.texts(p)
	if err == nil && (len(all) != 1 || p.value.Kind != yaml.ScalarNode) {
		err = d.fault(p.at, p.key, errors.New("it takes one value"))
	}
	if err != nil {
		return "", err
	}
	return all[0], nil
}

// texts returns the values of a pair, of which a list has any number.
func (d document) texts(p pair) ([]string, error) {
	values := []*yaml.Node{p.value}
	if p.value.Kind == yaml.SequenceNode {
		values = p.value.Content
	}
	all := make([]string, len(values))
	for i, v := range values {
		if v = resolved(v); v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
			return nil, d.fault(p.at, p.key, errors.New("it takes a value, or a list of values"))
		}
		all[i] = v.Value
	}
	return all, nil
}

// resolved returns what an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
