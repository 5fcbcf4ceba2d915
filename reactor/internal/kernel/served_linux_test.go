package kernel_test

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"skein/reactor/internal/kernel"
)

// groups is a loop that notes how many events come before each Served.
type groups struct {
	events int
	served []int
}

func (g *groups) Ready(int, kernel.Events, uint32) { g.events++ }

func (g *groups) Served() {
	g.served = append(g.served, g.events)
	g.events = 0
}

// Turn ends the test when there were events, which must have been served.
func (g *groups) Turn() bool { return len(g.served) > 0 || g.events > 0 }

func (g *groups) More() bool { return true }

// TestABatchIsServedInGroups has more descriptors ready than belong to one group: the
// first ones need not wait for the last.
func TestABatchIsServedInGroups(t *testing.T) {
	k, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	g := &groups{}
	k.Attach(g)
	for range 70 {
		fd, err := unix.Eventfd(1, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if errno := k.AddInput(fd); errno != 0 {
			t.Fatal(errno)
		}
	}
	k.Wake()
	if err := k.Poll(); err != nil {
		t.Fatal(err)
	}
	if want := []int{32, 32, 6}; !slices.Equal(g.served, want) || g.events > 0 {
		t.Errorf("70 events were served in groups of %d, and %d of them before the turn were not: want %d", g.served, g.events, want)
	}
}
