package runner

import (
	"fmt"
	"io"

	"skein/apps/skein/internal/logs"
)

// Program is a command line: what it can run, and do.
//
// Twisted: twistd.
type Program struct {
	// Name is what the program is called, as in "skein".
	Name string
	// Description says what it is for, in a sentence or two.
	Description string
	// Plugins are the services that it can run, in the order of its help.
	Plugins []Plugin
	// Commands are what it can do besides.
	Commands []Command
	// Remedy says what the user can do about an error of a plugin or command of
	// the program's own, or ""; nil: nothing is known.
	Remedy func(err error) string
}

// The exit statuses. One more than signalStatus by the signal's number says that
// a signal ended a command, as a shell says it of a process.
const (
	statusOK      = 0
	statusFailed  = 1
	statusUsage   = 2
	statusStopped = 3 // of status, as the LSB has it
	signalStatus  = 128
)

// Main does what args ask for, without the program's name, and returns the exit
// status: 0 if all went well, 1 if something failed, 2 if the command line is
// wrong, 130 or 143 if a command was interrupted by a signal.
//
// It is for a process's main function: --daemon, --workers and SIGUSR2 start the
// process's own executable again, with the same arguments.
//
// Twisted: twistd's run, app.run.
func Main(p Program, args []string, stdout, stderr io.Writer) int {
	l, err := parse(&p, args, stdout, stderr)
	switch {
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", p.Name, err) // there is nowhere else to say it
		return statusUsage
	case l == nil:
		return statusOK // it was help
	}
	return l.act(l)
}

// entries returns what the command line can name: the plugins, and then the
// commands.
func (p *Program) entries() []entry {
	var all []entry
	for _, plugin := range p.Plugins {
		u := plugin.use()
		all = append(all, entry{plugin.name, plugin.description, forServer, u.options, func(l *line) int {
			return l.serve(func() (deployment, error) { return deployment{{service: u.service}}, nil })
		}})
	}
	file := new(fileOptions)
	all = append(all, entry{"run", "Run the services of a deployment file.", forServer, file, func(l *line) int {
		return l.serve(func() (deployment, error) { return l.readFile(file) })
	}})
	all = append(all, p.controls()...)
	for _, c := range p.Commands {
		t := c.use()
		all = append(all, entry{c.name, c.description, forClient, t.options, func(l *line) int { return l.do(t) }})
	}
	return all
}

// failed says why nothing was begun, and returns the exit status.
func (l *line) failed(err error) int {
	return l.program.status(l.options.plainLogger(l.stderr), err)
}

// do does a command.
func (l *line) do(t doing) int {
	o := &l.options
	e := &Env{Stdout: l.stdout, Stderr: l.stderr, Format: o.LogFormat, Log: o.plainLogger(l.stderr)}
	if elsewhere := o.logOptions(l.program.Name, l.stderr); elsewhere.Syslog || elsewhere.File != "" {
		log, err := logs.Open(elsewhere)
		if err != nil {
			return l.failed(err)
		}
		defer func() { _ = log.Close() }() // what is lost, the log itself tells
		e.Log = log.Logger()
	}
	defer logUnhandled(e.Log)()
	return l.program.status(e.Log, t.run(e))
}
