//go:build linux || darwin || freebsd

package privileges_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"skein/apps/skein/internal/privileges"
)

// The environment variables of a child, which is this test binary again.
const (
	childVariable  = "SKEIN_PRIVILEGES_TEST" // the options, with | between them
	beforeVariable = "SKEIN_PRIVILEGES_TEST_BEFORE"
)

// TestMain runs the tests, or, in a process that a test has started, a child.
func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		os.Exit(child(text))
	}
	os.Exit(m.Run())
}

// options reads what a test wants of a child.
func options(text string) privileges.Options {
	f := strings.Split(text, "|")
	return privileges.Options{UID: f[0], GID: f[1], Umask: f[2], Chroot: f[3], RunDir: f[4]}
}

// child does what is asked and prints who and where it is then. What it is told
// to do before that comes first, as a process that was started so.
func child(text string) int {
	if before := os.Getenv(beforeVariable); before != "" {
		if err := both(options(before)); err != nil {
			fmt.Println("before:", err)
			return 1
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0") // held from before, as a port
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer ln.Close()
	if err := both(options(text)); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Print(state())
	return 0
}

// both enters and drops.
func both(o privileges.Options) error {
	p, err := o.Plan()
	if err != nil {
		return err
	}
	if err := p.Enter(); err != nil {
		return err
	}
	return p.Drop()
}

// state is who and where this process is.
func state() string {
	var b bytes.Buffer
	groups, _ := os.Getgroups()
	slices.Sort(groups)
	dir, _ := os.Getwd()
	mask := syscall.Umask(0)
	_, missing := os.Stat("/etc/passwd")
	_, here := os.Stat("mark")
	fmt.Fprintf(&b, "uid %d %d gid %d %d groups %v umask %04o dir %s passwd %v mark %v\n",
		os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid(), groups, mask, dir, missing == nil, here == nil)
	status, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/status")
	if err != nil {
		return b.String()
	}
	threads, _ := os.ReadDir("/proc/self/task")
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "Uid:") || strings.HasPrefix(line, "Gid:") || strings.HasPrefix(line, "CapEff:") || strings.HasPrefix(line, "CapPrm:") {
			fmt.Fprintln(&b, line)
			for _, t := range threads { // each has the same
				other, err := os.ReadFile("/proc/self/task/" + t.Name() + "/status")
				if err == nil && !strings.Contains(string(other), line+"\n") {
					fmt.Fprintf(&b, "thread %s differs: %s\n", t.Name(), line)
				}
			}
		}
	}
	return b.String()
}

// run runs a child and returns what it printed, and whether it succeeded.
func run(t *testing.T, before, text string) (said string, ok bool) {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe)
	cmd.Dir = "/"
	cmd.Env = childEnv(before, text)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// childEnv is the environment of a child. With the race detector, each process
// would wait for a second at its end.
func childEnv(before, text string) []string {
	return append(os.Environ(), "GORACE=atexit_sleep_ms=0", childVariable+"="+text, beforeVariable+"="+before)
}

// must fails the test if a step that has to succeed does not.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// needRoot skips a test that only root can run. CI does.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give privileges up: run the tests as root")
	}
}

// nobody is the user that every system has.
func nobody(t *testing.T) (name string, uid, gid int) {
	t.Helper()
	u, err := user.Lookup("nobody")
	must(t, err)
	uid, err = strconv.Atoi(u.Uid)
	must(t, err)
	gid, err = strconv.Atoi(u.Gid)
	must(t, err)
	return u.Username, uid, gid
}

func TestDrop(t *testing.T) {
	needRoot(t)
	name, uid, gid := nobody(t)
	const root = "uid 0 0 gid 0 0"
	dropped := fmt.Sprintf("uid %d %d gid %d %d groups [%d]", uid, uid, gid, gid, gid)
	cases := []struct {
		name, before, options string
		want                  string
		noCapabilities        bool
	}{
		{"nothing", "", "||||", root, false},
		{"by name", "", name + "||||", dropped, true},
		{"by number", "", fmt.Sprintf("%d||||", uid), dropped, true},
		{"another group", "", name + "|1|||", fmt.Sprintf("uid %d %d gid 1 1 groups [1]", uid, uid), true},
		{"a number that is no user", "", "12345|54321|||", "uid 12345 12345 gid 54321 54321 groups [54321]", true},
		{"only a group", "", fmt.Sprintf("|%d|||", gid), fmt.Sprintf("uid 0 0 gid %d %d groups [%d]", gid, gid, gid), false},
		{"what it is", "", "root|0|||", root, false},
		{"again, as a successor", name + "||||", name + "||||", dropped, true},
		{"again, by number and with a group", name + "|1|||", fmt.Sprintf("%d|1|||", uid), fmt.Sprintf("uid %d %d gid 1 1", uid, uid), true},
		{"a number that is no user, again", "12345|54321|||", "12345||||", "uid 12345 12345 gid 54321 54321", true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			said, ok := run(t, tc.before, tc.options)
			if !ok || !strings.HasPrefix(said, tc.want) {
				t.Errorf("it is %s\nwant %s", said, tc.want)
			}
			if runtime.GOOS != "linux" {
				return
			}
			if strings.Contains(said, "differs") {
				t.Errorf("a thread is another: %s", said)
			}
			if tc.noCapabilities && strings.Count(said, ":\t0000000000000000\n") != 2 {
				t.Errorf("it has capabilities: %s", said)
			}
			if tc.noCapabilities { // real, effective, saved and file system's
				id := strings.Fields(tc.want)[1]
				if !strings.Contains(said, fmt.Sprintf("Uid:\t%s\t%s\t%s\t%s\n", id, id, id, id)) {
					t.Errorf("an id is another: %s", said)
				}
			}
		})
	}
}

// TestMemberships drops to a user that is in further groups: one of another
// root's, since not every machine has one.
func TestMemberships(t *testing.T) {
	needRoot(t)
	if runtime.GOOS == "darwin" {
		t.Skip("users are not in files there")
	}
	jail := t.TempDir()
	must(t, os.Chmod(jail, 0o755))
	must(t, os.Mkdir(filepath.Join(jail, "etc"), 0o755))
	must(t, os.WriteFile(filepath.Join(jail, "etc", "passwd"), []byte("root:x:0:0::/:/bin/sh\nann:x:7001:7001::/:/bin/sh\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(jail, "etc", "group"), []byte("root:x:0:\nann:x:7001:\npoets:x:7002:ann\nreaders:x:7003:bob,ann\nothers:x:7004:bob\n"), 0o644))
	for options, want := range map[string]string{
		"ann||||":       "uid 7001 7001 gid 7001 7001 groups [7001 7002 7003] ",
		"7001||||":      "uid 7001 7001 gid 7001 7001 groups [7001 7002 7003] ",
		"ann|others|||": "uid 7001 7001 gid 7004 7004 groups [7002 7003 7004] ",
		"ann|poets|||":  "uid 7001 7001 gid 7002 7002 groups [7002 7003] ",
	} {
		if said, ok := run(t, "|||"+jail+"|", options); !ok || !strings.Contains(said, want) {
			t.Errorf("%s: it is %s\nwant %s", options, said, want)
		}
	}
}

// TestPlan is what is known before anything is done.
func TestPlan(t *testing.T) {
	p, err := privileges.Options{}.Plan()
	must(t, err)
	uid, gid := p.Owner()
	if p.Drops() || uid != -1 || gid != -1 {
		t.Errorf("nothing was asked for, and it is %d, %d, %v", uid, gid, p.Drops())
	}
	p, err = privileges.Options{UID: strconv.Itoa(os.Geteuid()), GID: strconv.Itoa(os.Getegid())}.Plan()
	must(t, err)
	if p.Drops() {
		t.Error("it is what it is to be, and would drop something")
	}
	needRoot(t)
	name, wantUID, wantGID := nobody(t)
	p, err = privileges.Options{UID: name}.Plan()
	must(t, err)
	if uid, gid = p.Owner(); !p.Drops() || uid != wantUID || gid != wantGID {
		t.Errorf("to be nobody, it is %d, %d, %v", uid, gid, p.Drops())
	}
}

func TestEnter(t *testing.T) {
	needRoot(t)
	jail := t.TempDir()
	must(t, os.Chmod(jail, 0o755))
	must(t, os.Mkdir(filepath.Join(jail, "run"), 0o755))
	must(t, os.WriteFile(filepath.Join(jail, "run", "mark"), nil, 0o644))
	name, uid, _ := nobody(t)
	cases := []struct{ name, options, want string }{
		{"nothing", "||||", "dir / passwd true mark false"},
		{"a run directory", "||||" + jail + "/run", "dir " + jail + "/run passwd true mark true"},
		{"another root", "|||" + jail + "|", "dir / passwd false mark false"},
		{"both", "|||" + jail + "|run", "dir /run passwd false mark true"},
		{"both, and a slash", "|||" + jail + "|/run", "dir /run passwd false mark true"},
		{"a umask", "||027||", "umask 0027"},
		{"a umask of one digit", "||7||", "umask 0007"},
		{"a name, and no /etc/passwd", name + "|||" + jail + "|", fmt.Sprintf("uid %d %d", uid, uid)},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if said, ok := run(t, "", tc.options); !ok || !strings.Contains(said, tc.want) {
				t.Errorf("it is %s\nwant %s", said, tc.want)
			}
		})
	}
}

func TestCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	dir := filepath.Dir(file)
	cases := []struct {
		name string
		o    privileges.Options
		err  error
		want string
		root bool // it is only wrong for root
	}{
		{"a user", privileges.Options{UID: "nosuchuser"}, privileges.ErrUnknown, "--uid nosuchuser: there is no such name: give the name of a user of this machine, or its number", false},
		{"a negative user", privileges.Options{UID: "-1"}, privileges.ErrUnknown, "--uid -1: there is no such name: give the name of a user of this machine, or its number", false},
		{"a user that means none", privileges.Options{UID: "4294967295"}, privileges.ErrUnknown, "--uid 4294967295: there is no such name: give the name of a user of this machine, or its number", false},
		{"a group", privileges.Options{GID: "nosuchgroup"}, privileges.ErrUnknown, "--gid nosuchgroup: there is no such name: give the name of a group of this machine, or its number", false},
		{"a number without a group", privileges.Options{UID: "12345"}, privileges.ErrNoGroup, "--uid 12345: this number is no user that the system knows, so its group is not known: give its group by --gid, too", true},
		{"a umask", privileges.Options{Umask: "9"}, privileges.ErrNotNumber, "--umask 9: that is not an octal number up to 0777: give one as 022", false},
		{"a umask that is too large", privileges.Options{Umask: "1777"}, privileges.ErrNotNumber, "--umask 1777: that is not an octal number up to 0777: give one as 022", false},
		{"a umask below 0", privileges.Options{Umask: "-1"}, privileges.ErrNotNumber, "--umask -1: that is not an octal number up to 0777: give one as 022", false},
		{"a root that is not there", privileges.Options{Chroot: "/no/such"}, os.ErrNotExist, "--chroot /no/such: no such file or directory: give a directory that is there", true},
		{"a root that is a file", privileges.Options{Chroot: file}, privileges.ErrNotDirectory, "--chroot " + file + ": that is not a directory: give a directory that is there", true},
		{"a run directory that is not there", privileges.Options{RunDir: "/no/such"}, os.ErrNotExist, "--rundir /no/such: no such file or directory: give a directory that is there", false},
		{"a run directory outside", privileges.Options{Chroot: dir, RunDir: "/etc"}, os.ErrNotExist, "--rundir /etc: no such file or directory: give a directory that is there, inside " + dir, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if tc.root {
				needRoot(t)
			}
			_, err := tc.o.Plan()
			var e *privileges.Error
			if !errors.As(err, &e) || !errors.Is(err, tc.err) || err.Error() != tc.want {
				t.Errorf("the error is %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestNotRoot asks for what only root can do, as nobody.
func TestNotRoot(t *testing.T) {
	needRoot(t)
	name, _, _ := nobody(t)
	cases := []struct{ name, options, want string }{
		{"another user", "root||||", "--uid root: only root can do that: start as root, or without --uid\n"},
		{"another group", "|0|||", "--gid 0: only root can do that: start as root, or without --gid\n"},
		{"another root", "|||/tmp|", "--chroot /tmp: only root can do that: start as root, or without --chroot\n"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if said, ok := run(t, name+"||||", tc.options); ok || said != tc.want {
				t.Errorf("it said %q, want %q", said, tc.want)
			}
		})
	}
}
