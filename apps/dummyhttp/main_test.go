package dummyhttp_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"skein/apps/dummyhttp"
	"skein/reactor"
)

// childKey is set in the environment of a process that is to be a server.
const childKey = "SKEIN_DUMMYHTTP_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childKey) != "" {
		serve()
		return
	}
	goleak.VerifyTestMain(m)
}

// serve is a server in a process of its own, whose memory can be measured. It
// prints its address, and ends when it is killed.
func serve() {
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()))
	if err != nil {
		panic(err)
	}
	port, err := r.ListenTCP("localhost:0", &dummyhttp.Factory{Clock: r})
	if err != nil {
		panic(err)
	}
	fmt.Println(port.Addr())
	_ = r.Run()
}
