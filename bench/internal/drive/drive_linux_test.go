package drive_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/bench/internal/drive"
)

// asLoad makes this program a load instead of a test, for Spawn.
const asLoad = "SKEIN_DRIVE_TEST_LOAD"

func TestMain(m *testing.M) {
	if os.Getenv(asLoad) != "" {
		os.Exit(drive.Main(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// serve answers each connection with a function, and returns the address.
func serve(t *testing.T, answer func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				answer(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait() // the loads have closed their ends
	})
	return l.Addr().String()
}

// open opens a load that is closed with the test.
func open(t *testing.T, w drive.Work, addr string) drive.Load {
	t.Helper()
	l, err := w.Open(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// echo sends back what comes, after change has looked at it.
func echo(change func(b []byte) []byte) func(c *net.TCPConn) {
	return func(c *net.TCPConn) {
		buf := make([]byte, 1000) // cuts messages anywhere
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			b := buf[:n]
			if change != nil {
				b = change(b)
			}
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	}
}

// lower answers requests, and closes after the first if it is told to.
func lower(once bool, change func(b []byte) []byte) func(c *net.TCPConn) {
	return func(c *net.TCPConn) {
		for buf := []byte(nil); ; {
			piece := make([]byte, 700)
			n, err := c.Read(piece)
			if err != nil {
				return
			}
			buf = append(buf, piece[:n]...)
			for {
				head, rest, ok := strings.Cut(string(buf), ":")
				size, _ := strconv.Atoi(head)
				if !ok || len(rest) < size+1 {
					break
				}
				text, ok := strings.CutPrefix(rest[:size], "cummingsify.")
				if !ok || rest[size] != ',' {
					return
				}
				answer := []byte(strconv.Itoa(len(text)) + ":" + strings.ToLower(text) + ",")
				if change != nil {
					answer = change(answer)
				}
				if _, err := c.Write(answer); err != nil || once {
					return
				}
				buf = []byte(rest[size+1:])
			}
		}
	}
}

// zeros sends so many.
func zeros(n int64) func(c *net.TCPConn) {
	return func(c *net.TCPConn) { _, _ = io.CopyN(c, endless{}, n) }
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// poem sends a text.
func poem(text []byte) func(c *net.TCPConn) {
	return func(c *net.TCPConn) { _, _ = c.Write(text) }
}

// works is one of each load, with a server that is right.
var works = []struct {
	name    string
	work    drive.Work
	server  func(c *net.TCPConn)
	untimed bool // there are no latencies
}{
	{"echo", drive.Echo{Conns: 5, Depth: 1, Size: 64}, echo(nil), false},
	{"echo, pipelined", drive.Echo{Conns: 3, Depth: 16, Size: 64}, echo(nil), false},
	{"echo, more than the kernel takes", drive.Echo{Conns: 2, Depth: 16, Size: 1 << 18}, echo(nil), false},
	{"echo of one byte", drive.Echo{Conns: 1, Depth: 100, Size: 1}, echo(nil), false},
	{"transform", drive.Transform{Conns: 5, Depth: 1, Size: 64}, lower(false, nil), false},
	{"transform, pipelined", drive.Transform{Conns: 3, Depth: 16, Size: 300}, lower(false, nil), false},
	{"transform once", drive.TransformOnce{AtOnce: 4, Size: 64}, lower(true, nil), false},
	{"fetch", drive.Fetch{AtOnce: 4, Poem: 3072}, poem(drive.Poem(3072)), false},
	{"fetch nothing", drive.Fetch{AtOnce: 4, Poem: 0}, poem(nil), false},
	{"fetch much", drive.Fetch{AtOnce: 3, Poem: 1 << 20}, poem(drive.Poem(1 << 20)), false},
	{"idle", drive.Idle{Conns: 100, Size: 4096}, echo(nil), false},
	{"stream", drive.Stream{Conns: 3, Bytes: 3<<20 + 1}, zeros(3<<20 + 1), true},
	{"paced", drive.Paced{Conns: 10, Size: 64, Rate: 5000}, echo(nil), false},
}

func TestLoadsDoWhatTheyAreTold(t *testing.T) {
	for _, tc := range works {
		t.Run(tc.name, func(t *testing.T) {
			l := open(t, tc.work, serve(t, tc.server))
			r := drive.NewResult()
			want := 0
			for _, ops := range []int{1, 0, 7, 200} { // less and more than what is under way
				if err := l.Run(ops, r); err != nil {
					t.Fatal(err)
				}
				if want += ops; r.Ops != want {
					t.Fatalf("%d operations after a run of %d, want %d", r.Ops, ops, want)
				}
			}
			if err := l.RunFor(20*time.Millisecond, r); err != nil {
				t.Fatal(err)
			}
			if r.Ops <= want {
				t.Errorf("no operation within 20 ms")
			}
			if n := r.Latency.TotalCount(); n != int64(r.Ops) && !tc.untimed {
				t.Errorf("%d latencies of %d operations", n, r.Ops)
			}
			if r.Wall < 20*time.Millisecond || !tc.untimed && r.Quantile(1) > r.Wall {
				t.Errorf("runs of %v with a latency of %v", r.Wall, r.Quantile(1))
			}
		})
	}
}

func TestLoadsInAProcessOfTheirOwn(t *testing.T) {
	t.Setenv(asLoad, "1")
	for _, tc := range works {
		t.Run(tc.name, func(t *testing.T) {
			l, err := drive.Spawn(-1, []string{os.Args[0]}, tc.work, serve(t, tc.server))
			if err != nil {
				t.Fatal(err)
			}
			r := drive.NewResult()
			if err := errors.Join(l.Run(70, r), l.RunFor(5*time.Millisecond, r)); err != nil {
				t.Error(err)
			}
			if r.Ops <= 70 || r.Wall <= 0 || r.Latency.TotalCount() != int64(r.Ops) && !tc.untimed {
				t.Errorf("%d operations in %v, %d latencies", r.Ops, r.Wall, r.Latency.TotalCount())
			}
			if l.InFlight() < 1 {
				t.Errorf("%d operations in flight", l.InFlight())
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWrongAnswersAreErrors(t *testing.T) {
	long := drive.Poem(100_000)
	spoilt := bytes.Clone(long)
	spoilt[99_999] ^= 1
	flip := func(b []byte) []byte { b[len(b)-1] ^= 0x20; return b }
	cases := []struct {
		name   string
		work   drive.Work
		server func(c *net.TCPConn)
		want   error
	}{
		{"an echo with a wrong byte", drive.Echo{Conns: 3, Depth: 2, Size: 64}, echo(flip), drive.ErrWrong},
		{"an echo with a byte more", drive.Echo{Conns: 3, Depth: 2, Size: 64}, echo(func(b []byte) []byte { return append(b, '!') }), drive.ErrWrong},
		{"an echo of an older message", drive.Echo{Conns: 1, Depth: 1, Size: 64}, stale(), drive.ErrWrong},
		{"an echo of a part", drive.Echo{Conns: 3, Depth: 2, Size: 64}, echo(func(b []byte) []byte { return b[1:] }), drive.ErrWrong},
		{"a poem with a wrong byte", drive.Fetch{AtOnce: 3, Poem: 100_000}, poem(spoilt), drive.ErrWrong},
		{"a poem that is short", drive.Fetch{AtOnce: 3, Poem: 100_000}, poem(long[:99_999]), drive.ErrWrong},
		{"a poem that is long", drive.Fetch{AtOnce: 3, Poem: 99_999}, poem(long), drive.ErrWrong},
		{"no poem", drive.Fetch{AtOnce: 3, Poem: 100_000}, poem(nil), drive.ErrWrong},
		{"a transform with a wrong byte", drive.Transform{Conns: 3, Depth: 4, Size: 64}, lower(false, flip), drive.ErrWrong},
		{"a transform with the case kept", drive.Transform{Conns: 3, Depth: 4, Size: 64}, lower(false, bytes.ToUpper), drive.ErrWrong},
		{"one transform that is wrong", drive.TransformOnce{AtOnce: 3, Size: 64}, lower(true, flip), drive.ErrWrong},
		{"a stream of ones", drive.Stream{Conns: 1}, poem(bytes.Repeat([]byte{1}, 1<<20)), drive.ErrWrong},
		{"a stream that is short", drive.Stream{Conns: 1, Bytes: 2 << 20}, zeros(1 << 20), drive.ErrWrong},
		{"a stream that is long", drive.Stream{Conns: 1, Bytes: 2 << 20}, zeros(3 << 20), drive.ErrWrong},
		{"an echo that closes", drive.Echo{Conns: 3, Depth: 2, Size: 64}, closing(nil), drive.ErrClosed},
		{"an echo that resets", drive.Echo{Conns: 3, Depth: 2, Size: 64}, closing(reset), drive.ErrClosed},
		{"a poem that is reset", drive.Fetch{AtOnce: 3, Poem: 100_000}, reset, drive.ErrClosed},
		{"a stream that is reset", drive.Stream{Conns: 3}, reset, drive.ErrClosed},
		{"a paced echo that closes", drive.Paced{Conns: 3, Size: 64, Rate: 1000}, closing(nil), drive.ErrClosed},
		{"an echo that says nothing", drive.Echo{Conns: 3, Depth: 2, Size: 64}, silent, drive.ErrSilent},
		{"a poem that never ends", drive.Fetch{AtOnce: 3, Poem: 10}, unending, drive.ErrSilent},
		{"a paced echo that says nothing", drive.Paced{Conns: 3, Size: 64, Rate: 1000}, silent, drive.ErrSilent},
		{"a stream that stops", drive.Stream{Conns: 3}, silent, drive.ErrSilent},
		{"a stream that drips", drive.Stream{Conns: 3}, dripping, drive.ErrSilent},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			l := open(t, tc.work, serve(t, tc.server))
			if tc.want == drive.ErrSilent {
				drive.Hurry(l, 50*time.Millisecond)
			}
			r := drive.NewResult()
			err := l.Run(1000, r)
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want that %v", err, tc.want)
			}
			if again := l.Run(1, r); !errors.Is(again, tc.want) {
				t.Errorf("the next run: %v, want the same error", again)
			}
			t.Log(err)
		})
	}
}

// stale answers each message with the one before.
func stale() func(c *net.TCPConn) {
	last := bytes.Repeat([]byte{'!'}, 64)
	return echo(func(b []byte) []byte {
		answer := last
		last = bytes.Clone(b)
		return answer
	})
}

// closing answers some messages and closes, after what last does.
func closing(last func(c *net.TCPConn)) func(c *net.TCPConn) {
	return func(c *net.TCPConn) {
		buf := make([]byte, 64)
		for range 5 {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			_, _ = c.Write(buf[:n])
		}
		if last != nil {
			last(c)
		}
	}
}

// reset ends a connection by force.
func reset(c *net.TCPConn) { _ = c.SetLinger(0) }

// silent takes all and says nothing.
func silent(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

// unending sends ten bytes and no end.
func unending(c *net.TCPConn) {
	_, _ = c.Write(drive.Poem(10))
	silent(c)
}

// dripping sends zeros one by one.
func dripping(c *net.TCPConn) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := c.Write([]byte{0}); err != nil {
			return
		}
		<-ticker.C
	}
}

// TestPacedChargesForWaiting has a server stand still for a while, once: all
// messages that were due in that time have waited.
func TestPacedChargesForWaiting(t *testing.T) {
	const (
		still = 300 * time.Millisecond
		rate  = 1000
	)
	var mu sync.Mutex
	seen := 0
	addr := serve(t, echo(func(b []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		if seen++; seen == 100 {
			<-time.After(still)
		}
		return b
	}))
	r := drive.NewResult()
	if err := open(t, drive.Paced{Conns: 10, Size: 64, Rate: rate}, addr).Run(1000, r); err != nil {
		t.Fatal(err)
	}
	// A load that waits for the answers would have seen it ten times.
	waited := 0
	for _, bar := range r.Latency.Distribution() {
		if bar.From >= int64(still/3) {
			waited += int(bar.Count)
		}
	}
	if want := int(rate * (still * 2 / 3).Seconds()); waited < want*9/10 {
		t.Errorf("%d messages have waited for %v or longer, want some %d", waited, still/3, want)
	}
	if r.Quantile(1) < still*9/10 {
		t.Errorf("the longest latency is %v, want some %v", r.Quantile(1), still)
	}
	if r.Wall < 950*time.Millisecond {
		t.Errorf("1000 messages at a rate of %d took %v", rate, r.Wall)
	}
}

// TestIdleUsesAllConnections counts the messages on each connection.
func TestIdleUsesAllConnections(t *testing.T) {
	const conns, size = 200, 4096
	counts := make(chan int, conns)
	addr := serve(t, func(c *net.TCPConn) {
		buf, n := make([]byte, size), 0
		for {
			if _, err := io.ReadFull(c, buf); err != nil {
				counts <- n
				return
			}
			n++
			_, _ = c.Write(buf)
		}
	})
	l, err := drive.Idle{Conns: conns, Size: size}.Open(addr)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := l.Run(conns, drive.NewResult()); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for range conns {
		if n := <-counts; n != 3 {
			t.Fatalf("a connection carried %d messages, want 3 on each", n)
		}
	}
}

// TestRunsDoNotAllocate measures the echo, whose server here does not either.
func TestRunsDoNotAllocate(t *testing.T) {
	l := open(t, drive.Echo{Conns: 10, Depth: 4, Size: 64}, serve(t, echo(nil)))
	r := drive.NewResult()
	perRun := testing.AllocsPerRun(5, func() {
		if err := l.Run(2000, r); err != nil {
			t.Error(err)
		}
	})
	if perRun > 50 {
		t.Errorf("%v allocations in a run of 2000 operations", perRun)
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	for _, addr := range []string{closed, "localhost:1", "127.0.0.1", "[::1]:80", ""} {
		for _, w := range []drive.Work{drive.Echo{Conns: 2, Depth: 1, Size: 1}, drive.Fetch{AtOnce: 1, Poem: 1}, drive.Stream{Conns: 1}} {
			l, err := w.Open(addr)
			if err == nil { // a visit connects when it is due
				err = l.Run(1, drive.NewResult())
				_ = l.Close()
			}
			if err == nil {
				t.Errorf("%T at %q: no error", w, addr)
			}
		}
	}
}

func TestWorksWithNothingToDo(t *testing.T) {
	addr := serve(t, silent)
	for _, w := range []drive.Work{
		drive.Echo{}, drive.Echo{Conns: 1, Depth: 1}, drive.Echo{Conns: 1, Size: 1}, drive.Echo{Depth: 1, Size: 1},
		drive.Transform{}, drive.Idle{}, drive.Fetch{}, drive.TransformOnce{}, drive.Stream{}, drive.Paced{Conns: 1, Size: 1},
	} {
		if _, err := w.Open(addr); err == nil {
			t.Errorf("%T %+v: no error", w, w)
		}
	}
}
