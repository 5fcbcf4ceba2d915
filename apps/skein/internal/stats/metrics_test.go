package stats_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"skein/apps/skein/internal/stats"
)

// family is what Prometheus knows of one name.
type family struct {
	kind, help string
	series     []series
}

// series is one value with its labels, as text.
type series struct {
	labels string
	value  float64
}

// scrape asks for the metrics and reads them as Prometheus does.
func scrape(t *testing.T, s *stats.Site) map[string]family {
	t.Helper()
	got := get(t, s, "/metrics", "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	if kind := got.Header.Get("Content-Type"); kind != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type: %s", kind)
	}
	if f := expfmt.ResponseFormat(got.Header); f.FormatType() != expfmt.TypeTextPlain {
		t.Errorf("Prometheus takes the format for %s", f)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	read, err := parser.TextToMetricFamilies(strings.NewReader(got.body))
	if err != nil {
		t.Fatalf("Prometheus' parser: %v\n%s", err, got.body)
	}
	families := map[string]family{}
	for name, r := range read {
		f := family{kind: r.GetType().String(), help: r.GetHelp()}
		for _, m := range r.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			// One of the two is there, the other is 0.
			f.series = append(f.series, series{strings.Join(labels, " "), m.GetCounter().GetValue() + m.GetGauge().GetValue()})
		}
		families[name] = f
	}
	return families
}

// values are those of sample(0, 1).
var values = map[string]float64{
	"skein_info":                           1,
	"skein_reactor_turns_total":            1_234_567,
	"skein_reactor_callbacks_total":        2,
	"skein_reactor_lag_seconds":            25e-6,
	"skein_reactor_max_lag_seconds":        1.5e-3,
	"skein_reactor_slow_callbacks_total":   5,
	"skein_reactor_panics_total":           4,
	"skein_connections_open":               8,
	"skein_connections_made_total":         6,
	"skein_connections_accepted_total":     7,
	"skein_ports_starved_total":            9,
	"skein_read_bytes_total":               100,
	"skein_written_bytes_total":            1536,
	"skein_timers_pending":                 11,
	"skein_timers_run_total":               3,
	"skein_deferreds_pending":              12,
	"skein_log_dropped_lines_total":        13,
	"process_start_time_seconds":           946684800 - 3600,
	"process_cpu_seconds_total":            14,
	"process_resident_memory_bytes":        1 << 20,
	"process_open_fds":                     15,
	"process_max_fds":                      1000,
	"go_goroutines":                        16,
	"go_memory_classes_heap_objects_bytes": 1 << 19,
}

func TestMetrics(t *testing.T) {
	got := scrape(t, site(sample(0, 1)))
	if len(got) != len(values) {
		t.Errorf("%d families, want %d", len(got), len(values))
	}
	for name, want := range values {
		kind, labels := "GAUGE", ""
		if strings.HasSuffix(name, "_total") {
			kind = "COUNTER"
		}
		if name == "skein_info" {
			labels = "name=poetry"
		}
		f := got[name]
		if f.kind != kind || f.help == "" || !slices.Equal(f.series, []series{{labels, want}}) {
			t.Errorf("%s: %+v, want a %s of %v with labels %q", name, f, kind, want, labels)
		}
	}
}

func TestMetricsOfWorkers(t *testing.T) {
	none := sample(1, 2)
	none.Process.Resident = 0
	got := scrape(t, site(sample(2, 3), none, sample(0, 1)))
	for name, want := range values {
		var names []string
		last := 0.0
		for _, s := range got[name].series {
			names, last = append(names, s.labels), s.value
		}
		wantNames := "worker=supervisor|worker=1|worker=2"
		switch name {
		case "process_resident_memory_bytes":
			wantNames = "worker=supervisor|worker=2"
		case "skein_info":
			wantNames = "worker=supervisor name=poetry|worker=1 name=poetry|worker=2 name=poetry"
		}
		if got := strings.Join(names, "|"); got != wantNames {
			t.Errorf("%s has %s, want %s", name, got, wantNames)
		}
		factor := 3.0
		if name == "skein_info" || name == "process_start_time_seconds" {
			factor, want = 1, last
		}
		if last < want*factor*0.999 || last > want*factor*1.001 {
			t.Errorf("%s of worker 2 is %v, want %v", name, last, want*factor)
		}
	}
}

// A worker that is alone, because others have not begun, has the label that it
// will keep.
func TestMetricsOfTheFirstWorker(t *testing.T) {
	if got := scrape(t, site(sample(1, 1)))["skein_connections_open"].series; !slices.Equal(got, []series{{"worker=1", 8}}) {
		t.Errorf("got %v", got)
	}
}

func TestMetricsOfNobody(t *testing.T) {
	if got := scrape(t, site()); len(got) > 1 {
		t.Errorf("%v", got)
	}
}

func TestMetricsOfAHostileName(t *testing.T) {
	snap := sample(0, 1)
	snap.Name = hostile
	got := scrape(t, site(snap))
	want := "name=" + strings.ToValidUTF8(hostile, "\uFFFD")
	if s := got["skein_info"].series; !slices.Equal(s, []series{{want, 1}}) || len(got) != len(values) {
		t.Errorf("%d families, %v, want %q", len(got), s, want)
	}
}
