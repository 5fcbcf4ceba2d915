// Package servers has the benchmark's servers that are written in Go: the
// reactor beside three that do the same work in other ways. Package bench says
// what that work is.
//
//	          ┌ skein   the reactor, with its applications and its whole contract
//	Main ─────┼ gnet    gnet's own engine, whose poller the reactor stands on
//	          ├ net     Go's net package, a goroutine for each connection
//	          └ epoll   a bare loop over the system's calls (Linux)
//
// Where they cannot do what the contract asks, the table of servers_test.go
// says so.
//
// Reading order: main.go, options.go, stats.go, netstring.go; then an engine:
// net.go and net_works.go are the shortest, epoll_loop_linux.go is what the
// reactor is measured by.
package servers
