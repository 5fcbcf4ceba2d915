// Package runner makes a command line, and daemons, of plugins: a plugin is a
// name, options and a function that makes a service of them.
//
//	             ┌ plugin ─▶ service ─▶ Application ─▶ the loop, until a signal comes
//	args ─▶ Main ┼ run FILE ─▶ several of them
//	             └ command: something that ends by itself
//
// A program of one's own is twenty lines: see the example. It has help for all
// that it can do, one clear line for what goes wrong, and exit statuses that
// scripts can rely on. Its servers stay in the foreground, or detach; hold a pid
// file; log to a file, which is rotated, or to syslog; give up privileges; let
// their connections finish at the end; hand their ports over to a successor, or
// share them among workers; and tell people, Prometheus and systemd how they are.
//
//	SIGINT, SIGTERM  end: connections may finish until --grace; a second one: at once
//	SIGHUP           open the log file again; but if the terminal is closed: end
//	SIGUSR1          rotate it
//	SIGUSR2          start a successor, and end when it accepts
//
// # Reading order
//
// program.go, plugin.go, command.go (what a program is made of), ports.go;
// line.go, options.go, types.go (the command line); deployment.go, document.go
// (files). Then a server's life: server.go (the order of a start), log.go, pid.go,
// live.go, drain.go, failure.go; signals.go, terminal.go, successor.go, workers.go,
// stats.go. control.go is stop and status, errors.go what goes wrong. The parts that a
// server is made of are in skein/apps/skein/internal.
//
// Twisted: twistd, twisted.application.app and twisted.plugin.
package runner
