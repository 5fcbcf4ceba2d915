// Package runner makes a command line, and daemons, of plugins: a plugin is a
// name, options and a function that makes a service of them.
//
//	             ┌ plugin ─▶ service ─▶ Application ─▶ the loop, until a signal comes
//	args ─▶ Main ┼ run FILE ─▶ several of them
//	             └ command: something that ends by itself
//
// A program of one's own is twenty lines: see the example. It has help for all
// that it can do, one clear line for what goes wrong, and exit statuses that
// scripts can rely on.
//
// Reading order: program.go, plugin.go, command.go (what a program is made of);
// line.go, options.go, types.go (the command line); serve.go (the order of a
// start), ports.go, log.go, errors.go.
//
// Twisted: twistd, twisted.application.app and twisted.plugin.
package runner
