package bench_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"

	"skein/bench/internal/drive"
	"skein/bench/internal/servers"
)

// asChild makes this program a server or a load instead of a test, so that
// nothing has to be built before the benchmarks run.
const asChild = "SKEIN_BENCH_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		os.Exit(child(os.Args[1], os.Args[2:]))
	}
	if err := os.Setenv(asChild, "1"); err != nil { // for those that are started
		panic(err)
	}
	// The time for one of them, if nobody says: with go test's own, of a second,
	// all of them take too long on a busy machine.
	if err := flag.Set("test.benchtime", "700ms"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) // gnet has some from the start
}

// child is the program of a server or of a load.
func child(role string, args []string) int {
	if role == "load" {
		return drive.Main(args)
	}
	return servers.Main(args, os.Stdin, os.Stdout, os.Stderr)
}

// serverCommand is how a server is started, and loadCommand how a load is.
func serverCommand(engine string, args ...string) []string {
	return append([]string{os.Args[0], "server", engine}, args...)
}
func loadCommand() []string { return []string{os.Args[0], "load"} }
