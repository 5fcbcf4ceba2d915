package report_test

import (
	"time"

	"skein/bench/cmd/compare/report"
)

// servers are columns as a full run has them.
var servers = []report.Server{
	{Name: "skein", Label: "skein", Version: "this tree"}, {Name: "c", Label: "C", Version: "cc 12"},
	{Name: "libuv", Label: "libuv", Version: "1.44.2"}, {Name: "epoll", Label: "epoll in Go", Version: "go1.26"},
	{Name: "gnet", Label: "gnet", Version: "v2.9.8"}, {Name: "nbio", Label: "nbio", Version: "v1.6"},
	{Name: "netpoll", Label: "netpoll", Version: "v0.7"}, {Name: "net", Label: "Go net", Version: "go1.26"},
	{Name: "uvloop", Label: "uvloop", Version: "0.17"}, {Name: "node", Label: "Node", Version: "v20"},
	{Name: "twisted", Label: "Twisted", Version: "22.4"},
}

// canned is a report with a figure for each server in each of the rows, one
// server that failed, one that was not measured and some beyond the axis.
func canned() *report.Report {
	r := &report.Report{
		Command: "go run ./bench/cmd/compare -rounds 5", Machine: "2 cores, Linux 6.1, go1.26",
		Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Servers: servers, Reference: "c",
		Method:  []string{"5 rounds of 400ms."},
		Missing: []string{"asyncio: install it"},
	}
	cpu := report.Section{Name: "cpu", Title: "CPU", Relative: true}
	names := []string{"echo, 50 connections", "echo, 50 connections × 16", "echo, 1,000 connections",
		"echo, 1,000 connections × 16", "echo, 10,000 connections", "echo, 10,000 connections × 16",
		"connect, 3 KB poem, close", "transform, one a connection", "transform, 50 connections",
		"transform, 50 connections × 16", "proxy, from its cache", "proxy, a fetch each time",
		"bulk stream, 1 connection", "bulk stream, 100 connections"}
	figures := []float64{1.07, 1, 1.23, 1.05, 1.32, 1.26, 1.43, 1.25, 1.15, 1.59, 2.64}
	for i, name := range names {
		row := report.Row{Name: "row", Label: name, Unit: "ns/op", Base: 5123, Cells: map[string]report.Cell{}}
		for j, s := range servers {
			v := figures[j] * (1 + float64((i*7+j*5)%11-5)/60)
			row.Cells[s.Name] = figure(v, v*0.98, v*1.02)
		}
		if i == 9 {
			row.Cells["netpoll"] = figure(12, 11, 13)
			row.Cells["net"] = figure(6.68, 6, 7)
			row.Cells["uvloop"] = figure(5.55, 5, 6)
			row.Cells["twisted"] = figure(7.63, 7, 8)
			row.Cells["libuv"] = figure(0.5, 0.4, 0.6)
		}
		if i == 11 {
			row.Cells["gnet"] = report.Failed("it ended: exit status 3")
			delete(row.Cells, "nbio")
			row.Cells["netpoll"] = report.Absent("its dial fails")
		}
		r.Add(cpu, row)
	}
	latency := report.Row{Name: "latency-p99.9", Label: "p99.9 at 20,000/s", Unit: "µs", Base: 180, Cells: map[string]report.Cell{
		"skein": figure(1.1, 1, 1.2), "c": figure(1, 1, 1), "twisted": figure(30, 20, 40)}}
	r.Add(report.Section{Name: "latency", Title: "Latency", Relative: true}, latency)
	memory := report.Row{Name: "memory-idle", Label: "idle", Unit: "bytes a connection", Cells: map[string]report.Cell{
		"skein": figure(190, 190, 190), "c": figure(88, 88, 88), "net": figure(3700, 3700, 3700)}}
	r.Add(report.Section{Name: "memory", Title: "Memory"}, memory)
	r.Scale = []report.Size{
		{Server: "skein", Conns: 100, Served: 100, Processes: 1, Ops: 1000, NsPerOp: 5000, Growth: 1},
		{Server: "skein", Conns: 100000, Served: 100000, Processes: 7, OpenedIn: 4.2, Ops: 500000, NsPerOp: 7500, Bytes: 210, Growth: 1.5},
		{Server: "c", Conns: 100, Served: 100, Processes: 1, Ops: 1000, NsPerOp: 4000, Growth: 1},
		{Server: "c", Conns: 100000, Failed: "out of descriptors"},
	}
	return r
}

// figure is a cell; half of the rounds lie in the middle half of what is
// possible.
func figure(value, low, high float64) report.Cell {
	return report.Cell{Value: value, Low: low, High: high, Spread: (high - low) / 4}.Finite()
}
