package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Builder makes servers in a folder. One program serves for all engines that
// are in it, and is built once.
type Builder struct {
	b builder
}

// NewBuilder returns a Builder for the module at root that puts programs in dir.
func NewBuilder(root, dir string) *Builder {
	return &Builder{builder{root: root, dir: dir, made: map[string]error{}}}
}

// Build makes the server and returns the program with the arguments that stand
// before WORK.
func (b *Builder) Build(ctx context.Context, s Server) ([]string, error) {
	b.b.ctx = ctx
	argv, err := s.build(&b.b, s)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be built: %w", s.Label, err)
	}
	return argv, nil
}

type builder struct {
	ctx       context.Context // of the Build that goes on
	root, dir string
	made      map[string]error // what came of each program
}

// make runs the command that makes a program, unless it was made before.
func (b *builder) make(program, folder string, argv ...string) (string, error) {
	path := filepath.Join(b.dir, program)
	err, done := b.made[program]
	if !done {
		cmd := exec.CommandContext(b.ctx, argv[0], append(argv[1:], "-o", path)...)
		if argv[0] == "go" { // wants its flags before the package
			cmd = exec.CommandContext(b.ctx, "go", "build", "-o", path, argv[len(argv)-1])
		}
		cmd.Dir = filepath.Join(b.root, folder)
		// A compiler that is interrupted leaves its temporary files behind.
		cmd.Env = append(os.Environ(), "TMPDIR="+b.dir, "GOTMPDIR="+b.dir)
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("%s in %s: %w\n%s", strings.Join(cmd.Args, " "), folder, err, out)
		}
		b.made[program] = err
	}
	return path, err
}

// inModule is for the engines of bench/cmd/server.
func inModule(b *builder, s Server) ([]string, error) {
	path, err := b.make("server", ".", "go", "./bench/cmd/server")
	return []string{path, s.Name}, err
}

// inPeers is for the engines of the peers' module.
func inPeers(b *builder, s Server) ([]string, error) {
	path, err := b.make("peer", "bench/peers", "go", "./cmd/peer")
	return []string{path, s.Name}, err
}

// withCC is for the servers in C.
func withCC(b *builder, s Server) ([]string, error) {
	argv := append([]string{"cc", "-O2", s.file}, s.libs...)
	path, err := b.make(s.Name+"-server", ".", argv...)
	return []string{path}, err
}

// script is for what is run from its source.
func script(b *builder, s Server) ([]string, error) {
	path := filepath.Join(b.root, s.file)
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	program, err := exec.LookPath(s.run[0])
	if err != nil {
		return nil, err
	}
	argv := append([]string{program}, s.run[1:]...)
	return append(argv, path), nil
}

// Root returns the folder of the module skein that holds the folder from.
func Root(from string) (string, error) {
	for dir := from; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module skein\n") {
			return dir, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not in skein's source, of which the servers are built: run this in there", from)
		}
	}
}
