package registry

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// A Missing error says that a server cannot be run here, and what would help.
type Missing struct {
	Server Server
	Cause  error
}

func (m *Missing) Error() string {
	return fmt.Sprintf("%s: %v; %s", m.Server.Label, m.Cause, m.Server.Remedy)
}

func (m *Missing) Unwrap() error { return m.Cause }

// Check finds out whether the server can be made and run here, from the module's
// root folder, and which version that is. What is not here is a *Missing.
func Check(ctx context.Context, root string, s Server) (version string, err error) {
	version, err = s.check(&checker{ctx, root}, s)
	if err != nil {
		return "", &Missing{s, err}
	}
	return version, nil
}

// checker asks other programs.
type checker struct {
	ctx  context.Context
	root string
}

// output runs a program in a folder of the module and returns the first line it
// prints.
func (c *checker) output(folder string, argv ...string) (string, error) {
	cmd := exec.CommandContext(c.ctx, argv[0], argv[1:]...)
	cmd.Dir = filepath.Join(c.root, folder)
	out, err := cmd.CombinedOutput()
	line := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("%s: %w%s", strings.Join(argv, " "), err, lastLine(line))
	}
	line, _, _ = strings.Cut(line, "\n")
	return strings.TrimSpace(line), nil
}

// lastLine is what a program that failed said last, for the end of a message.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		text = strings.TrimSpace(text[i+1:])
	}
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// goVersion is for the servers of this module: what runs this can build them, or
// says so when it does. The module's version, if that is what matters, is read
// from the program.
func goVersion(c *checker, s Server) (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", err
	}
	if s.module == "" {
		return runtime.Version(), nil
	}
	return c.moduleVersion(".", s.module)
}

// treeVersion is for what is in this tree itself.
func treeVersion(c *checker, s Server) (string, error) {
	if _, err := goVersion(c, s); err != nil {
		return "", err
	}
	commit, err := c.output(".", "git", "describe", "--always", "--dirty")
	if err != nil { // a tree without git
		return "this tree", nil
	}
	return commit, nil
}

// peerVersion is for the servers of the peers' module, which has to be fetched.
func peerVersion(c *checker, s Server) (string, error) {
	const folder = "bench/peers"
	if _, err := c.output(folder, "go", "mod", "download"); err != nil {
		return "", err
	}
	return c.moduleVersion(folder, s.module)
}

func (c *checker) moduleVersion(folder, module string) (string, error) {
	return c.output(folder, "go", "list", "-m", "-f", "{{.Version}}", module)
}

// ccVersion is for the servers in C, with or without a library.
func ccVersion(c *checker, s Server) (string, error) {
	version, err := c.output(".", "cc", "--version")
	if err != nil || s.header == "" {
		return version, err
	}
	// The header alone: the linker says more when it comes to that.
	if _, err := c.output(".", "cc", "-fsyntax-only", "-include", s.header, "-x", "c", "/dev/null"); err != nil {
		return "", fmt.Errorf("there is no %s: %w", s.header, err)
	}
	return c.output(".", s.probe...)
}

// probed is for what has a program to say its version.
func probed(c *checker, s Server) (string, error) { return c.output(".", s.probe...) }
