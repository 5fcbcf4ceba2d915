package command

import (
	"io"

	"skein/apps/skein/runner"
)

// Main runs what args ask for, without the program's name, and returns the exit
// status, as [runner.Main] has it.
func Main(args []string, stdout, stderr io.Writer) int {
	return runner.Main(Program(), args, stdout, stderr)
}

// Program returns what the skein command is: the five applications as plugins,
// and three commands.
func Program() runner.Program {
	return runner.Program{
		Name: "skein",
		Description: "Poetry servers and clients on one event loop. " +
			"Poems, and what a load has measured, go to standard output, everything else to standard error.",
		Plugins: []runner.Plugin{
			runner.NewPlugin("fastpoetry", "Serve poems, each at once.", makeFastPoetry),
			runner.NewPlugin("slowpoetry", "Serve poems slowly, a few bytes at a time.", makeSlowPoetry),
			runner.NewPlugin("transform", "Serve transformations of poems, over netstrings, lines and datagrams.", makeTransform),
			runner.NewPlugin("proxy", "Stand in front of poetry servers: fetch each poem once, for however many clients.", makeProxy),
			runner.NewPlugin("dummyhttp", "Take HTTP POST requests, and answer how long their bodies were.", makeDummyHTTP),
		},
		Commands: []runner.Command{
			runner.NewCommand("demo", "Show it: all the servers and a client, on one loop.", (*demo).run),
			runner.NewCommand("get", "Fetch poems from servers, side by side, and print them.", (*get).run),
			runner.NewCommand("load", "Put a server under load, and measure how it bears that.", (*loadServer).run),
		},
		Remedy: remedy,
	}
}

// env is what a command runs in.
type env = runner.Env
