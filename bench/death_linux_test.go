package bench_test

import (
	"errors"
	"testing"
	"time"

	"skein/bench/internal/drive"
)

// TestAServerThatIsKilled ends servers in the middle of a run: the load says so
// at once.
func TestAServerThatIsKilled(t *testing.T) {
	cases := []struct {
		name string
		work drive.Work
		args []string
	}{
		{"echo", drive.Echo{Conns: 20, Depth: 4, Size: messageSize}, []string{"echo"}},
		{"poem", drive.Fetch{AtOnce: 8, Poem: poemSize}, []string{"poem"}},
		{"stream", drive.Stream{Conns: 3}, []string{"stream"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			server := startServer(t, -1, "epoll", tc.args...)
			defer server.Stop()
			load, err := drive.Spawn(-1, loadCommand(), tc.work, server.Addr())
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			r := drive.NewResult()
			go func() { ended <- load.RunFor(time.Minute, r) }()
			<-time.After(300 * time.Millisecond) // in the middle of it
			if err := server.Kill(); err != nil {
				t.Error(err)
			}
			start := time.Now()
			err = <-ended
			if err == nil || errors.Is(err, drive.ErrSilent) || time.Since(start) > drive.Patience {
				t.Errorf("%v after the end: error %v, want one that it is gone", time.Since(start), err)
			}
			if r.Ops == 0 {
				t.Error("what was done before is lost")
			}
			t.Log(err)
			if err := load.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
