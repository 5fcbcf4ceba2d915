package report

import (
	"fmt"
	"slices"
	"strings"

	"skein/bench/internal/chart"
)

// looks is what each server looks like. The colours are told apart by those who
// see red and green alike; each family has one, and shapes tell its members
// apart: C is dark, Go blue, Python green.
var looks = map[string]chart.Series{
	"skein":   {Shape: chart.Circle, Colour: "#d55e00", Strong: true},
	"c":       {Shape: chart.Bar, Colour: "#222222"},
	"libuv":   {Shape: chart.Square, Colour: "#555555"},
	"epoll":   {Shape: chart.Diamond, Colour: "#8a8f98"},
	"gnet":    {Shape: chart.Square, Colour: "#0072b2"},
	"nbio":    {Shape: chart.Up, Colour: "#0072b2"},
	"netpoll": {Shape: chart.Down, Colour: "#0072b2"},
	"net":     {Shape: chart.Circle, Colour: "#56b4e9"},
	"uvloop":  {Shape: chart.Up, Colour: "#009e73"},
	"twisted": {Shape: chart.Down, Colour: "#009e73"},
	"node":    {Shape: chart.Diamond, Colour: "#aa4499"},
}

// axes is what each section's panel shows.
var axes = map[string]chart.Panel{
	"cpu": {Title: "CPU time of the server per operation (less is better)",
		Min: 0.75, Max: 3, Ticks: []float64{0.75, 1, 1.25, 1.5, 2, 2.5, 3}, Rule: 1, Format: chart.Ratio},
	"latency": {Title: "Latency at 1,000 connections",
		Min: 0.5, Max: 10, Ticks: []float64{0.5, 1, 2, 5, 10}, Rule: 1, Format: chart.Ratio},
	"memory": {Title: "Memory of the process per idle connection, bytes",
		Min: 50, Max: 16000, Ticks: []float64{50, 100, 200, 500, 1000, 2000, 5000, 10000}, Format: whole},
}

// drawn are the rows of a section that the picture has; all, if it is not named.
var drawn = map[string][]string{
	"latency": {"latency-p99.9"},
	"memory":  {"memory-idle", "memory-after"},
}

// SVG returns the report as a picture, and false if it has nothing to draw.
func (r *Report) SVG() (string, bool) {
	c := chart.Chart{
		Title:    "Network frameworks beside a hand-written epoll loop in C",
		Subtitle: fmt.Sprintf("%s = 1.00. Medians over the rounds; the true one is most likely within the whiskers. In figures: skein, and what lies beyond the axis.", r.Label(r.Reference)),
		Notes:    []string{r.Command, r.Machine + ", " + r.Date.UTC().Format("2006-01-02") + ". " + r.versions()},
	}
	if r.Reference != "c" {
		c.Title = "Network frameworks beside a bare epoll loop"
	}
	if r.Partial != "" {
		c.Notes = append(c.Notes, "Not complete: "+r.Partial)
	}
	index := map[string]int{}
	for _, s := range r.Servers {
		look, known := looks[s.Name]
		if !known {
			look = chart.Series{Colour: "#8a8f98"}
		}
		look.Name = s.Label
		index[s.Name] = len(c.Series)
		c.Series = append(c.Series, look)
	}
	for _, s := range r.Sections {
		if p := r.panel(s, index); len(p.Rows) > 0 {
			c.Panels = append(c.Panels, p)
		}
	}
	return c.SVG(), len(c.Panels) > 0
}

// panel is a section's part of the picture.
func (r *Report) panel(s Section, index map[string]int) chart.Panel {
	p, known := axes[s.Name]
	if !known {
		return p
	}
	if p.Rule > 0 {
		p.RuleName = r.Label(r.Reference) + " = 1.00"
	}
	for _, row := range s.Rows {
		if names := drawn[s.Name]; names != nil && !slices.Contains(names, row.Name) {
			continue
		}
		line := chart.Row{Label: row.Label}
		for _, server := range r.Servers { // not the map's order, which changes
			cell, measured := row.Cells[server.Name]
			if !measured || cell.Failed != "" || cell.Absent != "" || s.Relative && server.Name == r.Reference {
				continue
			}
			line.Points = append(line.Points, chart.Point{Series: index[server.Name], Value: cell.Value, Low: cell.Low, High: cell.High})
		}
		if len(line.Points) > 0 {
			p.Rows = append(p.Rows, line)
		}
	}
	return p
}

func (r *Report) versions() string {
	var list []string
	for _, s := range r.Servers {
		list = append(list, s.Label+" "+s.Version)
	}
	return strings.Join(list, ", ") + "."
}

func whole(v float64) string { return thousands(int(v + 0.5)) }
