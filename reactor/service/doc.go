//go:build linux || darwin || freebsd

// Package service builds daemons of parts that are started and stopped
// together: a tree whose leaves open ports, keep connections or call functions
// in time, and whose root is the program.
//
//	             Application                      Start: down and to the right
//	                  │                           Stop:  from the right
//	    ┌─────────────┼──────────────┐
//	the poem      MultiService    TimerService    one fails to start: those that
//	(your own)    ┌────┴────┐                     did are stopped, from the right
//	          TCPServer  TCPClient
//
// A service is a struct that embeds [Base] and has two methods, StartService and
// StopService. This package calls them; a program calls [Start], [Stop] and
// [Application.Run]:
//
//	r, err := reactor.New()
//	app := service.Named("poetry", &service.Application{Reactor: r})
//	err = app.AddService(&service.TCPServer{Addr: "localhost:10000", Factory: poets})
//	err = app.Run()
//
// So what holds of every service is written once. Starting twice is an error,
// stopping twice is not, a stop that comes in the middle of a start undoes it,
// and a panic is an error like any other:
//
//	   ┌──────────── Start ───────────────┐
//	   │                                  ▼
//	stopped ── PrivilegedStart ──▶ prepared ── Start ──▶ running
//	   ▲                              │                     │
//	   └────────── stopping ◀─────────┴──────── Stop ───────┘
//
// A server binds its port when it is prepared, while the process may still be
// root, and accepts when it is started, after that. As everything on a reactor,
// services belong to the loop's goroutine, and to any one before Run.
//
// # Reading order
//
// service.go (what a service is), drive.go (its states), multi.go (the tree),
// application.go (the root). The leaves stand for themselves: server.go, udp.go,
// timer.go; client.go with waiters.go, watched.go and backoff.go.
//
// Twisted: twisted.application.service and twisted.application.internet.
package service
