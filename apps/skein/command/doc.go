// Package command is the skein command without its process: [Main] takes the
// arguments and the two outputs and returns the exit status, so that a test, or
// another program, can run it too.
//
//	args ──▶ kong ──▶ one command's Run ──▶ reactor, and what is served: apps/...
//	           │              │
//	           │ usage: 2     │ failed: 1, interrupted: 130
//	           ▼              ▼
//	        one line on standard error that names the value and the remedy
//
// Poems, and what a load has measured, go to standard output, everything else to
// standard error.
//
// Each command is a struct whose fields are its options and whose Run method
// does it, in a file of its own; a new one is a new field of cli.
//
// Reading order: command.go, errors.go, log.go; serve.go with fastpoetry.go,
// slowpoetry.go and proxy.go; transform.go and dummyhttp.go; get.go; load.go, load_options.go
// and load_run.go; demo.go and narrator.go. The options that have types of their own
// are in options.go.
package command
