package kernel_test

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"skein/reactor/internal/kernel"
)

func TestParsePorts(t *testing.T) {
	tests := []struct {
		text      string
		low, high uint16
	}{
		{"32768\t60999\n", 32768, 60999},
		{"1024 1024", 1024, 1024},
		{"", 0, 65535},
		{"32768", 0, 65535},
		{"60999 32768", 0, 65535},
		{"-1 60999", 0, 65535},
		{"32768 65536", 0, 65535},
		{"ports", 0, 65535},
	}
	for _, test := range tests {
		if low, high := kernel.ParsePorts(test.text); low != test.low || high != test.high {
			t.Errorf("%q: %d to %d, want %d to %d", test.text, low, high, test.low, test.high)
		}
	}
}

// systemPorts returns the range that the system chooses ports from.
func systemPorts(t *testing.T) (low, high uint16) {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip(err)
	}
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		t.Fatal(err)
	}
	return low, high
}

// open returns a kernel until the end of the test.
func open(t *testing.T) kernel.Kernel {
	t.Helper()
	k, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// self returns a socket that is connected to itself, by one of these ports.
func self(t *testing.T, k kernel.Kernel, low, high int) (fd int, port uint16) {
	t.Helper()
	for p := low; p <= high; p++ {
		a := kernel.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(p))}
		fd, errno := k.Connect(a, a)
		if errno == 0 {
			t.Cleanup(func() { k.CloseSocket(fd, true) })
			return fd, uint16(p)
		}
	}
	t.Skipf("no port from %d to %d is free", low, high)
	return -1, 0
}

// TestItself tells sockets that are connected to themselves from those that are not.
// One that cannot be is not asked, which shows where it is so all the same: the
// kernel has to be told that the port was chosen.
func TestItself(t *testing.T) {
	k := open(t)
	low, high := systemPorts(t)
	inside, in := self(t, k, int(low), int(high))
	tests := []struct {
		name     string
		fd       int
		to, from uint16
		want     bool
	}{
		{"a port of the range", inside, in, 0, true},
		{"a port of the range, chosen", inside, in, in, true},
		{"another port chosen", inside, in, in - 1, false},
		{"no port", inside, 0, 0, false},
		{"another port of the range", inside, low + (in-low+1)%(high-low+1), 0, false},
	}
	if low > 2048 {
		outside, out := self(t, k, 2048, int(low)-1)
		for _, from := range []uint16{0, out} {
			test := tests[0]
			test.name = fmt.Sprintf("a port outside, %d chosen", from)
			test.fd, test.to, test.from, test.want = outside, out, from, from != 0
			tests = append(tests, test)
		}
	}
	for _, test := range tests {
		if got := k.Itself(test.fd, test.to, test.from); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestItselfIsNotItsNeighbour has the peer's port for its own, at another address.
func TestItselfIsNotItsNeighbour(t *testing.T) {
	k := open(t)
	l, errno := k.Listen(kernel.Addr{IP: netip.MustParseAddrPort("127.0.0.1:0")}, kernel.ListenOptions{})
	if errno != 0 {
		t.Fatal(errno)
	}
	defer k.CloseSocket(l, false)
	to, _ := k.LocalAddr(l)
	from := kernel.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), to.IP.Port())}
	fd, errno := k.Connect(to, from)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer k.CloseSocket(fd, true)
	if k.Itself(fd, to.IP.Port(), from.IP.Port()) {
		t.Errorf("%v takes %v for itself", from, to)
	}
}

// TestOpenReadsTheRangeWithoutATrace opens kernels, and looks at the lowest number
// that is free.
func TestOpenReadsTheRangeWithoutATrace(t *testing.T) {
	lowest := func() int {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return int(f.Fd())
	}
	open := func() {
		k, err := kernel.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
	open() // what Go's runtime opens once is open now
	before := lowest()
	for range 10 {
		open()
	}
	if after := lowest(); after != before {
		t.Errorf("the lowest free number is %d, and was %d", after, before)
	}
}

// watched returns what epoll has noted of a descriptor: events and data.
func watched(t *testing.T, fd int) (events, data string) {
	t.Helper()
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		f, err := os.Open(info)
		if err != nil {
			continue // the list's own descriptor
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if w := strings.Fields(lines.Text()); len(w) >= 6 && w[0] == "tfd:" && w[1] == fmt.Sprint(fd) {
				events, data = w[3], w[5]
			}
		}
		_ = f.Close()
	}
	return events, data
}

// TestATagChangesNothingElse compares the registrations of two sockets.
func TestATagChangesNothingElse(t *testing.T) {
	k := open(t)
	var fds [2]int
	for i := range fds {
		fd, errno := k.Listen(kernel.Addr{IP: netip.MustParseAddrPort("127.0.0.1:0")}, kernel.ListenOptions{})
		if errno != 0 {
			t.Fatal(errno)
		}
		t.Cleanup(func() { k.CloseSocket(fd, false) })
		fds[i] = fd
	}
	for i, add := range []func(fd int) syscall.Errno{k.Add, func(fd int) syscall.Errno { return k.AddTagged(fd, 7) }} {
		if errno := add(fds[i]); errno != 0 {
			t.Fatal(errno)
		}
	}
	plain, number := watched(t, fds[0])
	tagged, marked := watched(t, fds[1])
	if plain == "" || plain != tagged || number == marked {
		t.Errorf("without a tag: %q, %q; with one: %q, %q", plain, number, tagged, marked)
	}
	if errno := k.AddTagged(fds[1], 8); errno != syscall.EEXIST {
		t.Errorf("the second time: %v", errno)
	}
}
