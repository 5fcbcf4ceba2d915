package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// However the log is rotated, by its size, by SIGUSR1, or by somebody who moves the
// file away and sends SIGHUP, and whoever writes it, workers or a successor: each
// line is in one of the files, once.
func TestNoLineIsLost(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of both cores")
	}
	for _, test := range []struct{ name, workers string }{{"alone", "1"}, {"workers", "2"}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := newInstance(t, poets("127.0.0.1"))
			in.begin("--daemon", "--logfile", logName, "--log-max-bytes", "5000", "--log-keep", "0", "--workers", test.workers, "run", "poets.yaml")
			fast, slow := in.audience("fast", 200), in.audience("slow", 20)
			turns := []func(n int){
				func(int) { in.signal(syscall.SIGUSR1) },
				func(n int) {
					must(t, os.Rename(in.path(logName), in.path(fmt.Sprintf("moved.%d", n))))
					in.signal(syscall.SIGHUP)
					eventually(t, "there is a log", func() bool {
						_, err := os.Lstat(in.path(logName))
						return err == nil
					})
				},
				func(int) {
					pid := in.signal(syscall.SIGUSR2)
					eventually(t, "there is a successor", func() bool { return in.pid() != pid })
				},
			}
			for n := range 15 {
				turns[n%len(turns)](n)
				fast.served(20)
			}
			served := fast.unharmed() + slow.unharmed()
			in.signal(syscall.SIGTERM)
			in.over()
			peers, files := map[string]int{}, 0
			for _, pattern := range []string{logName + "*", "moved.*"} {
				names, err := filepath.Glob(in.path(pattern))
				must(t, err)
				for _, name := range names {
					text, err := os.ReadFile(name)
					must(t, err)
					files++
					for _, e := range entriesOf(text) {
						if e.Message == "Served a poem." {
							peers[e.Peer]++
						}
						if strings.Contains(e.Message, "dropped") || e.Level == "error" || e.Level == "" {
							t.Errorf("%s: %v", name, e)
						}
					}
				}
			}
			t.Logf("%d poems, %d files", served, files)
			lines := 0
			for _, n := range peers {
				lines += n
			}
			if lines != served || files < 15 {
				t.Errorf("%d poems are in the log, of %d, in %d files", lines, served, files)
			}
			if _, err := os.Lstat(in.path(logName)); errors.Is(err, os.ErrNotExist) {
				t.Error("there is no log at the end")
			}
		})
	}
}
