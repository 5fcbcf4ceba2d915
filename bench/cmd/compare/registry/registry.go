// Package registry knows the servers that are compared: what they are called,
// how they are built and run, how to find out whether they can be run here, and
// what to install if not.
//
//	registry.go  the table
//	check.go     is it here, and in which version
//	build.go     make it
package registry

import (
	"fmt"
	"slices"
	"strings"
)

// A Server is a line of the table.
type Server struct {
	Name   string            // on the command line
	Label  string            // in tables
	Remedy string            // what to do if it is missing
	lacks  map[string]string // works that it does not offer, and why

	check func(c *checker, s Server) (version string, err error)
	build func(b *builder, s Server) (argv []string, err error)
	// What check and build need to know, each kind of server some of it.
	module string   // of which the version is told, of servers in Go
	file   string   // source or script, from the module's root
	libs   []string // of the C compiler
	header string   // of a library, to see whether it is here
	run    []string // the interpreter
	probe  []string // its arguments to print a version
}

// The names of the two servers that can be the reference.
const (
	C     = "c"
	Epoll = "epoll" // where there is no C compiler
)

const (
	needsCC     = "install a C compiler (Debian: gcc libc6-dev)"
	needsUV     = "install a C compiler and libuv with its headers (Debian: gcc libc6-dev libuv1-dev pkg-config)"
	needsNet    = "run 'go mod download' in bench/peers on a machine with a network"
	needsGo     = "install Go, as this is built from source"
	needsNode   = "install Node (Debian: nodejs)"
	needsPython = "install it for /usr/bin/python3 "
)

// All returns the table, in the order of the columns.
func All() []Server {
	const python, twisted, uvloop = "/usr/bin/python3", "twisted", "uvloop"
	return []Server{
		{Name: "skein", Label: "skein", Remedy: needsGo, check: treeVersion, build: inModule},
		{Name: C, Label: "C", Remedy: needsCC, check: ccVersion, build: withCC, file: "bench/peers/c/epoll.c"},
		{Name: "libuv", Label: "libuv (C)", Remedy: needsUV, check: ccVersion, build: withCC,
			file: "bench/peers/c/libuv.c", libs: []string{"-luv"}, header: "uv.h", probe: []string{"pkg-config", "--modversion", "libuv"}},
		{Name: Epoll, Label: "epoll in Go", Remedy: needsGo, check: goVersion, build: inModule},
		{Name: "gnet", Label: "gnet", Remedy: needsGo, check: goVersion, build: inModule, module: "github.com/panjf2000/gnet/v2"},
		{Name: "nbio", Label: "nbio", Remedy: needsNet, check: peerVersion, build: inPeers, module: "github.com/lesismal/nbio"},
		{Name: "netpoll", Label: "netpoll", Remedy: needsNet, check: peerVersion, build: inPeers, module: "github.com/cloudwego/netpoll",
			lacks: map[string]string{"relay": "its dial fails, and the poem is lost, when the origin has closed before the dial returns"}},
		{Name: "net", Label: "Go net", Remedy: needsGo, check: goVersion, build: inModule},
		{Name: uvloop, Label: "uvloop", Remedy: needsPython + "(Debian: python3-uvloop)", check: probed, build: script,
			file: "bench/peers/uvloop/server.py", run: []string{python}, probe: []string{python, "-c", printVersion(uvloop)}},
		{Name: "node", Label: "Node", Remedy: needsNode, check: probed, build: script,
			file: "bench/peers/node/server.js", run: []string{"node"}, probe: []string{"node", "--version"}},
		{Name: twisted, Label: "Twisted", Remedy: needsPython + "(Debian: python3-twisted)", check: probed, build: script,
			file: "bench/peers/twisted/server.py", run: []string{python}, probe: []string{python, "-c", printVersion(twisted)}},
	}
}

// printVersion is a program in Python that prints a module's version.
func printVersion(module string) string {
	return "import " + module + "; print(" + module + ".__version__)"
}

// TellsStats reports whether the server answers "stats", as those in Go do.
func (s Server) TellsStats() bool { return s.file == "" }

// Lacks says why the server does not offer a work; it is empty if it does.
func (s Server) Lacks(work string) string { return s.lacks[work] }

// Choose returns the servers that a comma-separated list names, in the table's
// order, all for the empty list. C comes along always: the figures are relative
// to it.
func Choose(list string) ([]Server, error) {
	all := All()
	if strings.TrimSpace(list) == "" {
		return all, nil
	}
	wanted := map[string]bool{C: true}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if !slices.ContainsFunc(all, func(s Server) bool { return s.Name == name }) {
			return nil, fmt.Errorf("-servers: there is no server %q: use some of %s", name, Names())
		}
		wanted[name] = true
	}
	return slices.DeleteFunc(all, func(s Server) bool { return !wanted[s.Name] }), nil
}

// Names lists the servers for a message.
func Names() string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// Find returns the server of that name.
func Find(name string) (Server, bool) {
	all := All()
	i := slices.IndexFunc(all, func(s Server) bool { return s.Name == name })
	if i < 0 {
		return Server{}, false
	}
	return all[i], true
}
