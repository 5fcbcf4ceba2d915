package reactortest_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"skein/reactor/internal/kernel"
	"skein/reactor/reactortest"
)

// The kernel in memory is only worth having if it does as Linux does. So the
// same scripts run on both, and what they see is compared: the results of each
// call, and the events that come between one step and the next.

// script is one run of a list of steps, one in each turn of a kernel.
type script struct {
	k     kernel.Kernel
	watch func(fd int) syscall.Errno // the accepted end
	steps []func(s *script)
	addr  func() kernel.Addr

	trace  []string
	names  map[int]string // what the script calls a descriptor
	events map[string]kernel.Events
	tags   map[string]uint32 // of the last event
	marked map[string]uint32 // what they are to be, if not 0

	shut map[string]bool // who has sent its end

	l, a, c int // the listener, the accepted end, the client's
}

// clientTag is what comes with the events of the client's end.
const clientTag = 1<<32 - 7

// pause is the time between two steps: on loopback, all that follows from a
// call has happened when it returns.
const pause = 2 * time.Millisecond

// Ready collects what is said of each descriptor.
func (s *script) Ready(fd int, ev kernel.Events, tag uint32) {
	if name, ok := s.names[fd]; ok {
		s.events[name] |= ev
		s.tags[name] = tag
	}
}

func (*script) Served() {}

// Turn takes the next step.
func (s *script) Turn() (stop bool) {
	for _, name := range slices.Sorted(keys(s.events)) {
		s.note("%s is%s", name, eventText(s.events[name]))
	}
	clear(s.events)
	if len(s.steps) == 0 {
		return true
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	step(s)
	s.k.SetTimer(pause)
	return false
}

// More has nothing to add.
func (s *script) More() bool { return false }

// keys iterates over the keys of a map.
func keys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// eventText names events.
func eventText(ev kernel.Events) (text string) {
	for i, name := range []string{"readable", "writable", "hung up", "failed"} {
		if ev&(1<<i) != 0 {
			text += " " + name
		}
	}
	return text
}

// note adds a line to the trace.
func (s *script) note(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf(format, args...))
}

// add watches a descriptor under a name.
func (s *script) add(name string, fd int) {
	s.names[fd] = name
	if errno := s.k.Add(fd); errno != 0 {
		s.note("add %s: %v", name, errno)
	}
}

// The calls, as steps.

func connected(s *script) {
	l, errno := s.k.Listen(s.addr(), kernel.ListenOptions{})
	s.note("listen: %v", errno)
	s.l = l
	s.add("l", l)
	bound, _ := s.k.LocalAddr(l)
	if s.c, errno = s.k.Connect(bound, kernel.Addr{}); errno != 0 {
		s.note("connect: %v", errno)
	}
	s.names[s.c] = "c"
	s.marked["c"] = clientTag
	if errno := s.k.AddTagged(s.c, clientTag); errno != 0 {
		s.note("add c: %v", errno)
	}
}

func accepted(s *script) {
	a, _, errno := s.k.Accept(s.l)
	s.note("accept: %v", errno)
	s.a = a
	s.names[a] = "a"
	if errno := s.watch(a); errno != 0 {
		s.note("add a: %v", errno)
	}
	_, _, errno = s.k.Accept(s.l)
	s.note("accept again: %v", errno)
}

func write(end, text string) func(*script) {
	return func(s *script) {
		n, errno := s.k.Write(s.fd(end), []byte(text), false)
		s.note("write %s: %d %v", end, n, errno)
	}
}

func read(end string) func(*script) {
	return func(s *script) {
		buf := make([]byte, 64)
		n, errno := s.k.Read(s.fd(end), buf)
		s.note("read %s: %q %v", end, buf[:max(n, 0)], errno)
	}
}

func addOutput(s *script) { s.note("add output: %v", s.k.AddOutput(s.a)) }

func shutdown(end string) func(*script) {
	return func(s *script) {
		s.shut[end] = true
		s.note("shutdown %s: %v", end, s.k.ShutdownWrite(s.fd(end)))
	}
}

func closing(end string, reset bool) func(*script) {
	return func(s *script) {
		s.note("close %s, reset %v", end, reset)
		delete(s.names, s.fd(end))
		s.k.Remove(s.fd(end))
		s.k.CloseSocket(s.fd(end), reset)
	}
}

func state(end string) func(*script) {
	return func(s *script) {
		errno := s.k.Connected(s.fd(end))
		s.note("%s would be%s, its peer: %v, its error: %v", end, eventText(s.k.Pending(s.fd(end))), errno, s.k.SocketError(s.fd(end)))
	}
}

// fill writes until the kernel takes no more, and stays at that: on a busy machine
// Linux hears late of what the other end has taken. How much it takes differs.
func fill(end string) func(*script) {
	return func(s *script) {
		piece := make([]byte, 64<<10)
		for refused := 0; ; refused++ {
			_, errno := s.k.Write(s.fd(end), piece, false)
			switch {
			case errno == 0:
				refused = -1
			case errno != syscall.EAGAIN || refused == 100:
				s.note("fill %s: %v", end, errno)
				return
			}
		}
	}
}

// drain reads until there is no more.
func drain(end string) func(*script) {
	return func(s *script) {
		buf := make([]byte, 64<<10)
		for {
			n, errno := s.k.Read(s.fd(end), buf)
			if n == 0 || errno != 0 {
				s.note("drain %s: %v", end, errno)
				return
			}
		}
	}
}

// fd returns the descriptor of an end.
func (s *script) fd(end string) int { return map[string]int{"l": s.l, "a": s.a, "c": s.c}[end] }

// scripts are lives of a connection. Each begins with both ends connected.
var scripts = map[string][]func(*script){
	"data":                {write("c", "hello"), read("a"), read("a"), write("a", "hi"), read("c"), state("a")},
	"short reads":         {write("c", strings.Repeat("x", 70)), read("a"), read("a"), read("a")},
	"half-close":          {write("c", "bye"), shutdown("c"), read("a"), read("a"), write("a", "more"), read("c"), write("c", "x"), state("a"), state("c")},
	"half-close both":     {shutdown("c"), read("a"), shutdown("a"), read("c"), state("a"), state("c"), write("a", "x")},
	"close":               {closing("a", false), state("c"), read("c"), read("c"), shutdown("c")},
	"close, then data":    {closing("a", false), read("c"), write("c", "x"), read("c"), write("c", "y"), state("c")},
	"close, unread":       {write("c", "unread"), closing("a", false), read("c"), read("c"), write("c", "x"), state("c")},
	"close, unread, sent": {write("c", "unread"), write("a", "sent"), closing("a", false), read("c"), read("c"), read("c")},
	"close, sent":         {write("a", "sent"), closing("a", false), read("c"), read("c"), write("c", "x"), read("c")},
	"reset":               {closing("a", true), state("c"), read("c"), write("c", "x"), write("c", "y"), state("c")},
	"reset, sent":         {write("a", "sent"), closing("a", true), read("c"), read("c"), read("c")},
	"reset, by write":     {closing("a", true), write("c", "x"), write("c", "y"), read("c")},
	"reset after the end": {shutdown("a"), read("c"), closing("a", true), read("c"), write("c", "x"), write("c", "y")},
	"full":                {fill("c"), write("c", "x"), drain("a"), drain("a"), state("c")},
	"full, then reset":    {fill("c"), closing("a", true), write("c", "x"), write("c", "y"), state("c")},
	"full, then closed":   {fill("c"), closing("c", false), drain("a"), drain("a"), drain("a"), drain("a"), state("a")},
	"full, then watched":  {fill("a"), addOutput, drain("c"), drain("c"), state("a")},
	"watched, then full":  {addOutput, fill("a"), write("c", "x"), drain("c"), drain("c"), closing("c", true), state("a")},
	"full, with input":    {fill("a"), write("c", "x"), drain("c"), drain("c"), read("a"), write("c", "y")},
	"full, their end":     {fill("a"), shutdown("c"), drain("c"), drain("c"), addOutput, read("a")},
	"full, both ends":     {fill("a"), shutdown("a"), shutdown("c"), drain("c"), drain("c"), read("a")},
	"full, peer closes":   {fill("a"), closing("c", false), write("a", "x"), read("a")},
	"input, then reset":   {write("c", "x"), closing("c", true), state("a"), read("a"), read("a"), addOutput},
	"reset, then watched": {fill("a"), closing("c", true), addOutput, read("a"), addOutput},
	"removed, watched":    {func(s *script) { s.k.Remove(s.a) }, addOutput, write("c", "x")},
	"removed":             {func(s *script) { s.k.Remove(s.a) }, write("c", "x"), func(s *script) { s.add("a", s.a) }, read("a")},
	"listener closed":     {closing("l", false), write("c", "x"), read("a"), closing("a", false), read("c")},
	"closed descriptor":   {closing("a", false), read("a"), write("a", "x"), shutdown("a"), state("a")},
	"wrong kind":          {read("l"), write("l", "x"), func(s *script) { _, _, e := s.k.Accept(s.c); s.note("accept c: %v", e) }},
	"address in use": {func(s *script) {
		a, _ := s.k.LocalAddr(s.l)
		_, e := s.k.Listen(a, kernel.ListenOptions{})
		s.note("listen: %v", e)
	}},
	"options of the network": {func(s *script) { s.note("%v %v", s.k.SetNoDelay(s.c, true), s.k.SetKeepAlive(s.c, time.Minute)) }},
}

// perform runs a script on a kernel and returns it with what it has seen.
func perform(t *testing.T, k kernel.Kernel, inputOnly bool, addr func() kernel.Addr, steps []func(*script)) *script {
	t.Helper()
	s := &script{k: k, addr: addr, names: make(map[int]string), events: make(map[string]kernel.Events), tags: make(map[string]uint32),
		marked: make(map[string]uint32), shut: make(map[string]bool)}
	s.steps, s.watch = steps, k.Add
	if inputOnly {
		s.watch = k.AddInput
	}
	k.Attach(s)
	k.Wake()
	if err := k.Poll(); err != nil {
		t.Fatal(err)
	}
	for fd := range s.names {
		k.CloseSocket(fd, true)
	}
	for name, want := range s.marked {
		if s.tags[name] != want {
			t.Errorf("%T: the last event of %s has the tag %d, want %d", k, name, s.tags[name], want)
		}
		delete(s.tags, name)
	}
	for name, tag := range s.tags {
		if tag != 0 {
			t.Errorf("%T: the last event of %s has the tag %d, and it has none", k, name, tag)
		}
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// same compares two traces. The memory kernel tells what is new and no more, so
// that nobody relies on what Linux tells beside that: to a socket, that its own
// end has arrived; to a writer that could write anyway, that its peer has read;
// and of a hang-up again with each of these.
func same(memory, linux *script) bool {
	rest := memory.trace
	hungUp := make(map[string]bool)
	for _, line := range linux.trace {
		name, event, isEvent := strings.Cut(line, " is")
		if len(rest) > 0 && rest[0] == line {
			hungUp[name] = hungUp[name] || strings.Contains(event, "hung up")
			rest = rest[1:]
			continue
		}
		if !isEvent || event != " writable" && !linux.shut[name] && !hungUp[name] {
			return false
		}
	}
	return len(rest) == 0
}

// compare fails the test unless both have seen the same.
func compare(t *testing.T, memory, linux *script) {
	t.Helper()
	if !same(memory, linux) {
		t.Errorf("in memory:\n\t%s\non Linux:\n\t%s", strings.Join(memory.trace, "\n\t"), strings.Join(linux.trace, "\n\t"))
	}
}

func TestTheMemoryKernelDoesAsLinux(t *testing.T) {
	for _, network := range []string{"tcp", "unix", "tcp, input", "unix, input"} {
		network, inputOnly := strings.CutSuffix(network, ", input")
		for name, steps := range scripts {
			t.Run(fmt.Sprintf("%s, input only %v/%s", network, inputOnly, name), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "s")
				addr := func() kernel.Addr {
					if network == "unix" {
						return kernel.Addr{Path: path}
					}
					return kernel.Addr{IP: netip.MustParseAddrPort("127.0.0.1:0")}
				}
				machine, err := kernel.Open()
				if err != nil {
					t.Fatal(err)
				}
				steps := append([]func(*script){connected, accepted}, steps...)
				compare(t, perform(t, reactortest.NewMemoryKernel(), inputOnly, addr, steps), perform(t, machine, inputOnly, addr, steps))
			})
		}
	}
}
