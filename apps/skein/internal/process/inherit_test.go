//go:build linux || darwin || freebsd

package process_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"skein/apps/skein/internal/process"
)

func TestInheritNothing(t *testing.T) {
	in, err := process.Inherit()
	must(t, err)
	want(t, "the role", in.Role, process.Alone)
	must(t, in.Status.Ready()) // nobody waits
	must(t, in.Status.Fail(1, "x"))
}

func TestInheritNonsense(t *testing.T) {
	file, err := os.Open(os.DevNull)
	must(t, err)
	defer file.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	socket := fileOf(t, ln)
	defer socket.Close()
	cases := []struct{ name, text, want string }{
		{"no JSON", "1", "cannot unmarshal"},
		{"empty", "", "EOF"},
		{"an unknown key", `{"role":"detached","x":1}`, "unknown field"},
		{"more", `{"role":"detached"} {}`, "behind its end"},
		{"no role", `{}`, `the role "" is unknown`},
		{"an unknown role", `{"role":"alone"}`, `the role "alone" is unknown`},
		{"a worker without a number", `{"role":"worker"}`, "worker 0 of 0"},
		{"a worker too many", `{"role":"worker","worker":3,"workers":2}`, "worker 3 of 2"},
		{"a number for who is none", `{"role":"detached","worker":1,"workers":2}`, "a detached cannot be worker 1 of 2"},
		{"standard error", `{"role":"detached","status":2}`, "descriptor 2 cannot have been passed"},
		{"a negative one", `{"role":"detached","status":-1}`, "descriptor -1 cannot have been passed"},
		{"one twice", `{"role":"detached","status":5,"pidfile":5}`, "descriptor 5 is named twice"},
		{"an unknown network", `{"role":"successor","sockets":[{"network":"sctp","address":"","descriptor":3}]}`, `the network "sctp" is unknown`},
		{"not open", `{"role":"detached","status":1000000}`, "descriptor 1000000 (the status pipe): bad file descriptor"},
		{"not a pipe", `{"role":"detached","status":FILE}`, "(the status pipe) is not a pipe"},
		{"not a pid file", `{"role":"successor","pidfile":SOCKET}`, "(the pid file) is not a regular file"},
		{"not a control socket", `{"role":"worker","worker":1,"workers":1,"control":FILE}`, "(the control socket) is not a socket"},
		{"not a socket", `{"role":"successor","sockets":[{"network":"tcp","address":":1","descriptor":FILE}]}`, "(tcp :1) is not a socket"},
		{"another socket", `{"role":"successor","sockets":[{"network":"udp","address":":1","descriptor":SOCKET}]}`, "(udp :1) is a socket of another network"},
		{"another family", `{"role":"successor","sockets":[{"network":"unix","address":"/x","descriptor":SOCKET}]}`, "(unix /x) is a socket of another network"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.NewReplacer("FILE", fmt.Sprint(file.Fd()), "SOCKET", fmt.Sprint(socket.Fd())).Replace(tc.text)
			t.Setenv(process.Variable, text)
			_, err := process.Inherit()
			var e *process.InheritError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), process.Variable) {
				t.Errorf("the error is %v, want %s", err, tc.want)
			}
			if _, ok := os.LookupEnv(process.Variable); ok {
				t.Error("the variable is still there")
			}
		})
	}
}

// TestInheritClosesOnExec gives this very process a descriptor.
func TestInheritClosesOnExec(t *testing.T) {
	var p [2]int
	must(t, unix.Pipe(p[:]))
	r := os.NewFile(uintptr(p[0]), "r")
	defer r.Close()
	t.Setenv(process.Variable, fmt.Sprintf(`{"role":"detached","status":%d}`, p[1]))
	in, err := process.Inherit()
	must(t, err)
	flags, err := unix.FcntlInt(uintptr(p[1]), unix.F_GETFD, 0)
	must(t, err)
	want(t, "closed on exec", flags&unix.FD_CLOEXEC != 0, true)
	must(t, in.Status.Ready())
	must(t, in.Status.Fail(1, "too late")) // one word, once
	buf := make([]byte, 100)
	n, err := r.Read(buf)
	must(t, err)
	want(t, "the word", string(buf[:n]), "{\"ready\":true}\n")
	if n, err := r.Read(buf); n != 0 || err == nil {
		t.Errorf("there is more: %q", buf[:n])
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(`{"role":"detached","status":3}`)
	f.Add(`{"role":"worker","worker":1,"workers":2,"sockets":[{"network":"tcp","address":":1","descriptor":4}],"control":3}`)
	f.Fuzz(func(t *testing.T, text string) {
		entry, err := process.ParseRecord(text)
		if err != nil {
			return
		}
		again, err := process.ParseRecord(strings.TrimPrefix(entry, process.Variable+"="))
		if err != nil || again != entry {
			t.Errorf("%q became %q: %v", entry, again, err)
		}
	})
}

func FuzzVerdict(f *testing.F) {
	f.Add([]byte(`{"ready":true}`))
	f.Add([]byte(`{"status":1,"text":"x"}`))
	f.Add([]byte(`{"status":1,"ready":true}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if ready, status, _, ok := process.ParseVerdict(line); ok && ready == (status > 0) {
			t.Errorf("%q says ready %v and status %d", line, ready, status)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), uint8(3), uint8(5))
	f.Add([]byte("0123456789\n0123456789"), uint8(7), uint8(4))
	f.Fuzz(func(t *testing.T, text []byte, size, most uint8) {
		if size == 0 || most < 2 {
			return
		}
		cut := func(size int) (got []string) {
			var parts [][]byte
			for rest := text; len(rest) > 0; {
				n := min(size, len(rest))
				parts, rest = append(parts, rest[:n]), rest[n:]
			}
			process.Lines(int(most), parts, func(line []byte) { got = append(got, string(line)) })
			return got
		}
		got := cut(int(size))
		for _, line := range got {
			if len(line) > int(most) || strings.IndexByte(line, '\n') != len(line)-1 {
				t.Errorf("%q is not a line of at most %d bytes", line, most)
			}
		}
		bytes := strings.ReplaceAll(strings.Join(got, ""), "\n", "")
		if bytes != strings.ReplaceAll(string(text), "\n", "") {
			t.Errorf("%q became %q", text, got)
		}
		if whole := cut(len(text) + 1); strings.Join(whole, "|") != strings.Join(got, "|") {
			t.Errorf("in parts of %d: %q, as a whole: %q", size, got, whole)
		}
	})
}
