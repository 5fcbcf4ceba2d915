package peers_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stuck is how long nothing goes out before a client believes that nothing will.
const stuck = 200 * time.Millisecond

// rule is something that the contract asks of every server.
type rule struct {
	name  string
	check func(t *testing.T, argv []string)
}

// rules are all of them.
var rules = []rule{
	{"echo", checkEcho},
	{"poem", checkPoem},
	{"poem of 8 MiB to one who reads late", checkLongPoem},
	{"echo to one who reads late", checkEchoLate},
	{"transform in single bytes", checkTransformBytes},
	{"transform 1,000 in one piece", checkTransformMany},
	{"transform a long text", checkTransformLong},
	{"transform for one who reads late", checkTransformLate},
	{"once", checkOnce},
	{"stream", checkStream},
	{"proxy", checkProxy},
	{"relay", checkRelay},
	{ruleHalfClose, checkHalfClose},
	{ruleUnread, checkUnread},
	{ruleReusePort, checkReusePort},
	{"unknown work", checkUnknown},
}

// poem is what the contract says a poem is.
func poem(size int) []byte {
	line := []byte("abcdefghijklmnopqrstuvwxyz\n")
	return bytes.Repeat(line, size/len(line)+1)[:size]
}

// noise returns bytes that show when some are missing or moved.
func noise(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

// oddPieces are the sizes of what a client writes at a time.
func oddPieces() []int { return []int{1, 2, 3, 1021, 4099, 65537, 17, 130003} }

// request and reply are netstrings of the transform works.
func request(text string) []byte {
	return fmt.Appendf(nil, "%d:cummingsify.%s,", len("cummingsify.")+len(text), text)
}

func reply(text string) []byte {
	text = strings.ToLower(text) // of ASCII letters here
	return fmt.Appendf(nil, "%d:%s,", len(text), text)
}

// exchange returns n requests, each of its own length, and what is to come back.
func exchange(n int) (requests, replies []byte) {
	for i := range n {
		text := strconv.Itoa(i) + strings.Repeat(" HeLLo, @[`{ ", i%7)
		requests = append(requests, request(text)...)
		replies = append(replies, reply(text)...)
	}
	return requests, replies
}

func checkEcho(t *testing.T, argv []string) {
	p := start(t, argv, "echo")
	c, data := p.dial(t), noise(1<<20)
	send(t, c, data, oddPieces(), false)
	wantNext(t, c, data)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, c, nil)
}

func checkEchoLate(t *testing.T, argv []string) {
	data := noise(16 << 20)
	checkLate(t, argv, "echo", data, data)
}

func checkTransformLate(t *testing.T, argv []string) {
	requests, replies := exchange(1000)
	checkLate(t, argv, "transform", bytes.Repeat(requests, 300), bytes.Repeat(replies, 300))
}

// checkLate reads nothing before the server takes nothing more, or has taken all:
// the kernel does not take all of the answers then.
func checkLate(t *testing.T, argv []string, work string, data, want []byte) {
	c := start(t, argv, work).dial(t)
	if err := c.SetWriteDeadline(time.Now().Add(stuck)); err != nil {
		t.Fatal(err)
	}
	n, err := c.Write(data)
	for n > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		data = data[n:]
		if err := c.SetWriteDeadline(time.Now().Add(stuck)); err != nil {
			t.Fatal(err)
		}
		n, err = c.Write(data)
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := c.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	send(t, c, data[n:], []int{1 << 20}, false)
	wantNext(t, c, want)
}

func checkPoem(t *testing.T, argv []string) {
	p := start(t, argv, "poem")
	for range 3 {
		wantAll(t, p.dial(t), poem(3072))
	}
}

// checkLongPoem keeps one client from reading until another has had all of it:
// the kernel does not take so much for the first one, and the server must not
// wait for it.
func checkLongPoem(t *testing.T, argv []string) {
	const size = 8 << 20
	p := start(t, argv, "poem", "-poem", strconv.Itoa(size))
	late := p.dial(t)
	wantAll(t, p.dial(t), poem(size))
	wantAll(t, late, poem(size))
}

func checkTransformBytes(t *testing.T, argv []string) {
	p := start(t, argv, "transform")
	c := p.dial(t)
	requests, replies := exchange(20)
	send(t, c, requests, []int{1}, false)
	wantNext(t, c, replies)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, c, nil)
}

func checkTransformMany(t *testing.T, argv []string) {
	p := start(t, argv, "transform")
	c := p.dial(t)
	requests, replies := exchange(1000)
	send(t, c, requests, []int{len(requests)}, false)
	wantNext(t, c, replies)
}

// checkTransformLong has requests that no single read can bring, and such that
// come together.
func checkTransformLong(t *testing.T, argv []string) {
	p := start(t, argv, "transform")
	c := p.dial(t)
	text := strings.Repeat("ABCDEFGHIJ", 30_000)
	short, shortReply := exchange(3)
	requests := slices.Concat(short, request(text), short, request(text))
	replies := slices.Concat(shortReply, reply(text), shortReply, reply(text))
	send(t, c, requests, oddPieces(), false)
	wantNext(t, c, replies)
}

func checkOnce(t *testing.T, argv []string) {
	p := start(t, argv, "once")
	for i := range 3 {
		c, text := p.dial(t), "HeLLo "+strconv.Itoa(i)
		send(t, c, request(text), []int{3}, false)
		wantAll(t, c, reply(text))
	}
}

// checkStream reads one client's bytes before another's, as checkLongPoem does.
func checkStream(t *testing.T, argv []string) {
	const size = 32<<20 + 12_345
	p := start(t, argv, "stream", "-stream", strconv.Itoa(size))
	late := p.dial(t)
	for _, c := range []*net.TCPConn{p.dial(t), late} {
		zeros := &zeroCounter{}
		if _, err := io.Copy(zeros, c); err != nil {
			t.Fatalf("after %d bytes: %v", zeros.n, err)
		}
		if zeros.n != size || zeros.other > 0 {
			t.Errorf("got %d bytes, %d of them not zero; want %d and 0", zeros.n, zeros.other, size)
		}
	}
}

// zeroCounter counts what is written to it.
type zeroCounter struct{ n, other int }

func (z *zeroCounter) Write(p []byte) (int, error) {
	z.n += len(p)
	z.other += len(p) - bytes.Count(p, []byte{0})
	return len(p), nil
}

func checkProxy(t *testing.T, argv []string) { checkFetches(t, argv, "proxy", 1) }

func checkRelay(t *testing.T, argv []string) { checkFetches(t, argv, "relay", 100) }

// checkFetches connects 100 clients before any of them reads, so that many of
// them wait for the same fetch.
func checkFetches(t *testing.T, argv []string, work string, want int64) {
	const size = 200_000
	addr, fetches := origin(t, poem(size))
	p := start(t, argv, work, "-origin", addr)
	clients := make([]*net.TCPConn, 100)
	for i := range clients {
		clients[i] = p.dial(t)
	}
	for _, c := range clients {
		wantAll(t, c, poem(size))
	}
	if got := fetches.Load(); got != want {
		t.Errorf("the origin was asked %d times for %d clients, want %d", got, len(clients), want)
	}
}

func checkHalfClose(t *testing.T, argv []string) {
	requests, replies := exchange(10_000)
	for _, c := range []struct {
		work       string
		send, want []byte
	}{
		{"echo", noise(1 << 20), noise(1 << 20)},
		{"transform", requests, replies},
		{"once", request("HeLLo"), reply("HeLLo")},
	} {
		t.Run(c.work, func(t *testing.T) {
			conn := start(t, argv, c.work).dial(t)
			send(t, conn, c.send, []int{1 << 20}, true)
			wantAll(t, conn, c.want)
		})
	}
	t.Run("at once", func(t *testing.T) { checkEndAtOnce(t, argv) })
}

// checkEndAtOnce has clients whose end is there when the server first looks.
func checkEndAtOnce(t *testing.T, argv []string) {
	p := start(t, argv, "echo")
	clients := make([]*net.TCPConn, 100)
	for i := range clients {
		clients[i] = p.dial(t)
		if _, err := io.WriteString(clients[i], "short"); err != nil {
			t.Fatal(err)
		}
		if err := clients[i].CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		wantAll(t, c, []byte("short"))
	}
}

// checkUnread sends on after the one request that is answered. A reset would end
// a write, even if the answer had come.
func checkUnread(t *testing.T, argv []string) {
	p := start(t, argv, "once")
	c := p.dial(t)
	requests, _ := exchange(20_000)
	for _, data := range [][]byte{request("First"), requests, requests, requests} {
		if _, err := c.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, c, reply("First"))
}

func checkReusePort(t *testing.T, argv []string) {
	first := start(t, argv, "poem", "-reuseport")
	second := start(t, argv, "poem", "-reuseport", "-addr", first.addr)
	if first.addr != second.addr {
		t.Fatalf("asked for %s, the second listens on %s", first.addr, second.addr)
	}
	for range 10 { // the kernel chooses which one serves
		wantAll(t, second.dial(t), poem(3072))
	}
}

func checkUnknown(t *testing.T, argv []string) {
	status, said := refused(t, argv, "nonsense")
	if status != 2 || strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") || !strings.Contains(said, "nonsense") {
		t.Errorf("status %d and %q, want 2 and one line that names the work", status, said)
	}
}
