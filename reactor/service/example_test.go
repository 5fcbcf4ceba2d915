package service_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/service"
)

// Poems is a service of one's own: it has the poem while it runs.
type Poems struct {
	service.Base
	path string
	poem []byte
}

func (p *Poems) StartService() (err error) {
	p.poem, err = os.ReadFile(p.path)
	fmt.Printf("loaded %d bytes\n", len(p.poem))
	return err
}

func (p *Poems) StopService() *deferred.Deferred {
	p.poem = nil
	fmt.Println("the poem is gone")
	return nil
}

// Poet is what one connection does.
type Poet struct {
	protocol.Base
	poems *Poems
}

func (p *Poet) ConnectionMade() {
	_, _ = p.Transport.Write(p.poems.poem)
	p.Transport.LoseConnection()
}
func (p *Poet) DataReceived([]byte) {}

// A program is a tree of services: here the poem, and a port that serves it.
// Run starts them in this order, and stops them in the reverse order when a
// signal comes.
func ExampleApplication() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	poems := service.Named("poems", &Poems{path: "testdata/haiku.txt"})
	server := &service.TCPServer{
		Addr: "localhost:0",
		Factory: protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
			return &Poet{poems: poems}
		}),
		Listening: func(p *reactor.Port) { go read(r, p.Addr()) }, // what makes it an example
	}
	app := service.Named("poetry", &service.Application{Reactor: r})
	for _, s := range []service.Service{poems, server} {
		if err := app.AddService(s); err != nil {
			log.Fatal(err)
		}
	}
	if err := app.Run(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("main loop terminated")
	// Output:
	// loaded 57 bytes
	// An old silent pond /
	// a frog jumps into the pond /
	// splash
	// the poem is gone
	// main loop terminated
}

// read is a client that is no part of the program, and then Ctrl-C.
func read(r *reactor.Reactor, addr net.Addr) {
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		log.Fatal(err)
	}
	poem, err := io.ReadAll(conn)
	if err != nil {
		log.Fatal(err)
	}
	_ = conn.Close()
	r.CallFromThread(func() {
		fmt.Print(string(poem))
		_ = r.Stop()
	})
}

// A service that does not start takes those before it back.
func ExampleStart() {
	first := service.Named("first", &talk{})
	second := service.Named("second", &talk{err: fmt.Errorf("no poem today")})
	var all service.MultiService
	_ = all.AddService(first) // they are in no other, and have names of their own
	_ = all.AddService(second)
	fmt.Println(service.Start(&all))
	// Output:
	// first starts
	// second starts
	// first stops
	// can't start service "second": no poem today
}

// talk says what is done to it.
type talk struct {
	service.Base
	err error
}

func (s *talk) StartService() error { fmt.Println(s.Name(), "starts"); return s.err }

func (s *talk) StopService() *deferred.Deferred { fmt.Println(s.Name(), "stops"); return nil }

// A TimerService runs on any clock; in an Application, on its reactor.
func ExampleTimerService() {
	c := clock.NewFake()
	tick := &service.TimerService{Clock: c, Step: time.Minute, Call: func() *deferred.Deferred {
		fmt.Println("tick", c.Now().Format(time.TimeOnly))
		return nil
	}}
	_ = service.Start(tick) // it has all that it needs
	c.Pump(time.Minute, time.Minute)
	service.Stop(tick)
	c.Advance(time.Hour)
	// Output:
	// tick 00:00:00
	// tick 00:01:00
	// tick 00:02:00
}

// A Backoff waits longer after each failure.
func ExampleBackoff() {
	b := service.Backoff{Initial: time.Second, Factor: 2, Max: 10 * time.Second, Jitter: -1}
	for attempt := range 5 {
		fmt.Println(b.Delay(attempt + 1))
	}
	// Output:
	// 2s
	// 4s
	// 8s
	// 10s
	// 10s
}
