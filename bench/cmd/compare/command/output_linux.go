package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// method says how the figures came about.
func (c config) method(apart bool) []string {
	lines := []string{fmt.Sprintf(
		"%d rounds of %v a server, in turns, after a longer one that does not count; server on one core, load on another.", c.rounds, c.slice)}
	if !apart {
		lines[0] = fmt.Sprintf("%d rounds of %v a server, in turns, after a longer one that does not count.", c.rounds, c.slice)
		lines = append(lines, "There is ONE core: servers and load disturb each other, and the figures are worth little.")
	}
	return lines
}

// commandLine is what to type to have this done again.
func commandLine(args []string) string {
	line := "go run ./bench/cmd/compare"
	for _, a := range args {
		if strings.ContainsAny(a, " \t*?[]$&;|<>'\"\\") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		line += " " + a
	}
	return line
}

// machine describes where this runs.
func machine(cores int) string {
	var u unix.Utsname
	kernel := "Linux"
	if unix.Uname(&u) == nil {
		version, _, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), "-") // what follows is the builder's
		kernel += " " + version
	}
	return fmt.Sprintf("%s%d cores, %s, %s %s", model(), cores, kernel, runtime.Version(), runtime.GOARCH)
}

// model is the processor's name, where the kernel tells it.
func model() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value) + ", "
		}
	}
	return ""
}

// write prints the report, and writes the files if there is a folder for them.
func (b *bench) write(stdout io.Writer, folder string) error {
	text := b.report.Text()
	if _, err := io.WriteString(stdout, text); err != nil || folder == "" {
		return err
	}
	data, err := json.MarshalIndent(b.report, "", "  ")
	if err != nil {
		return err
	}
	files := map[string]string{"compare.txt": text, "compare.json": string(data) + "\n"}
	if svg, drawn := b.report.SVG(); drawn {
		files["compare.svg"] = svg
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// isTerminal reports whether someone watches.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
