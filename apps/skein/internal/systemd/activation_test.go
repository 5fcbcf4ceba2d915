package systemd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"skein/apps/skein/internal/systemd"
	"skein/protocol"
	"skein/reactor"
)

// describe is a child that prints what it was given.
func describe() {
	sockets, err := systemd.Sockets()
	if err != nil {
		fail(err)
	}
	for _, s := range sockets {
		flags, err := unix.FcntlInt(s.File.Fd(), unix.F_GETFD, 0)
		if err != nil {
			fail(err)
		}
		fmt.Printf("%s %q %s %d exec:%t\n", s.Network, s.Address, s.File.Name(), s.File.Fd(), flags&unix.FD_CLOEXEC == 0)
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		if _, ok := os.LookupEnv(name); ok {
			fmt.Println("children inherit", name)
		}
	}
	if sockets, err := systemd.Sockets(); len(sockets) != 0 || err != nil {
		fmt.Println("the second time:", sockets, err)
	}
}

// serve is a child that greets on what it was given, and says so to systemd.
func serve() {
	n, err := systemd.Open()
	if err != nil {
		fail(err)
	}
	sockets, err := systemd.Sockets()
	if err != nil {
		fail(err)
	}
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithSockets(sockets...))
	if err != nil {
		fail(err)
	}
	greeter := protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &greeter{} })
	if _, err = r.ListenTCP(os.Getenv("ADDRESS"), greeter); err != nil {
		fail(err)
	}
	if len(r.UnclaimedSockets()) != 0 {
		fail(fmt.Errorf("the socket was not taken"))
	}
	defer n.Watch(r)()
	n.Ready()
	if err := r.Run(); err != nil {
		fail(err)
	}
	n.Stopping()
}

// greeter greets and closes.
type greeter struct{ protocol.Base }

func (g *greeter) ConnectionMade() {
	_, _ = g.Transport.Write([]byte("hello"))
	g.Transport.LoseConnection()
}
func (g *greeter) DataReceived([]byte) {}

// child prepares a process that is started as systemd does: the descriptors
// begin at 3, and LISTEN_PID is the number of the process itself, which only a
// shell that becomes it can know.
func child(t *testing.T, what string, files []*os.File, env ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "sh", "-c", `[ -n "$LISTEN_PID" ] || export LISTEN_PID=$$; exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), append(env, childKey+"="+what)...)
	cmd.ExtraFiles = files
	return cmd
}

// listener opens a socket of each kind, for a child.
func listener(t *testing.T, network, addr string) *os.File {
	t.Helper()
	var socket interface {
		File() (*os.File, error)
		Close() error
	}
	switch network {
	case "tcp":
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		socket = l.(*net.TCPListener)
	case "unix":
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		socket = l.(*net.UnixListener)
	case "udp":
		l, err := net.ListenPacket(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		socket = l.(*net.UDPConn)
	case "unixgram":
		l, err := net.ListenPacket(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		socket = l.(*net.UnixConn)
	}
	f, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = socket.Close()
		_ = f.Close()
	})
	return f
}

func TestActivation(t *testing.T) {
	dir := t.TempDir()
	tcp := listener(t, "tcp", "127.0.0.1:0")
	tcp6 := tcp
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil { // not every machine has it
		_ = l.Close()
		tcp6 = listener(t, "tcp", "[::1]:0")
	}
	udp := listener(t, "udp", "127.0.0.1:0")
	local := listener(t, "unix", filepath.Join(dir, "s"))
	gram := listener(t, "unixgram", filepath.Join(dir, "d"))
	conn, err := net.Dial("tcp", addressOf(t, tcp))
	if err != nil {
		t.Fatal(err)
	}
	connected, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _, _ = conn.Close(), connected.Close(), pipe.Close() }()

	for _, test := range []struct {
		name  string
		files []*os.File
		env   []string
		want  string
	}{
		{"none", nil, []string{"LISTEN_FDS=0"}, ""},
		{"no variables", []*os.File{tcp}, nil, ""},
		{"one", []*os.File{tcp}, []string{"LISTEN_FDS=1"}, `tcp "" LISTEN_FD_3 3 exec:false`},
		{
			"all kinds, with names", []*os.File{tcp, udp, local, tcp6}, []string{"LISTEN_FDS=4", "LISTEN_FDNAMES=web:dns::skein.socket", "LISTEN_PIDFDID=1"},
			`tcp "" web 3 exec:false` + "\n" + `udp "" dns 4 exec:false` + "\n" + `unix "" LISTEN_FD_5 5 exec:false` + "\n" + `tcp "" skein.socket 6 exec:false`,
		},
		{"fewer than there are", []*os.File{udp, tcp}, []string{"LISTEN_FDS=1"}, `udp "" LISTEN_FD_3 3 exec:false`},
		{"for another process", []*os.File{tcp}, []string{"LISTEN_FDS=1", "LISTEN_PID=1"}, ""},
		{"for nobody", []*os.File{tcp}, []string{"LISTEN_FDS=1", "LISTEN_PID=x"}, ""},

		{"a number that is none", []*os.File{tcp}, []string{"LISTEN_FDS=x"}, `error: systemd: an environment variable makes no sense: LISTEN_FDS="x" is no number of sockets`},
		{"a negative number", []*os.File{tcp}, []string{"LISTEN_FDS=-1"}, `error: systemd: an environment variable makes no sense: LISTEN_FDS="-1" is no number of sockets`},
		{"too few names", []*os.File{tcp, udp}, []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=web"}, `error: systemd: an environment variable makes no sense: LISTEN_FDNAMES="web" are 1 names for 2 sockets`},
		// Descriptor 4 is closed, or the runtime's own.
		{"one that is not there", []*os.File{tcp}, []string{"LISTEN_FDS=1000000000"}, `error: systemd: descriptor 4, of the 1000000000 that LISTEN_FDS promises: `},
		{"a file", []*os.File{tcp, pipe}, []string{"LISTEN_FDS=2"}, `error: systemd: descriptor 4, of the 2 that LISTEN_FDS promises: not a TCP, UDP or UNIX stream socket`},
		{"a UNIX datagram socket", []*os.File{gram}, []string{"LISTEN_FDS=1"}, `error: systemd: descriptor 3, of the 1 that LISTEN_FDS promises: not a TCP, UDP or UNIX stream socket`},
		{"a connection", []*os.File{connected}, []string{"LISTEN_FDS=1"}, `error: systemd: descriptor 3, of the 1 that LISTEN_FDS promises: the socket does not listen: the unit needs Accept=no`},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _ := child(t, "describe", test.files, test.env...).CombinedOutput()
			got, whole := strings.TrimSpace(string(out)), !strings.HasSuffix(test.want, " ")
			if whole && got != test.want || !strings.HasPrefix(got, test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// addressOf returns what a socket is bound to.
func addressOf(t *testing.T, f *os.File) string {
	t.Helper()
	l, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A service as systemd runs it: a client may come before the service, which
// takes the socket, says that it is ready, gives signs of life from its loop, and
// stops.
func TestService(t *testing.T) {
	name := path(t)
	m := manage(t, name)
	socket := listener(t, "tcp", "127.0.0.1:0")
	addr := addressOf(t, socket)
	early, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = early.Close() }()

	cmd := child(t, "serve", []*os.File{socket}, "NOTIFY_SOCKET="+name, "WATCHDOG_USEC=200000", "LISTEN_FDS=1", "ADDRESS="+addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.wants("WATCHDOG=1", "READY=1", "WATCHDOG=1", "WATCHDOG=1")
	for _, dial := range []bool{false, true} {
		conn := early
		if dial {
			if conn, err = net.Dial("tcp", addr); err != nil {
				t.Fatal(err)
			}
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if got, err := io.ReadAll(conn); string(got) != "hello" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		_ = conn.Close()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for got := ""; got != "STOPPING=1"; got = m.next() {
		if got != "" && got != "WATCHDOG=1" {
			t.Errorf("got %q", got)
		}
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Errorf("the child says: %s", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the child ended with %v", err)
	}
}
