package load

import (
	"hash/crc64"
	"net/netip"
	"time"
)

// Mode is what the clients do.
type Mode string

// The modes.
const (
	// Poem connects, reads to the end and checks what came.
	Poem Mode = "poem"
	// Idle stays connected.
	Idle Mode = "idle"
	// Echo sends bytes and checks that they come back.
	Echo Mode = "echo"
	// Transform sends netstrings NAME.poem and checks the answers.
	Transform Mode = "transform"
)

// Options say what load to put on which server. They can be written as JSON,
// to hand them to another process.
type Options struct {
	Mode  Mode             `json:"mode"`
	Addrs []netip.AddrPort `json:"addrs"` // the server's; the first that answers is used
	Conns int              `json:"conns"`
	For   time.Duration    `json:"for"`
	// Rate is how many operations begin in a second. 0: each client begins the
	// next when it is done with the last.
	Rate float64 `json:"rate,omitempty"`
	// Timeout bounds every attempt to connect and every operation.
	Timeout time.Duration `json:"timeout"`
	// Depth is how many operations a client of Echo and Transform has under way;
	// 0 is 1.
	Depth int `json:"depth,omitempty"`
	// Size is the length of a message of Echo.
	Size int `json:"size,omitempty"`
	// Name and Text are the request of Transform.
	Name string `json:"name,omitempty"`
	Text []byte `json:"text,omitempty"`
	// Want is the poem that Poem must get. Without it, all must be like the first.
	Want *Fingerprint `json:"want,omitempty"`
	// Sources are the addresses to connect from, in turns. None: automatic.
	Sources []netip.Addr `json:"sources,omitempty"`
	// Interval is the time between reports; 0 is one second.
	Interval time.Duration `json:"interval,omitempty"`
	// Index and Of say which part of a load that several processes share this is;
	// Before is how many connections the parts before it have.
	Index  int `json:"index,omitempty"`
	Of     int `json:"of,omitempty"`
	Before int `json:"before,omitempty"`
}

// Fingerprint is what is kept of a poem to compare others with.
type Fingerprint struct {
	Bytes int    `json:"bytes"`
	CRC64 uint64 `json:"crc64"` // by ECMA's polynomial
}

// crcTable is made once; it never changes.
var crcTable = crc64.MakeTable(crc64.ECMA)

// FingerprintOf returns the fingerprint of a poem.
func FingerprintOf(poem []byte) *Fingerprint {
	return &Fingerprint{Bytes: len(poem), CRC64: crc64.Checksum(poem, crcTable)}
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	o.Depth = max(o.Depth, 1)
	o.Of = max(o.Of, 1)
	o.Conns = max(o.Conns, 1)
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	return o
}

// Split shares the load out among n processes.
func (o Options) Split(n int) []Options {
	parts := make([]Options, n)
	before := 0
	for i := range parts {
		p := o
		p.Index, p.Of, p.Before = i, n, before
		p.Conns = o.Conns / n
		if i < o.Conns%n {
			p.Conns++
		}
		before += p.Conns
		parts[i] = p
	}
	return parts
}
