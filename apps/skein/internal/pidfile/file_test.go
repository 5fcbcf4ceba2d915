package pidfile_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"skein/apps/skein/internal/pidfile"
)

func TestAcquireWritesAndReleaseRemoves(t *testing.T) {
	path := newPath(t)
	f := acquire(t, path)
	must(t, f.WritePID(4242))
	text, err := os.ReadFile(path)
	must(t, err)
	if string(text) != "4242\n" {
		t.Errorf("the file has %q", text)
	}
	expectRead(t, path, 4242, true)
	expectRunning(t, pidfile.Check(path), 4242, path)
	must(t, f.WritePID(7)) // shorter
	expectRead(t, path, 7, true)
	must(t, f.Release())
	expectNoFile(t, path)
	must(t, f.Release())
	must(t, pidfile.Check(path))
	if _, _, err := pidfile.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
}

func TestASecondInstanceIsRefused(t *testing.T) {
	path := newPath(t)
	first := spawn(t, "hold", path)
	if first.said != "held" {
		t.Fatal(first.said)
	}
	pid := first.cmd.Process.Pid
	_, err := pidfile.Acquire(path)
	expectRunning(t, err, pid, path)
	expectRunning(t, pidfile.Check(path), pid, path)
	expectRead(t, path, pid, true)
	if second := spawn(t, "hold", path); second.said != "running "+strconv.Itoa(pid) {
		t.Errorf("the second says %q", second.said)
	}
	first.leave(t)
	expectNoFile(t, path)
	acquire(t, path)
}

// TestWhatIsInAFileThatNobodyHoldsDoesNotMatter tries what trusting the number
// gets wrong.
func TestWhatIsInAFileThatNobodyHoldsDoesNotMatter(t *testing.T) {
	cases := map[string]string{
		"a pid of nobody":            "999999999\n",
		"a live foreign pid":         "1\n",
		"our own pid":                strconv.Itoa(os.Getpid()) + "\n",
		"nothing":                    "",
		"not a number":               "who reads this\n",
		"a number without a newline": "4242",
		"more than the next pid":     strings.Repeat("7", 500),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			write(t, path, text)
			must(t, pidfile.Check(path))
			if _, running, err := pidfile.Read(path); running || err != nil {
				t.Errorf("read: %t, %v", running, err)
			}
			f := acquire(t, path)
			expectRead(t, path, 0, true) // never the foreign one
			must(t, f.WritePID(42))
			expectRead(t, path, 42, true)
		})
	}
}

func TestTheFileOfAKilledInstanceIsTakenOver(t *testing.T) {
	path := newPath(t)
	for range 3 {
		i := spawn(t, "hold", path)
		if i.said != "held" {
			t.Fatal(i.said)
		}
		i.kill(t)
		expectRead(t, path, i.cmd.Process.Pid, false)
	}
	must(t, pidfile.Check(path))
	acquire(t, path)
}

func TestOfAHundredProcessesOneWins(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a hundred processes")
	}
	path := newPath(t)
	write(t, path, "1\n")
	var all []*instance
	var waits []func()
	for range 100 {
		i, wait := launch(t, "hold", path)
		all, waits = append(all, i), append(waits, wait)
	}
	winner := 0
	for n, i := range all {
		waits[n]()
		if i.said == "held" {
			if winner != 0 {
				t.Errorf("%d and %d have won", winner, i.cmd.Process.Pid)
			}
			winner = i.cmd.Process.Pid
		}
	}
	if winner == 0 {
		t.Fatal("nobody has won")
	}
	for _, i := range all {
		pid, running := strings.CutPrefix(i.said, "running ")
		// One that has not written yet is 0: the others are patient, not for ever.
		if i.said != "held" && (!running || pid != strconv.Itoa(winner) && pid != "0") {
			t.Errorf("one says %q; %d has won", i.said, winner)
		}
	}
	expectRead(t, path, winner, true)
}

// TestNeverTwoHolders lets many acquire and release at once, so that a file is
// removed between another's opening and locking it, while others look.
func TestNeverTwoHolders(t *testing.T) {
	path := newPath(t)
	var holders, won atomic.Int32
	var workers, watchers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		watchers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if pid, running, err := pidfile.Read(path); running && pid != 0 && pid/1000 != 31 {
					t.Errorf("read: %d, %v", pid, err)
				}
			}
		})
	}
	for n := range 20 {
		workers.Go(func() {
			for round := range 20 {
				f, err := pidfile.Acquire(path)
				var running *pidfile.RunningError
				if errors.As(err, &running) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				won.Add(1)
				if holders.Add(1) != 1 {
					t.Error("there are two holders")
				}
				if err := f.WritePID(31000 + n); err != nil {
					t.Error(err)
				}
				holders.Add(-1)
				if round%3 == 0 {
					err = f.Abandon() // and the file stays
				} else {
					err = f.Release()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	close(done)
	watchers.Wait()
	if won.Load() < 20 {
		t.Errorf("only %d have won", won.Load())
	}
}

// TestLookingDoesNotKeepAnyoneOut holds the lock as those do who look, but for
// longer than a holder would be waited for.
func TestLookingDoesNotKeepAnyoneOut(t *testing.T) {
	path := newPath(t)
	write(t, path, "4242\n")
	looker, err := os.Open(path)
	must(t, err)
	must(t, syscall.Flock(int(looker.Fd()), syscall.LOCK_SH))
	expectRead(t, path, 4242, false)
	acquired := make(chan error)
	go func() {
		f, err := pidfile.Acquire(path)
		if err == nil {
			err = f.Release()
		}
		acquired <- err
	}()
	select {
	case err := <-acquired:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	must(t, looker.Close())
	must(t, <-acquired)
}

func TestASuccessorKeepsTheLock(t *testing.T) {
	path := newPath(t)
	f := acquire(t, path)
	must(t, f.WritePID(os.Getpid()))
	next := spawn(t, "adopt", path, f.Descriptor())
	if next.said != "held" {
		t.Fatal(next.said)
	}
	pid := next.cmd.Process.Pid
	expectRead(t, path, pid, true)
	must(t, f.Abandon())
	must(t, f.Release()) // which does nothing now
	expectRead(t, path, pid, true)
	_, err := pidfile.Acquire(path)
	expectRunning(t, err, pid, path)
	next.leave(t)
	expectNoFile(t, path)
}

func TestASuccessorThatDiesLeavesTheLock(t *testing.T) {
	path := newPath(t)
	f := acquire(t, path)
	must(t, f.WritePID(os.Getpid()))
	next := spawn(t, "adopt", path, f.Descriptor())
	next.kill(t)
	must(t, f.WritePID(os.Getpid()))
	_, err := pidfile.Acquire(path)
	expectRunning(t, err, os.Getpid(), path)
}

// TestNoOtherChildInheritsTheLock: it would hold it longer than we do.
func TestNoOtherChildInheritsTheLock(t *testing.T) {
	path := newPath(t)
	f := acquire(t, path)
	child := exec.Command("sleep", "60")
	must(t, child.Start())
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	must(t, f.Abandon())
	acquire(t, path)
}

func TestAdoptOfAFileThatWasRemoved(t *testing.T) {
	path := newPath(t)
	f := acquire(t, path)
	must(t, os.Remove(path))
	next := spawn(t, "adopt", path, f.Descriptor())
	if next.said != "held" {
		t.Fatal(next.said)
	}
	expectRead(t, path, next.cmd.Process.Pid, true)

	// The old one does not remove what it does not hold.
	must(t, f.Release())
	expectRead(t, path, next.cmd.Process.Pid, true)
}

func TestAdoptOfAFileThatAnotherHolds(t *testing.T) {
	path := newPath(t)
	f := acquire(t, path)
	must(t, f.WritePID(42))
	other, err := os.OpenFile(path, os.O_RDWR, 0) // another open file: not the lock's
	must(t, err)
	_, err = pidfile.Adopt(other, path)
	expectRunning(t, err, 42, path)
	if err := other.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is open still: %v", err)
	}
}

func TestReleaseInAnotherFolder(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	f := acquire(t, "skein.pid")
	t.Chdir(t.TempDir())
	must(t, f.Release())
	expectNoFile(t, filepath.Join(folder, "skein.pid"))
}

// TestReleaseInAChroot does it where it may, which is as root.
func TestReleaseInAChroot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root may change its root: see TestReleaseInAnotherFolder")
		return
	}
	path := newPath(t)
	i := spawn(t, "chroot", path)
	if i.said != "held" {
		t.Fatal(i.said)
	}
	expectRead(t, path, i.cmd.Process.Pid, true)
	i.leave(t)
	expectNoFile(t, path)
}

// TestReleaseWhereTheFolderForbidsIt drops privileges, or, without any, takes the
// permission from the folder.
func TestReleaseWhereTheFolderForbidsIt(t *testing.T) {
	path := newPath(t)
	folder := filepath.Dir(path)
	role := "hold"
	if os.Geteuid() == 0 {
		role = "nobody"
	}
	i := spawn(t, role, path)
	if i.said != "held" {
		t.Fatal(i.said)
	}
	must(t, os.Chmod(folder, 0o555))
	i.leave(t)
	must(t, os.Chmod(folder, 0o755))
	expectRead(t, path, 0, false)
	acquire(t, path)
}
