package reactortest_test

import (
	"fmt"
	"syscall"
	"time"

	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// patientClient tries again an hour after each failure.
type patientClient struct {
	client
	m *reactortest.MemoryReactor
}

func (c *patientClient) ClientConnectionFailed(conn protocol.Connector, reason error) {
	fmt.Println(c.m.Now().Format("15:04"), reason)
	c.m.CallLater(time.Hour, func() { _ = conn.Connect() })
}

// A test drives the reactor by hand: hours pass at once, and the network fails
// when it is told to.
func ExampleMemoryReactor() {
	m := reactortest.NewMemory()
	defer m.Close()
	m.BlackHole("10.0.0.1")
	m.ConnectTCP("10.0.0.1:80", &patientClient{m: m}, reactor.ConnectTimeout(time.Minute))
	m.Advance(time.Hour)
	m.FailNext(reactortest.Connect, syscall.ENETUNREACH)
	m.Advance(time.Minute)
	fmt.Println(len(m.Connections()), "connections are open")
	// Output:
	// 00:01 connect 10.0.0.1:80: timed out
	// 01:01 connect 10.0.0.1:80: network is unreachable
	// 0 connections are open
}
