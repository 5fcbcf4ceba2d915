package logs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"skein/apps/skein/internal/logs"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestASlowSinkCostsLinesNotTime fills the queue while the sink takes one write
// for ever.
func TestASlowSinkCostsLinesNotTime(t *testing.T) {
	for format, most := range map[string]int{"short lines: their number counts": 8192, "long lines: their bytes count": 1 << 20 / 10065} {
		t.Run(format, func(t *testing.T) {
			out := &page{gate: make(chan struct{}), came: make(chan struct{}, 1)}
			l := open(t, logs.Options{Format: "json", Out: out})
			log := l.Logger()
			if most < 8192 {
				log = log.With().Str("x", strings.Repeat("x", 10000)).Logger()
			}
			log.Info().Int("n", 1).Msg("line")
			<-out.came // it has been taken, and hangs
			const last = 20000
			for n := 2; n <= last; n++ {
				log.Info().Int("n", n).Msg("line")
			}
			if got := last - 1 - int(l.Dropped()); got > most+1 || got < most*9/10 {
				t.Errorf("%d lines wait, want about %d", got, most)
			}
			letGo(out)
			flush(t, l)
			log.Info().Int("n", last+1).Msg("line")
			must(t, l.Close())
			if got := expectComplete(t, out.String(), last+1); uint64(got) != l.Dropped() {
				t.Errorf("%d lines are told of, %d were dropped", got, l.Dropped())
			}
		})
	}
}

// letGo opens the gate of a page.
func letGo(p *page) { close(p.gate) }

// TestLinesThatAreMissingAreTogether: one that would fit is dropped, too, so that
// the line that tells of them stands where they would have stood.
func TestLinesThatAreMissingAreTogether(t *testing.T) {
	out := &page{gate: make(chan struct{}), came: make(chan struct{}, 1)}
	l := open(t, logs.Options{Format: "json", Out: out})
	numbered(l, 1, 1)
	<-out.came
	numbered(l, 2, 3)
	log := l.Logger()
	log.Info().Int("n", 4).Str("x", strings.Repeat("x", 2<<20)).Msg("line")
	numbered(l, 5, 6)
	letGo(out)
	flush(t, l)
	numbered(l, 7, 7)
	must(t, l.Close())
	if got := numbers(t, out.String()); !slices.Equal(got, []int{1, 2, 3, -3, 7}) {
		t.Errorf("the lines are %v", got)
	}
}

func TestALineThatIsTooLong(t *testing.T) {
	var out page
	l := open(t, logs.Options{Format: "json", Out: &out})
	log := l.Logger()
	numbered(l, 1, 1)
	log.Info().Int("n", 2).Str("x", strings.Repeat("x", 2<<20)).Msg("line")
	flush(t, l)
	numbered(l, 3, 3)
	must(t, l.Close())
	if got := expectComplete(t, out.String(), 3); got != 1 {
		t.Errorf("%d lines were dropped", got)
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	out := &page{gate: make(chan struct{}), came: make(chan struct{}, 1)}
	l := open(t, logs.Options{Format: "json", Out: out})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	line := append(bytes.Repeat([]byte("x"), 999), '\n')
	for range 1_000_000 {
		_, _ = l.Write(line)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	letGo(out)
}

// TestASinkThatFailsIsTriedAgain refuses lines at times, some of them in part.
func TestASinkThatFailsIsTriedAgain(t *testing.T) {
	full := errors.New("full")
	cases := []struct {
		name    string
		refuse  func(write int) (n int, err error) // the nth write
		dropped int
	}{
		{"never", func(int) (int, error) { return 0, nil }, 0},
		{"once", func(n int) (int, error) {
			if n == 3 {
				return 0, full
			}
			return 0, nil
		}, 1},
		{"for a while", func(n int) (int, error) {
			if n >= 3 && n < 6 {
				return 0, full
			}
			return 0, nil
		}, 2},
		{"in part", func(n int) (int, error) {
			if n == 3 {
				return 10, full
			}
			return 0, nil
		}, 0},
		{"in part, and more than once", func(n int) (int, error) {
			switch n {
			case 3, 4:
				return 10, full
			case 5, 6:
				return 0, full
			}
			return 0, nil
		}, 1},
		{"the line that tells of it, in part", func(n int) (int, error) {
			switch n {
			case 3:
				return 0, full
			case 4:
				return 20, full
			}
			return 0, nil
		}, 1},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			writes := 0
			out := &page{refuse: func([]byte) (int, error) {
				writes++
				return tc.refuse(writes)
			}}
			l := open(t, logs.Options{Format: "json", Out: out})
			for n := 1; n <= 12; n++ {
				numbered(l, n, n)
				flush(t, l)
			}
			must(t, l.Close())
			if got := expectComplete(t, out.String(), 12); got != tc.dropped {
				t.Errorf("%d lines were dropped, want %d", got, tc.dropped)
			}
			expectDropped(t, l, uint64(tc.dropped))
		})
	}
}

func TestASinkThatStaysBroken(t *testing.T) {
	out := &page{refuse: func([]byte) (int, error) { return 0, syscall.EIO }}
	l := open(t, logs.Options{Format: "json", Out: out})
	numbered(l, 1, 5)
	err := l.Close()
	var lost *logs.LostError
	if !errors.As(err, &lost) || lost.Lines != 5 || !errors.Is(err, syscall.EIO) {
		t.Errorf("close: %v", err)
	}
	expectText(t, "it", fmt.Sprint(err), "5 log lines were lost: input/output error")
	if again := l.Close(); !errors.Is(again, err) {
		t.Errorf("closed again: %v", again)
	}
}

func TestAFullDevice(t *testing.T) {
	const device = "/dev/full"
	if _, err := os.Stat(device); errors.Is(err, fs.ErrNotExist) {
		t.Log("there is no such device here: TestASinkThatStaysBroken stands for it")
		return
	}
	l := open(t, logs.Options{File: device})
	numbered(l, 1, 1000)
	flush(t, l)
	expectDropped(t, l, 1000)
	if err := <-l.Rotate(); !errors.Is(err, logs.ErrNotRegular) {
		t.Errorf("rotate: %v", err)
	}
	err := l.Close()
	var lost *logs.LostError
	if !errors.As(err, &lost) || lost.Lines != 1001 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: %v", err)
	}
}

// TestCloseGivesUp waits for a sink that hangs in a call, which nothing ends.
func TestCloseGivesUp(t *testing.T) {
	out := &page{gate: make(chan struct{}), came: make(chan struct{}, 1)}
	l := open(t, logs.Options{Format: "json", Out: out})
	numbered(l, 1, 1)
	<-out.came
	const last = 20000 // more than there is room for
	numbered(l, 2, last)
	err := l.Close()
	var lost *logs.LostError
	if !errors.As(err, &lost) || lost.Lines != last || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	expectText(t, "it", fmt.Sprint(err), "20000 log lines were lost: whoever should have taken them was too slow")
	letGo(out) // and the goroutine ends, as goleak sees, without writing the rest
}

func TestTooManyOrders(t *testing.T) {
	out := &page{gate: make(chan struct{}), came: make(chan struct{}, 1)}
	l := open(t, logs.Options{Format: "json", Out: out})
	numbered(l, 1, 1)
	<-out.came
	for range 64 {
		l.Reopen()
	}
	if err := <-l.Rotate(); !errors.Is(err, logs.ErrBusy) {
		t.Errorf("rotate: %v", err)
	}
	letGo(out)
}
