// Package command is the skein command without its process: [Main] takes the
// arguments and the two outputs and returns the exit status, so that a test, or
// another program, can run it too.
//
//	args ──▶ runner.Main ──▶ a plugin's service: apps/poetry, transform, proxy, dummyhttp
//	              │
//	              └────────▶ a command: get, load, demo
//
// Poems, and what a load has measured, go to standard output, everything else to
// standard error.
//
// Each plugin is a struct whose fields are its options, and a function that makes
// a service of them; each command a struct and a method that does it. What turns
// them into daemons is package runner, which any other program can use so.
//
// Reading order: command.go; the plugins poetry.go, proxy.go, transform.go and
// dummyhttp.go; the commands get.go, load.go with load_options.go and load_run.go,
// demo.go with narrator.go. options.go and errors.go are what they share.
package command
