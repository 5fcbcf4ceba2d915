// Package report holds what a comparison found, and writes it: as a text that is
// Markdown too, as a picture, and as JSON for whoever wants to reckon anew.
//
//	report.go   what was found
//	text.go     the tables
//	picture.go  the picture
package report

import (
	"math"
	"time"
)

// A Report is all that one run of compare found.
type Report struct {
	Command   string    `json:"command"`
	Date      time.Time `json:"date"`
	Machine   string    `json:"machine"`
	Method    []string  `json:"method"`            // how it was measured, a line each
	Servers   []Server  `json:"servers"`           // in the order of the columns
	Reference string    `json:"reference"`         // the name of the server that is 1.00
	Missing   []string  `json:"missing,omitempty"` // what is not installed here, and what to do
	Broken    []string  `json:"broken,omitempty"`  // what could not be built
	Partial   string    `json:"partial,omitempty"` // why it is not all
	Sections  []Section `json:"sections"`
	Scale     []Size    `json:"scale,omitempty"`
}

// A Server is one that took part.
type Server struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	Version string `json:"version"`
}

// A Section is rows of one kind, which share a table.
type Section struct {
	Name     string `json:"name"` // "cpu", "latency", "µs" or "memory"
	Title    string `json:"title"`
	Relative bool   `json:"relative"` // figures are multiples of the reference's
	Rows     []Row  `json:"rows"`
}

// A Row is one piece of work, done by every server.
type Row struct {
	Name  string          `json:"name"`
	Label string          `json:"label"`
	Unit  string          `json:"unit"`           // of Base, or of the figures if they are not relative
	Base  float64         `json:"base,omitempty"` // what 1.00 is: the reference's own figure
	Cells map[string]Cell `json:"cells"`          // by the servers' names; one that is not there was not measured
}

// A Cell is one server's figure in one row, the median over the rounds; or why
// there is none. Package stat says what the other figures are.
type Cell struct {
	Value  float64   `json:"value"`
	Low    float64   `json:"low"` // the true figure is between these
	High   float64   `json:"high"`
	Spread float64   `json:"spread"`           // half of the rounds are within
	Rounds []float64 `json:"rounds,omitempty"` // the server's own figure in each, in the unit of Base
	Failed string    `json:"failed,omitempty"`
	Absent string    `json:"absent,omitempty"` // why the server does not do that, which is no failure
}

// A Size is a line of the scale section: so many connections at once.
type Size struct {
	Server    string  `json:"server"`
	Conns     int     `json:"connections"`
	Processes int     `json:"processes"` // of the server
	OpenedIn  float64 `json:"opened_in"` // seconds until all were connected
	Served    int     `json:"served"`    // connections that each carried messages
	Ops       int     `json:"ops"`
	NsPerOp   float64 `json:"ns_per_op"`
	Growth    float64 `json:"growth"`               // NsPerOp as a multiple of that at the server's smallest size
	Bytes     float64 `json:"bytes_per_connection"` // 0 if there are too few to tell
	Failed    string  `json:"failed,omitempty"`
}

// Absent returns the cell of a server that does not do that.
func Absent(why string) Cell { return Cell{Absent: why} }

// Failed returns a cell without a figure.
func Failed(why string) Cell { return Cell{Failed: why} }

// Exactly returns a cell of a figure that was taken once.
func Exactly(v float64) Cell { return Cell{Value: v, Low: v, High: v}.Finite() }

// Finite returns the cell, or one without a figure if it has one that is not a
// number.
func (c Cell) Finite() Cell {
	for _, v := range []float64{c.Value, c.Low, c.High, c.Spread} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Failed("there is no figure: the rounds brought nothing to reckon with")
		}
	}
	return c
}

// Failures counts the cells and sizes that have no figure because something went
// wrong.
func (r *Report) Failures() int {
	n := 0
	for _, s := range r.Sections {
		for _, row := range s.Rows {
			for _, c := range row.Cells {
				if c.Failed != "" {
					n++
				}
			}
		}
	}
	for _, s := range r.Scale {
		if s.Failed != "" {
			n++
		}
	}
	return n
}

// Label is what a server is called in tables.
func (r *Report) Label(name string) string {
	for _, s := range r.Servers {
		if s.Name == name {
			return s.Label
		}
	}
	return name
}

// Add puts a row at the end of its section, which it begins if need be. A row
// that nobody has a cell in is left out.
func (r *Report) Add(s Section, row Row) {
	if len(row.Cells) == 0 {
		return
	}
	for i := range r.Sections {
		if r.Sections[i].Name == s.Name {
			r.Sections[i].Rows = append(r.Sections[i].Rows, row)
			return
		}
	}
	s.Rows = []Row{row}
	r.Sections = append(r.Sections, s)
}
