package servers_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// engines are what is compared, here.
var engines = func() []string {
	if runtime.GOOS != "linux" {
		return []string{"skein", "gnet", "net"}
	}
	return []string{"skein", "gnet", "net", "epoll"}
}()

// rule is a part of the contract of package bench.
type rule struct {
	name string
	args []string // a WORK and its flags; ORIGIN stands for the origin's address
	// try finds out whether a server keeps it.
	try func(s *scene) error
	// except has those that do not keep it, and why.
	except map[string]string
}

// rules are the contract.
var rules = []rule{
	{name: "echo in odd pieces", args: []string{"echo"}, try: echoes},
	{name: "echo, of which little is read before the half-close", args: []string{"echo"}, try: echoesToSlowReader,
		except: map[string]string{"gnet": "at the peer's end it closes, which drops what the system has not taken"}},
	{name: "a poem", args: []string{"poem"}, try: sends(poem(3072))},
	{name: "an empty poem", args: []string{"poem", "-poem", "0"}, try: sends(nil)},
	{name: "8 MiB to a slow reader", args: []string{"poem", "-poem", "8388608"}, try: sendsToSlowReader(8 << 20)},

	{name: "requests in single bytes", args: []string{"transform"}, try: transforms(1)},
	{name: "requests in pieces of seven", args: []string{"transform"}, try: transforms(7)},
	{name: "a thousand requests in one piece", args: []string{"transform"}, try: transforms(1 << 20)},
	{name: "an answer before the next request is whole", args: []string{"transform"}, try: answersHalfway},
	{name: "a wrong name", args: []string{"transform"}, try: refuses("5:x.abc,")},
	{name: "no netstring", args: []string{"transform"}, try: refuses("hello:")},
	{name: "no comma", args: []string{"transform"}, try: refuses("13:cummingsify.A.")},
	{name: "one request", args: []string{"once"}, try: answersOnce("13:cummingsify.A,", "1:a,")},
	{name: "of two requests one", args: []string{"once"}, try: answersOnce("13:cummingsify.A,13:cummingsify.B,", "1:a,"),
		except: map[string]string{"skein": "as the tutorial's server does, it answers all that came in one piece"}},

	{name: "a crowd for poems", args: []string{"poem"}, try: crowd(sends(poem(3072)))},
	{name: "a crowd with a request each", args: []string{"once"}, try: crowd(answersOnce("13:cummingsify.A,", "1:a,"))},
	{name: "a crowd for relayed poems", args: []string{"relay", "-origin", "ORIGIN"}, try: relaysToCrowd},

	{name: "a stream", args: []string{"stream", "-stream", "10000001"}, try: streams(10_000_001)},
	{name: "an empty stream", args: []string{"stream", "-stream", "0"}, try: streams(0)},

	{name: "one fetch for a hundred clients", args: []string{"proxy", "-origin", "ORIGIN"}, try: fetchesOnce},
	{name: "a proxy's client that half-closes", args: []string{"proxy", "-origin", "ORIGIN"}, try: waitsWhole,
		except: map[string]string{"gnet": "at the peer's end it closes, and does not ask"}},
	{name: "a fetch for each client", args: []string{"relay", "-origin", "ORIGIN"}, try: fetchesEach},
	{name: "a relay's origin that is gone", args: []string{"relay", "-origin", "127.0.0.1:1"}, try: sendsNothing},
	{name: "a relay's client that half-closes", args: []string{"relay", "-origin", "ORIGIN"}, try: waitsWhole,
		except: map[string]string{"gnet": "the same"}},
}

// TestRules has every engine keep every rule, but for the exceptions. Those it
// must break, lest they outlive their reasons: in one of a few tries, as some
// depend on who is faster.
func TestRules(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			for _, r := range rules {
				why, excepted := r.except[engine]
				t.Run(r.name, func(t *testing.T) {
					err := r.on(t, engine)
					for tries := 1; excepted && err == nil && tries < 10; tries++ {
						err = r.on(t, engine)
					}
					switch {
					case excepted && err == nil:
						t.Errorf("it keeps the rule, though it is said that %s", why)
					case !excepted && err != nil:
						t.Error(err)
					}
				})
			}
		})
	}
}

// on tries a rule on a new server.
func (r *rule) on(t *testing.T, engine string) error {
	s := &scene{t: t}
	args := append([]string{engine}, r.args...)
	if i := len(args) - 1; args[i] == "ORIGIN" {
		s.origin = newOrigin(t, poem(3072))
		args[i] = s.origin.addr
	}
	s.addr = start(t, args...).addr
	return r.try(s)
}

// scene is what a rule is tried with.
type scene struct {
	t      *testing.T
	addr   string
	origin *origin
}

// dial connects a client.
func (s *scene) dial() *net.TCPConn {
	s.t.Helper()
	return dial(s.t, s.addr)
}

// slow connects a client with little room for what it has not read; with less,
// the system itself would wait between segments.
func (s *scene) slow() *net.TCPConn {
	c := s.dial()
	if err := c.SetReadBuffer(256 << 10); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// wants reads to the end, in pieces of a size.
func wants(c net.Conn, want []byte, piece int) error {
	var got bytes.Buffer
	buf := make([]byte, piece)
	for {
		n, err := c.Read(buf)
		got.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("after %d bytes of %d: %w", got.Len(), len(want), err)
		}
	}
	if !bytes.Equal(got.Bytes(), want) {
		return fmt.Errorf("got %d bytes, %.60q, want %d, %.60q", got.Len(), got.Bytes(), len(want), want)
	}
	return nil
}

// writes sends pieces of a growing size, and the end. The channel tells when.
func writes(c *net.TCPConn, data []byte, sizes ...int) <-chan error {
	done := make(chan error, 1)
	go func() {
		for i := 0; len(data) > 0; i++ {
			n := min(len(data), sizes[i%len(sizes)])
			if _, err := c.Write(data[:n]); err != nil {
				done <- err
				return
			}
			data = data[n:]
		}
		done <- c.CloseWrite()
	}()
	return done
}

// echoes sends 1 MiB.
func echoes(s *scene) error {
	c, data := s.dial(), poem(1<<20)
	sent := writes(c, data, 1, 13, 64, 997, 4096, 65537)
	if err := wants(c, data, 4096); err != nil {
		return err
	}
	return <-sent
}

// echoesToSlowReader sends 8 MiB and begins to read a while later: by then, a
// server has taken all and seen the end, or it takes no more.
func echoesToSlowReader(s *scene) error {
	c, data := s.slow(), poem(8<<20)
	sent := writes(c, data, 64<<10)
	<-time.After(200 * time.Millisecond)
	if err := wants(c, data, 4096); err != nil {
		return err
	}
	return <-sent
}

// sends wants some bytes and the end.
func sends(want []byte) func(*scene) error {
	return func(s *scene) error { return wants(s.dial(), want, 4096) }
}

// sendsNothing wants an end, or a reset, which may come before the dial is over.
func sendsNothing(s *scene) error {
	c, err := net.DialTimeout("tcp", s.addr, patience)
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if got, err := io.ReadAll(c); len(got) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("got %q, %w, want an end", got, err)
	}
	return nil
}

// sendsToSlowReader wants a poem that is longer than what the system holds.
func sendsToSlowReader(n int) func(*scene) error {
	return func(s *scene) error { return wants(s.slow(), poem(n), 1024) }
}

// transforms sends a thousand requests, among them an empty one and the longest,
// in pieces of a size, and the end, and wants the answers in order.
func transforms(piece int) func(*scene) error {
	return func(s *scene) error {
		var requests, answers strings.Builder
		for i := range 1000 {
			text := fmt.Sprintf("Line %d, A to Z, @ and [.", i)
			switch {
			case i == 500:
				text = ""
			case i == 501 && piece > 1:
				text = strings.Repeat("aZ", 49_993) + "!" // a request of 99,999 bytes
			}
			fmt.Fprintf(&requests, "%d:cummingsify.%s,", len("cummingsify.")+len(text), text)
			fmt.Fprintf(&answers, "%d:%s,", len(text), strings.ToLower(text))
		}
		c := s.dial()
		sent := writes(c, []byte(requests.String()), piece)
		if err := wants(c, []byte(answers.String()), 4096); err != nil {
			return err
		}
		return <-sent
	}
}

// answersHalfway sends a request and a half, and the rest once the answer has
// come.
func answersHalfway(s *scene) error {
	c := s.dial()
	for _, step := range []struct{ send, want string }{
		{"13:cummingsify.A,13:cummi", "1:a,"},
		{"ngsify.B,1", "1:b,"},
		{"3:cummingsify.C,", "1:c,"},
	} {
		if _, err := io.WriteString(c, step.send); err != nil {
			return err
		}
		got := make([]byte, len(step.want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != step.want {
			return fmt.Errorf("got %q, %v, want %q", got, err, step.want)
		}
	}
	return c.CloseWrite()
}

// refuses sends a request that is none, and wants the end. It may be a reset:
// who sends such a thing has no claim.
func refuses(request string) func(*scene) error {
	return func(s *scene) error {
		c := s.dial()
		if _, err := io.WriteString(c, request); err != nil {
			return err
		}
		got, err := io.ReadAll(c)
		if e, ok := err.(net.Error); ok && e.Timeout() || len(got) > 0 {
			return fmt.Errorf("got %q, %v, want an end", got, err)
		}
		return nil
	}
}

// answersOnce sends requests, and wants an answer and the end.
func answersOnce(requests, answer string) func(*scene) error {
	return func(s *scene) error {
		c := s.dial()
		if _, err := io.WriteString(c, requests); err != nil {
			return err
		}
		return wants(c, []byte(answer), 4096)
	}
}

// crowd has many clients come and go at the same time, so that descriptors'
// numbers change hands.
func crowd(try func(*scene) error) func(*scene) error {
	return func(s *scene) error {
		const clients, visits = 32, 20
		results := make(chan error)
		for range clients {
			go func() {
				var failed error
				for range visits {
					if err := try(s); err != nil {
						failed = err
					}
				}
				results <- failed
			}()
		}
		var failed error
		for range clients {
			if err := <-results; err != nil {
				failed = err
			}
		}
		return failed
	}
}

// relaysToCrowd does not have the origin wait.
func relaysToCrowd(s *scene) error {
	close(s.origin.release)
	return crowd(sends(poem(3072)))(s)
}

// streams has three clients count what comes.
func streams(n int) func(*scene) error {
	return func(s *scene) error {
		clients := []*net.TCPConn{s.dial(), s.slow(), s.dial()}
		results := make(chan error)
		for _, c := range clients {
			go func() { results <- wants(c, make([]byte, n), 64<<10) }()
		}
		var failed error
		for range clients {
			if err := <-results; err != nil {
				failed = err
			}
		}
		return failed
	}
}
