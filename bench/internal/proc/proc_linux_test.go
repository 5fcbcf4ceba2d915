package proc_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/bench/internal/proc"
)

// asServer makes this program a server instead of a test; its value says which.
const asServer = "SKEIN_PROC_TEST_SERVER"

func TestMain(m *testing.M) {
	if how := os.Getenv(asServer); how != "" {
		os.Exit(server(how))
	}
	goleak.VerifyTestMain(m)
}

// server is the program that the tests start.
func server(how string) int {
	switch how {
	case "fails":
		fmt.Fprintln(os.Stderr, "the port is taken")
		return 3
	case "babbles":
		fmt.Println("hello")
		return 0
	}
	fmt.Println("listening 127.0.0.1:1234")
	var held [][]byte
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		verb, number, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.Atoi(number)
		switch verb {
		case "collect":
			fmt.Println(`{"num_gc":7}`)
		case "look": // every now and then, for good
			go func() {
				for range time.Tick(time.Millisecond) {
					for start := time.Now(); time.Since(start) < 200*time.Microsecond; {
					}
				}
			}()
			fmt.Println("looking")
		case "stats":
			fmt.Println(`{"mallocs":1,"total_alloc":2,"heap_inuse":3,"num_gc":4,"max_pause_ns":5,"pause_total_ns":6}`)
		case "work": // so many milliseconds
			for start := time.Now(); time.Since(start) < time.Duration(n)*time.Millisecond; {
			}
			fmt.Println("done")
		case "hold": // so many MiB
			b := make([]byte, n<<20)
			for i := range b {
				b[i] = 1
			}
			held = append(held, b)
			fmt.Println("held", len(held))
		case "affinity":
			cores, err := proc.Cores()
			fmt.Println(cores, runtime.NumCPU(), err)
		case "die":
			fmt.Fprintln(os.Stderr, "an unhappy end")
			return 4
		}
	}
	if how == "stays" {
		<-time.After(time.Hour)
	}
	return 0
}

// start starts this program as a server, on a core.
func start(t *testing.T, how string, core int) *proc.Server {
	t.Helper()
	t.Setenv(asServer, how)
	s, err := proc.Start(core, os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t *testing.T, s *proc.Server, line string) string {
	t.Helper()
	answer, err := s.Ask(line, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAServerFromStartToEnd(t *testing.T) {
	s := start(t, "serves", -1)
	if s.Addr() != "127.0.0.1:1234" {
		t.Errorf("it listens on %q", s.Addr())
	}
	st, err := s.Stats()
	if want := (proc.Stats{Mallocs: 1, TotalAlloc: 2, HeapInuse: 3, NumGC: 4, MaxPauseNs: 5, PauseTotalNs: 6}); err != nil || st != want {
		t.Errorf("stats %+v, %v", st, err)
	}
	if st, err := s.Collect(); err != nil || st != (proc.Stats{NumGC: 7}) {
		t.Errorf("after a collection %+v, %v", st, err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := s.CPU(); err == nil {
		t.Error("a process that is gone has a clock")
	}
}

func TestServersThatDoNotStart(t *testing.T) {
	cases := []struct{ how, want string }{
		{"fails", "the port is taken"},
		{"babbles", `"hello"`},
	}
	for _, tc := range cases {
		t.Run(tc.how, func(t *testing.T) {
			t.Setenv(asServer, tc.how)
			_, err := proc.Start(-1, os.Args[0])
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %s", err, tc.want)
			}
		})
	}
	for _, argv := range [][]string{nil, {filepath.Join(t.TempDir(), "none")}} {
		if _, err := proc.Start(-1, argv...); err == nil {
			t.Errorf("%q: no error", argv)
		}
	}
	if _, err := proc.Start(1023, os.Args[0]); err == nil {
		t.Error("core 1023: no error")
	}
}

func TestAServerThatDies(t *testing.T) {
	s := start(t, "serves", -1)
	_, err := s.Ask("die", 20*time.Second)
	if err == nil || !strings.Contains(err.Error(), "an unhappy end") || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("error %v, want one with its last words and its status", err)
	}
	if err := s.Stop(); err == nil {
		t.Error("it was stopped without an error")
	}
	_, cpu := s.CPU()
	_, memory := s.Memory()
	_, settle := s.Settle(time.Second)
	for _, err := range []error{cpu, memory, settle} {
		if err == nil || !strings.Contains(err.Error(), "exit status 4") {
			t.Errorf("of a process that is gone: %v, want one with its status", err)
		}
	}
}

func TestAServerThatSaysNothing(t *testing.T) {
	s := start(t, "serves", -1)
	if _, err := s.Ask("listen", 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "20ms") {
		t.Errorf("error %v, want one with the limit", err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestAServerThatStaysIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s := start(t, "stays", -1)
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v, want one that it was killed", err)
	}
}

// TestCPUMovesWithWork compares the clock with what the scheduler has noted for
// each thread.
func TestCPUMovesWithWork(t *testing.T) {
	s := start(t, "serves", -1)
	defer s.Stop()
	before := cpu(t, s)
	ask(t, s, "work 200")
	if rests, err := s.Settle(5 * time.Second); err != nil || !rests {
		t.Fatalf("it rests: %v, %v", rests, err)
	}
	worked := cpu(t, s)
	// On a busy machine it gets less of a core.
	if d := worked - before; d < 5*time.Millisecond || d > 400*time.Millisecond {
		t.Errorf("200 ms of work took %v of CPU time", d)
	}
	noted := schedstat(t, s.Pid())
	if d := noted - worked; d < -10*time.Millisecond || d > 10*time.Millisecond {
		t.Errorf("the clock says %v, the scheduler %v", worked, noted)
	}
	// Nothing to do for a while.
	<-time.After(50 * time.Millisecond)
	if d := cpu(t, s) - worked; d > 10*time.Millisecond {
		t.Errorf("resting took %v of CPU time", d)
	}
}

func cpu(t *testing.T, s *proc.Server) time.Duration {
	t.Helper()
	d, err := s.CPU()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// schedstat adds up the threads of a process.
func schedstat(t *testing.T, pid int) time.Duration {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d threads: %v", len(files), err)
	}
	var sum time.Duration
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var run int64
		if _, err := fmt.Sscan(string(text), &run); err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(run)
	}
	return sum
}

func TestMemoryIsWhatIsHeld(t *testing.T) {
	s := start(t, "serves", -1)
	defer s.Stop()
	before, err := s.Memory()
	if err != nil {
		t.Fatal(err)
	}
	const held = 64
	ask(t, s, fmt.Sprint("hold ", held))
	after, err := s.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if d := (after.Private - before.Private) >> 20; d < held || d > 4*held { // the race detector has its own
		t.Errorf("holding %d MiB takes %d MiB", held, d)
	}
	if after.Rss < after.Private {
		t.Errorf("%d bytes are private, and %d in all", after.Private, after.Rss)
	}
}

func TestProcessesStayOnTheirCore(t *testing.T) {
	cores, err := proc.Cores()
	if err != nil || len(cores) == 0 {
		t.Fatalf("cores %v: %v", cores, err)
	}
	for _, core := range cores {
		s := start(t, "serves", core)
		if got, want := ask(t, s, "affinity"), fmt.Sprintf("[%d] 1 <nil>", core); got != want {
			t.Errorf("started on core %d: %q, want %q", core, got, want)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	if again, err := proc.Cores(); err != nil || len(again) != len(cores) {
		t.Errorf("cores %v after that, %v before: %v", again, cores, err)
	}
}

func TestPinSelf(t *testing.T) {
	cores, err := proc.Cores()
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, "serves", -1) // has all cores
	defer s.Stop()
	if got, want := ask(t, s, "affinity"), fmt.Sprintf("%d %d <nil>", cores, len(cores)); got != want {
		t.Errorf("a process on any core: %q, want %q", got, want)
	}
	if err := proc.PinSelf(cores[len(cores)-1]); err != nil {
		t.Fatal(err)
	}
	defer proc.PinSelf(cores...)
	masks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(masks) == 0 {
		t.Fatalf("%d threads: %v", len(masks), err)
	}
	want := fmt.Sprintf("Cpus_allowed_list:\t%d\n", cores[len(cores)-1])
	for _, name := range masks {
		if text, err := os.ReadFile(name); err == nil && !strings.Contains(string(text), want) {
			t.Errorf("%s has not %q", name, want)
		}
	}
	if err := proc.PinSelf(1023); err == nil {
		t.Error("core 1023: no error")
	}
}
