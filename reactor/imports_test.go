package reactor_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests of this file keep the layout: imports point one way,
//
//	deferred ◀── protocol ◀── reactor ◀── apps, bench
//
// and each folder uses its own few modules. They read the source instead of
// asking the go command, which would show one platform at a time.

// layers are the folders of the module, lowest first; those with the same
// number may import each other.
var layers = map[string]int{"deferred": 1, "protocol": 2, "reactor": 3, "apps": 4, "bench": 4}

// budget names the modules that what is not a test may import in each folder;
// deferred and protocol have none. CONTRIBUTING.md has the reasons.
var budget = map[string][]string{
	"reactor": {"github.com/panjf2000/gnet/v2", "github.com/rs/zerolog", "golang.org/x/sys"},
	"apps":    {"github.com/alecthomas/kong", "github.com/rs/zerolog", "golang.org/x/sys", "go.yaml.in/yaml/v3"},
	"bench":   {"github.com/HdrHistogram/hdrhistogram-go", "github.com/panjf2000/gnet/v2", "github.com/rs/zerolog", "golang.org/x/sys"},
}

// source is a file of the module and what it imports.
type source struct {
	path    string // from the module's root, with slashes
	imports []string
}

func TestImportsPointOneWay(t *testing.T) {
	files := sources(t)
	if len(files) < 50 {
		t.Fatalf("only %d files were found: this test looks in the wrong place", len(files))
	}
	for _, problem := range problems(files) {
		t.Error(problem)
	}
}

// TestOneFileImportsGnet looks everywhere but in bench, where gnet's engine may
// be measured beside the reactor.
func TestOneFileImportsGnet(t *testing.T) {
	const only = "reactor/internal/kernel/gnet.go"
	if got := importers(sources(t), "github.com/panjf2000/gnet/v2"); !slices.Equal(got, []string{only}) {
		t.Errorf("gnet is imported by %q, want %q alone", got, only)
	}
}

// TestEveryModuleHasAReason looks each module that go.mod requires for the
// project's own use up in CONTRIBUTING.md.
func TestEveryModuleHasAReason(t *testing.T) {
	text := map[string]string{}
	for _, name := range []string{"../go.mod", "../CONTRIBUTING.md"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[name] = string(b)
	}
	modules := required(text["../go.mod"])
	if len(modules) == 0 {
		t.Fatal("no requirement was found in go.mod")
	}
	for _, m := range modules {
		if !strings.Contains(text["../CONTRIBUTING.md"], "| `"+m+"` |") {
			t.Errorf("the module %s has no row in CONTRIBUTING.md: a new module needs a written reason there", m)
		}
	}
}

// TestTheImportChecksCanFail gives the checks files that no one should write.
func TestTheImportChecksCanFail(t *testing.T) {
	cases := []struct {
		name, path, imports string
		want                string // part of the problem; "" if there is none
	}{
		{"its own", "deferred/x.go", "skein/deferred/clock", ""},
		{"the standard library", "deferred/x.go", "encoding/json", ""},
		{"downwards", "apps/x/x.go", "skein/deferred", ""},
		{"sideways at the top", "apps/skein/x.go", "skein/bench/load", ""},
		{"a module in the budget", "reactor/x.go", "golang.org/x/sys/unix", ""},
		{"a module of a test", "deferred/x_test.go", "pgregory.net/rapid", ""},
		{"deferred and protocol", "deferred/task/x.go", "skein/protocol", "points up"},
		{"deferred and reactor, in a test", "deferred/x_test.go", "skein/reactor", "points up"},
		{"protocol and reactor", "protocol/x.go", "skein/reactor", "points up"},
		{"reactor and apps", "reactor/x.go", "skein/apps/poetry", "points up"},
		{"reactor and bench", "reactor/x_test.go", "skein/bench", "points up"},
		{"a module in deferred", "deferred/x.go", "github.com/rs/zerolog", "not in the budget"},
		{"a module in protocol", "protocol/basic/x.go", "golang.org/x/sys/unix", "not in the budget"},
		{"a module like another", "reactor/x.go", "github.com/rs/zerologist", "not in the budget"},
		{"a folder of its own", "util/x.go", "fmt", "not one of the module's folders"},
		{"from a folder that is none", "reactor/x.go", "skein/util", "not one of the module's folders"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := strings.Join(problems([]source{{tc.path, []string{tc.imports}}}), "\n")
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
		})
	}
	gnet := []string{"github.com/panjf2000/gnet/v2/pkg/netpoll"}
	files := []source{{"reactor/a.go", gnet}, {"reactor/a_test.go", gnet}, {"apps/b.go", gnet}, {"bench/c.go", gnet}}
	if got := importers(files, "github.com/panjf2000/gnet/v2"); !slices.Equal(got, []string{"reactor/a.go", "apps/b.go"}) {
		t.Errorf("gnet's importers: %q", got)
	}
	mod := "module m\n\nrequire a.b/c v1.0.0\nrequire (\n\td.e/f v1.2.3\n\tg.h/i v1.2.3 // indirect\n)\n"
	if got := required(mod); !slices.Equal(got, []string{"a.b/c", "d.e/f"}) {
		t.Errorf("required: %q", got)
	}
}

// problems lists the imports that the layout does not allow.
func problems(files []source) []string {
	var list []string
	for _, f := range files {
		folder, _, _ := strings.Cut(f.path, "/")
		if layers[folder] == 0 {
			list = append(list, f.path+": "+folder+" is not one of the module's folders")
			continue
		}
		for _, path := range f.imports {
			if p := problem(f.path, folder, path); p != "" {
				list = append(list, fmt.Sprintf("%s imports %s: %s", f.path, path, p))
			}
		}
	}
	return list
}

// problem says what is wrong with one import, if anything is.
func problem(file, folder, path string) string {
	first, rest, _ := strings.Cut(path, "/")
	switch {
	case first == "skein":
		target, _, _ := strings.Cut(rest, "/")
		if layers[target] == 0 {
			return target + " is not one of the module's folders"
		}
		if layers[target] > layers[folder] {
			return "this points up, from " + folder + " to " + target
		}
	case !strings.Contains(first, "."): // the standard library
	case strings.HasSuffix(file, "_test.go"): // a test's modules stay with the test
	case !slices.ContainsFunc(budget[folder], func(module string) bool { return within(path, module) }):
		return "the module is not in the budget of " + folder
	}
	return ""
}

// importers lists the files outside tests and bench that import the module.
func importers(files []source, module string) []string {
	var list []string
	for _, f := range files {
		if strings.HasSuffix(f.path, "_test.go") || strings.HasPrefix(f.path, "bench/") {
			continue
		}
		if slices.ContainsFunc(f.imports, func(path string) bool { return within(path, module) }) {
			list = append(list, f.path)
		}
	}
	return list
}

// within reports whether the package is the module's.
func within(path, module string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// required lists the modules in the text of a go.mod that are not indirect.
func required(mod string) []string {
	var list []string
	for line := range strings.Lines(mod) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			list = append(list, fields[0])
		}
	}
	return list
}

// isModule reports whether the folder is a module of its own, as bench/peers is:
// so that what it needs is not in this one's go.mod.
func isModule(root fs.FS, path string) bool {
	_, err := fs.Stat(root, path+"/go.mod")
	return err == nil
}

// sources reads the imports of every Go file of the module, for all platforms
// and tags.
func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS("..")
	var files []source
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != "." && (name[0] == '.' || name[0] == '_' || name == "testdata" || isModule(root, path)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file := source{path: path}
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			file.imports = append(file.imports, p)
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
