package main_test

import (
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// The stats of a server with clients: Prometheus' own parser reads them, and the
// numbers are those of what has happened.
func TestStatsOfARealServer(t *testing.T) {
	t.Parallel()
	d := launch(t, nil, "fastpoetry", "--port", "0", "--stats", "0")
	stats, port := d.statsPort(t), d.anywhere(t, `Serving a poem\. .*addr=127\.0\.0\.1:(\d+) `)
	before := scrape(t, stats)
	const clients = 50
	poem := ""
	for range clients {
		poem = fetch(t, port)
	}
	after := scrape(t, stats)
	for name, least := range map[string]float64{
		"skein_connections_accepted_total": clients,
		"skein_connections_made_total":     clients,
		"skein_written_bytes_total":        clients * float64(len(poem)),
		"skein_reactor_turns_total":        0, // events alone need none
		"skein_reactor_callbacks_total":    clients,
		"process_cpu_seconds_total":        0,
	} {
		if grown := alone(t, after, name) - alone(t, before, name); grown < least || grown > 10*least+1e6 {
			t.Errorf("%s has grown by %v, want at least %v", name, grown, least)
		}
	}
	for name, want := range map[string]float64{
		"skein_connections_open": 1, "skein_log_dropped_lines_total": 0, "skein_reactor_panics_total": 0, "skein_ports_starved_total": 0,
	} {
		if got := alone(t, after, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	d.tell(t, syscall.SIGINT)
	d.end(t, 0)
}

// With workers there is a series of each, and they add up.
func TestStatsOfWorkers(t *testing.T) {
	t.Parallel()
	const workers, clients = 3, 60
	d := launch(t, nil, "fastpoetry", "--port", "0", "--stats", "0", "--workers", strconv.Itoa(workers))
	var port string
	for range workers {
		port = d.expect(t, `Serving a poem. .*addr=127\.0\.0\.1:(\d+) .*worker=\d`)
	}
	stats := d.statsPort(t)
	for range clients {
		fetch(t, port)
	}
	var accepted series
	eventually(t, "the workers' heartbeats tell of all clients", func() bool {
		accepted = scrape(t, stats)["skein_connections_accepted_total"]
		return accepted["1"]+accepted["2"]+accepted["3"] == clients
	})
	if _, ok := accepted["supervisor"]; !ok || len(accepted) != workers+1 {
		t.Errorf("there are the series %v, want those of %d workers and the supervisor", accepted, workers)
	}
	if n := len(scrape(t, stats)["skein_info"]); n != workers+1 {
		t.Errorf("skein_info has %d series", n)
	}
	d.tell(t, syscall.SIGINT)
	d.end(t, 0)
}

// In a terminal the page is text, and not wide, and a browser gets HTML.
func TestTheStatsPageInCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	d := launch(t, nil, "fastpoetry", "--port", "0", "--stats", "0")
	stats, port := d.statsPort(t), d.anywhere(t, `Serving a poem\. .*addr=127\.0\.0\.1:(\d+) `)
	fetch(t, port)
	curl := func(args ...string) string {
		out, err := exec.Command("curl", append(args, "-sS", "http://localhost:"+stats+"/")...).Output()
		must(t, err)
		return string(out)
	}
	text := curl()
	for _, part := range []string{"skein fastpoetry", "pid " + strconv.Itoa(d.cmd.Process.Pid), "The loop", "Connections", "turns", "lag", "written"} {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %q in:\n%s", part, text)
		}
	}
	if strings.Contains(text, "<") {
		t.Errorf("there is HTML in:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if len([]rune(line)) > 90 {
			t.Errorf("this is wider than a terminal: %s", line)
		}
	}
	if html := curl("-H", "Accept: text/html,application/xhtml+xml,*/*;q=0.8"); !strings.HasPrefix(html, "<!DOCTYPE html>") {
		t.Errorf("a browser gets %.100s", html)
	}
	d.tell(t, syscall.SIGINT)
	d.end(t, 0)
}

// statsPort returns the port of the stats, and anywhere the first group of what is
// anywhere in the log, as soon as it is there.
func (d *daemon) statsPort(t *testing.T) string {
	t.Helper()
	return d.anywhere(t, `Showing statistics\. addr=127\.0\.0\.1:(\d+)\n`)
}

func (d *daemon) anywhere(t *testing.T, pattern string) (found string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	eventually(t, pattern, func() bool {
		m := re.FindStringSubmatch(d.logged())
		if m != nil {
			found = m[1]
		}
		return m != nil
	})
	return found
}

// series are the values of a name, by the label worker.
type series map[string]float64

// scrape asks for the metrics and reads them as Prometheus does.
func scrape(t *testing.T, port string) map[string]series {
	t.Helper()
	answer, err := http.Get("http://localhost:" + port + "/metrics")
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	defer http.DefaultClient.CloseIdleConnections()
	if f := expfmt.ResponseFormat(answer.Header); answer.StatusCode != http.StatusOK || f.FormatType() != expfmt.TypeTextPlain {
		t.Errorf("%s, and Prometheus takes the format for %s", answer.Status, f)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	must(t, err)
	all := map[string]series{}
	for name, family := range families {
		all[name] = series{}
		for _, m := range family.Metric {
			worker := ""
			for _, label := range m.Label {
				if label.GetName() == "worker" {
					worker = label.GetValue()
				}
			}
			if _, ok := all[name][worker]; ok {
				t.Errorf("%s is there twice for worker %q", name, worker)
			}
			// One of the two is there, the other is 0.
			all[name][worker] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

// alone returns the value of a name in a process without workers.
func alone(t *testing.T, all map[string]series, name string) float64 {
	t.Helper()
	if _, ok := all[name][""]; !ok || len(all[name]) != 1 {
		t.Errorf("%s has the series %v, want one without a label", name, all[name])
	}
	return all[name][""]
}
