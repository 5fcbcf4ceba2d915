package runner

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// line is what a command line asks for.
type line struct {
	program        *Program
	args           []string
	stdout, stderr io.Writer
	options        options // the runner's
	entry
}

// entry is a name on the command line: a plugin, or a command.
type entry struct {
	name, description string
	kind              kind
	options           any
	act               func(l *line) int
}

// kind is how a program's help sorts entries.
type kind uint8

const (
	forServer     kind = iota // takes all the runner's options
	forController             // takes --pidfile: it looks for a server
	forClient                 // takes those of the log
)

// groups are how options are sorted in the help.
const (
	logGroup    = "log"
	daemonGroup = "daemon"
)

// parse reads a command line. It returns nil if that was for help, which has been
// printed.
func parse(p *Program, args []string, stdout, stderr io.Writer) (*line, error) {
	if len(args) == 0 {
		args = []string{"--help"} // as twistd does
	}
	l := &line{program: p, args: args, stdout: stdout, stderr: stderr}
	entries := p.entries()
	helped := false
	parser := newParser(p, &l.options, entries, kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	chosen, err := parser.Parse(args)
	if helped {
		return nil, nil // whatever was missing besides
	}
	if err != nil {
		return nil, newUsageError(p, "", err)
	}
	for _, e := range entries {
		if e.name == chosen.Selected().Name {
			l.entry = e
		}
	}
	if err := l.check(chosen); err != nil {
		return nil, newUsageError(p, l.name, err)
	}
	return l, nil
}

// newParser returns a parser of the runner's options and these entries.
func newParser(p *Program, o *options, entries []entry, more ...kong.Option) *kong.Kong {
	all := append([]kong.Option{
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Vars{"name": p.Name},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, FlagsLast: true}),
		kong.Help(printHelp(entries)),
		kong.ExplicitGroups([]kong.Group{
			{Key: "servers", Title: "Servers:"},
			{Key: "clients", Title: "Commands:"},
			{Key: logGroup, Title: "The log:"},
			{Key: daemonGroup, Title: "As a daemon:"},
		}),
	}, more...)
	for _, e := range entries {
		group := "clients"
		if e.kind == forServer {
			group = "servers"
		}
		all = append(all, kong.DynamicCommand(e.name, e.description, group, e.options))
	}
	parser := kong.Must(o, all...)
	for _, entry := range parser.Model.Children {
		for _, own := range entry.Flags {
			for _, f := range parser.Model.Flags {
				if f.Name == own.Name {
					panic(fmt.Sprintf("runner: the option --%s of %s is the runner's: call it something else", own.Name, entry.Name))
				}
			}
		}
	}
	return parser
}

// printHelp returns what prints help: without the options that what is asked for
// does not take.
func printHelp(entries []entry) kong.HelpPrinter {
	return func(o kong.HelpOptions, ctx *kong.Context) error {
		if selected := ctx.Selected(); selected != nil {
			for _, e := range entries {
				if e.name != selected.Name {
					continue
				}
				for _, f := range ctx.Model.Flags {
					f.Hidden = f.Hidden || !e.takes(f)
				}
			}
		}
		return kong.DefaultHelpPrinter(o, ctx)
	}
}

// takes reports whether an entry takes one of the runner's options.
func (e *entry) takes(f *kong.Flag) bool {
	if f.Group == nil || f.Group.Key != daemonGroup || e.kind == forServer {
		return true
	}
	return e.kind == forController && f.Name == "pidfile"
}

// check returns an error if there is an option on the line that is for servers,
// and this is none.
func (l *line) check(chosen *kong.Context) error {
	for _, path := range chosen.Path {
		if path.Flag != nil && !l.takes(path.Flag) {
			return fmt.Errorf("--%s is for servers, and %s is none: leave it out", path.Flag.Name, l.name)
		}
	}
	return nil
}

// usageError is what is wrong with a command line.
type usageError struct {
	err  error
	help string // where to find what would be right
}

// newUsageError makes one of an error about an entry, or about none, "".
func newUsageError(p *Program, entry string, err error) *usageError {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		entry = parse.Context.Selected().Name
	}
	if entry == "" {
		return &usageError{err, p.Name + " --help lists the commands"}
	}
	return &usageError{err, p.Name + " " + entry + " --help lists the options"}
}

// Error is one line.
func (e *usageError) Error() string {
	return fmt.Sprintf("%s (%s)", strings.ReplaceAll(e.err.Error(), "\n", " "), e.help)
}

// Unwrap returns what is wrong.
func (e *usageError) Unwrap() error { return e.err }
