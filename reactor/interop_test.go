package reactor_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// python is Debian's interpreter, for which python3-twisted is installed;
// another one that comes first in PATH would not find it.
const python = "/usr/bin/python3"

// interopVariable names the environment variable whose value "required" turns
// the skips of the interop tests into failures.
const interopVariable = "SKEIN_INTEROP"

// probeTwisted finds out whether there is a Twisted to talk to.
var probeTwisted = sync.OnceValue(func() error {
	if out, err := exec.Command(python, "-c", "import twisted.internet.protocol").CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", python, err, out)
	}
	return nil
})

// needTwisted skips the test where there is no Twisted.
func needTwisted(t *testing.T) {
	t.Helper()
	switch err := probeTwisted(); {
	case err == nil:
	case os.Getenv(interopVariable) == "required":
		t.Fatalf("Twisted is required, install python3-twisted: %v", err)
	default:
		t.Skipf("Twisted is not installed, as python3-twisted: %v", err)
	}
}

// peer is a Twisted program at the other end.
type peer struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader // of a program that was started
	stderr bytes.Buffer
}

// twisted prepares one of the scripts in testdata. A program that still runs
// when the test is over is killed.
func twisted(t *testing.T, script string, args ...string) *peer {
	args = append([]string{filepath.Join("testdata", script)}, args...)
	p := &peer{cmd: exec.CommandContext(t.Context(), python, args...)}
	p.cmd.Stderr = &p.stderr
	return p
}

// start starts a server and returns the first line that it prints, its port.
func (p *peer) start() (any, error) {
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(stdout)
	port, err := p.stdout.ReadString('\n')
	if err != nil {
		_ = p.cmd.Wait()
		return nil, p.explain(err)
	}
	return strings.TrimSpace(port), nil
}

// end waits for the end of a server and returns the rest of what it printed.
func (p *peer) end() (any, error) {
	rest, _ := io.ReadAll(p.stdout)
	if err := p.cmd.Wait(); err != nil {
		return nil, p.explain(err)
	}
	return strings.TrimSpace(string(rest)), nil
}

// explain adds what the program wrote to standard error.
func (p *peer) explain(err error) error { return fmt.Errorf("%s: %w\n%s", p.cmd, err, &p.stderr) }

// conversation is one connection between a protocol of ours and a Twisted
// program.
type conversation struct {
	name   string
	act    string // what the program does; see its script
	made   func(*proto)
	data   func(*proto, []byte)
	eof    func(*proto) // makes the protocol a HalfCloser
	bytes  []byte       // what the receiving side gets
	ours   error        // the reason at our end
	theirs string       // the reason at Twisted's, by the name of its class
}

// protocol returns our end. lost fires with its reason.
func (c *conversation) protocol(lost *deferred.Deferred, data func(*proto, []byte)) protocol.Protocol {
	p := &proto{made: c.made, data: data, lost: func(_ *proto, reason error) { lost.Callback(reason) }}
	if c.eof == nil {
		return p
	}
	return &halfProto{p, c.eof}
}

// halfProto is a proto that goes on after the end of input.
type halfProto struct {
	*proto
	eof func(*proto)
}

func (p *halfProto) ReadConnectionLost()  { p.eof(p.proto) }
func (p *halfProto) WriteConnectionLost() {}

// wantReason checks what a Deferred of a close reason fires with. An aborted
// connection is a lost one, too, but not the other way round.
func wantReason(lost *deferred.Deferred, ours error) *deferred.Deferred {
	return deferred.Then(lost, func(reason error) (any, error) {
		if aborted := protocol.ErrConnectionAborted; !errors.Is(reason, ours) || errors.Is(reason, aborted) != (ours == aborted) {
			return nil, fmt.Errorf("our reason: got %v, want %v", reason, ours)
		}
		return nil, nil
	})
}

// wantBytes reports a difference without printing megabytes.
func wantBytes(got, expected []byte) error {
	if !bytes.Equal(got, expected) {
		return fmt.Errorf("got %d bytes that are not the %d expected", len(got), len(expected))
	}
	return nil
}

// send returns a callback that sends the poem and closes.
func send(poem []byte) func(*proto) {
	return func(p *proto) {
		_ = p.Transport.WriteShared(poem)
		p.Transport.LoseConnection()
	}
}

// say greets.
func say(p *proto) { _, _ = p.Transport.Write([]byte("hello")) }

// on makes a callback for data of one that needs none.
func on(f func(*proto)) func(*proto, []byte) { return func(p *proto, _ []byte) { f(p) } }

// abort aborts.
func abort(p *proto) { p.Transport.AbortConnection() }

// TestTwistedClient lets a Twisted client talk to a server of ours. The client
// always asks first.
func TestTwistedClient(t *testing.T) {
	needTwisted(t)
	poem := bigPoem()[:8<<20]
	cases := []conversation{
		{name: "fetches a poem", act: "fetch", made: send(poem),
			bytes: poem, ours: protocol.ErrConnectionDone, theirs: "ConnectionDone"},
		{name: "half-closes and gets the poem", act: "halfclose", data: on(send(poem)),
			bytes: poem, ours: protocol.ErrConnectionDone, theirs: "ConnectionDone"},
		{name: "half-closes before the poem is sent", act: "halfclose", eof: send(poem),
			bytes: poem, ours: protocol.ErrConnectionDone, theirs: "ConnectionDone"},
		{name: "is aborted", act: "fetch", data: on(abort),
			ours: protocol.ErrConnectionAborted, theirs: "ConnectionLost"},
		{name: "aborts", act: "abort", made: say,
			bytes: []byte("hello"), ours: protocol.ErrConnectionLost, theirs: "ConnectionAborted"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				lost := deferred.New()
				port, addr := listen(t, r, build(func() protocol.Protocol { return tc.protocol(lost, tc.data) }))
				_, number, _ := net.SplitHostPort(addr)
				ran := r.DeferToThread(func() (any, error) {
					client := twisted(t, "twisted_client.py", number, tc.act)
					got, err := client.cmd.Output()
					if err != nil {
						return nil, client.explain(err)
					}
					return nil, errors.Join(
						wantBytes(got, tc.bytes),
						want("Twisted's reason", strings.TrimSpace(client.stderr.String()), tc.theirs))
				})
				return closing(port, deferred.GatherResults([]*deferred.Deferred{ran, wantReason(lost, tc.ours)}))
			})
		})
	}
}

// TestTwistedServer lets a client of ours talk to a Twisted server.
func TestTwistedServer(t *testing.T) {
	needTwisted(t)
	poem := bigPoem()[:8<<20]
	file := filepath.Join(t.TempDir(), "poem")
	if err := os.WriteFile(file, poem, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []conversation{
		{name: "serves a poem", act: "serve",
			bytes: poem, ours: protocol.ErrConnectionDone, theirs: "ConnectionDone"},
		{name: "answers a half-close", act: "answer", made: func(p *proto) { p.Transport.LoseWriteConnection() },
			bytes: poem, ours: protocol.ErrConnectionDone, theirs: "ConnectionDone"},
		{name: "aborts", act: "abort", data: on(say),
			bytes: []byte("hello"), ours: protocol.ErrConnectionLost, theirs: "ConnectionAborted"},
		{name: "is aborted", act: "wait", data: on(abort),
			bytes: []byte("hello"), ours: protocol.ErrConnectionAborted, theirs: "ConnectionLost"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				server := twisted(t, "twisted_server.py", tc.act, file)
				return deferred.ThenDeferred(r.DeferToThread(server.start), func(port string) *deferred.Deferred {
					var got []byte
					lost := deferred.New()
					r.ConnectTCP("127.0.0.1:"+port, &client{t: t, p: tc.protocol(lost, func(p *proto, data []byte) {
						got = append(got, data...)
						if tc.data != nil {
							tc.data(p, data)
						}
					})})
					deferred.Then(wantReason(lost, tc.ours), func(any) (any, error) { return nil, wantBytes(got, tc.bytes) })
					ended := r.DeferToThread(server.end)
					deferred.Then(ended, func(reason string) (any, error) {
						return nil, want("Twisted's reason", reason, tc.theirs)
					})
					return deferred.GatherResults([]*deferred.Deferred{lost, ended})
				})
			})
		})
	}
}
