package stats

import "time"

// measure is one number of a snapshot: how it is read, told to Prometheus and
// shown to people.
type measure struct {
	name  string // Prometheus'; a counter's ends with _total
	help  string
	label string // the head of its column
	value func(s *Snapshot) float64
	show  func(v float64) string
	fold  fold
	maybe bool // 0 means that the system does not tell
}

// fold says what stands for several processes.
type fold uint8

const (
	sum fold = iota
	highest
	none // nothing does
)

// group is what belongs together.
type group struct {
	title    string
	measures []measure
}

// groups returns all that is measured, in the order in which it is shown. now is
// for what counts from a time.
func groups(now time.Time) []group {
	return []group{
		{"The loop", loopMeasures()},
		{"Connections", connectionMeasures()},
		{"What waits", waitingMeasures()},
		{"The process", processMeasures(now)},
	}
}

func loopMeasures() []measure {
	return []measure{
		{name: "skein_reactor_turns_total", label: "turns", help: "Turns of the loop; a batch of events that leaves nothing to do needs none.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.Turns) }},
		{name: "skein_reactor_callbacks_total", label: "callbacks", help: "Calls of user code by the loop.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.Callbacks) }},
		{name: "skein_reactor_lag_seconds", label: "lag", help: "How late the last timer ran. The stats run one each second.",
			show: seconds, fold: highest, value: func(s *Snapshot) float64 { return s.Reactor.Lag.Seconds() }},
		{name: "skein_reactor_max_lag_seconds", label: "max lag", help: "How late a timer ran at worst, since the start.",
			show: seconds, fold: highest, value: func(s *Snapshot) float64 { return s.Reactor.MaxLag.Seconds() }},
		{name: "skein_reactor_slow_callbacks_total", label: "slow", help: slowHelp,
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.SlowCallbacks) }},
		{name: "skein_reactor_panics_total", label: "panics", help: "Panics recovered from user code.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.Panics) }},
	}
}

// slowHelp says what the number is.
const slowHelp = "Callbacks slower than 100 ms: the loop stood still meanwhile, and the log names them."

func connectionMeasures() []measure {
	return []measure{
		{name: "skein_connections_open", label: "open", help: "Connections that are open now, those that ask for this included.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.Open) }},
		{name: "skein_connections_made_total", label: "made", help: "Connections made, in and out.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.Connections) }},
		{name: "skein_connections_accepted_total", label: "accepted", help: "Connections made that came in.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.Accepted) }},
		{name: "skein_ports_starved_total", label: "starved", help: "Times that a port ran out of descriptors.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.Starved) }},
		{name: "skein_read_bytes_total", label: "read", help: "Bytes read from connections.",
			show: size, value: func(s *Snapshot) float64 { return float64(s.Reactor.BytesRead) }},
		{name: "skein_written_bytes_total", label: "written", help: "Bytes written to connections.",
			show: size, value: func(s *Snapshot) float64 { return float64(s.Reactor.BytesWritten) }},
	}
}

func waitingMeasures() []measure {
	return []measure{
		{name: "skein_timers_pending", label: "timers", help: "Delayed calls that wait.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.PendingTimers) }},
		{name: "skein_timers_run_total", label: "timers run", help: "Delayed calls that have run.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Reactor.TimersRun) }},
		{name: "skein_deferreds_pending", label: "Deferreds", help: "Deferreds that have not fired.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Deferreds) }},
		{name: "skein_log_dropped_lines_total", label: "log lines dropped", help: "Lines that the log had no room for.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.LogDropped) }},
	}
}

// processMeasures have the names that Prometheus' own libraries give them.
func processMeasures(now time.Time) []measure {
	return []measure{
		{name: "process_start_time_seconds", label: "up", help: "When the process began, in seconds since 1970.", fold: none,
			show:  func(v float64) string { return uptime(float64(now.UnixNano())/1e9 - v) },
			value: func(s *Snapshot) float64 { return float64(s.Started.UnixNano()) / 1e9 }},
		{name: "process_cpu_seconds_total", label: "CPU", help: "Processor time, in user and system mode.",
			show: seconds, value: func(s *Snapshot) float64 { return s.Process.CPU.Seconds() }},
		{name: "process_resident_memory_bytes", label: "memory", help: "Resident memory.", maybe: true,
			show: size, value: func(s *Snapshot) float64 { return float64(s.Process.Resident) }},
		{name: "go_memory_classes_heap_objects_bytes", label: "heap", help: "Memory of objects, live or not yet swept.",
			show: size, value: func(s *Snapshot) float64 { return float64(s.Process.Heap) }},
		{name: "go_goroutines", label: "goroutines", help: "Goroutines.",
			show: count, value: func(s *Snapshot) float64 { return float64(s.Process.Goroutines) }},
		{name: "process_open_fds", label: "descriptors", help: "Open descriptors.", maybe: true,
			show: count, value: func(s *Snapshot) float64 { return float64(s.Process.Descriptors) }},
		{name: "process_max_fds", label: "of at most", help: "How many descriptors may be open.", maybe: true, fold: none,
			show: count, value: func(s *Snapshot) float64 { return float64(s.Process.MaxDescriptors) }},
	}
}
