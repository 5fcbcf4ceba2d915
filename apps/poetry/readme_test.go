package poetry_test

import (
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"testing"

	"skein/apps/poetry"
	"skein/protocol"
	"skein/reactor"
)

// readme:begin

type poet struct{ protocol.Base } // what one connection does

func (p *poet) ConnectionMade() {
	_, _ = p.Transport.Write([]byte("Tyger Tyger, burning bright\n"))
	p.Transport.LoseConnection() // after the last byte
}
func (p *poet) DataReceived([]byte) {}

func newPoet(net.Addr) protocol.Protocol { return &poet{} }

func Example() {
	r, err := reactor.New() // the loop
	if err != nil {
		log.Fatal(err)
	}
	port, err := r.ListenTCP("localhost:0", protocol.FactoryFunc(newPoet))
	if err != nil {
		log.Fatal(err)
	}
	d := poetry.GetPoem(r, port.Addr().String(), poetry.Options{}) // a Deferred: the poem, later
	d.AddCallback(func(poem any) (any, error) { return strings.ToUpper(string(poem.([]byte))), nil })
	d.AddCallback(func(loud any) (any, error) { return fmt.Print(loud) })
	d.AddErrback(func(err error) (any, error) { return fmt.Println("no poem:", err) })
	d.AddBoth(func(any, error) (any, error) { return nil, r.Stop() })
	if err := r.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: TYGER TYGER, BURNING BRIGHT
}

// readme:end

// TestReadmeShowsTheExample compares the code in the README with the example
// that runs here.
func TestReadmeShowsTheExample(t *testing.T) {
	here, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(here), "// readme:begin\n")
	code, _, ok := strings.Cut(code, "// readme:end\n")
	if !ok {
		t.Fatal("the marks of the example are gone")
	}
	shown := strings.ReplaceAll(string(readme), "func main()", "func Example()")
	for _, line := range strings.Split(code, "\n") {
		if line = strings.TrimSpace(line); !strings.Contains(shown, line) {
			t.Errorf("README.md does not show this line of the example: %s", line)
		}
	}
}
