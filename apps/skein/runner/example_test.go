package runner_test

import (
	"fmt"
	"net"
	"os"

	"github.com/rs/zerolog"

	"skein/apps/skein/runner"
	"skein/protocol"
	"skein/reactor/service"
)

// Options are what a user can choose.
type Options struct {
	Port runner.Port `default:"10000" help:"The port to listen on (default: ${default})."`
	Name string      `default:"world" help:"Whom to greet (default: ${default})."`
}

// Greeter is what one connection does.
type Greeter struct {
	protocol.Base
	name string
}

func (g *Greeter) ConnectionMade() {
	_, _ = fmt.Fprintf(g.Transport, "Hello, %s!\n", g.name)
	g.Transport.LoseConnection()
}
func (g *Greeter) DataReceived([]byte) {}

// makeGreeter makes the service.
func makeGreeter(h *runner.Host, o *Options) (service.Service, error) {
	ports := &runner.Ports{Log: h.Log}
	greeters := protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &Greeter{name: o.Name} })
	ports.TCP(o.Port.On("localhost"), greeters, func(line *zerolog.Event, at net.Addr) {
		line.Stringer("addr", at).Msg("Greeting.")
	})
	return ports, nil
}

// A daemon of one's own: what one connection does, a plugin, and a program that
// has it. Its main function is
//
//	os.Exit(runner.Main(program, os.Args[1:], os.Stdout, os.Stderr))
//
// and then "hello greeter --daemon --name you" detaches, "hello stop" stops it,
// and "hello" lists what there is.
func Example() {
	program := runner.Program{
		Name:        "hello",
		Description: "Greets people.",
		Plugins:     []runner.Plugin{runner.NewPlugin("greeter", "Greet everybody who connects.", makeGreeter)},
	}
	for _, args := range [][]string{
		{"greeter", "--nane", "you"},
		{"greater"},
		{"status", "--pidfile", "testdata/none.pid"},
	} {
		fmt.Println(runner.Main(program, args, os.Stdout, os.Stdout))
	}
	// Output:
	// hello: unknown flag --nane, did you mean "--name"? (hello greeter --help lists the options)
	// 2
	// hello: unexpected argument greater, did you mean "greeter"? (hello --help lists the commands)
	// 2
	// hello is not running: nobody holds the pid file testdata/none.pid.
	// 3
}
