package rows_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"skein/bench/internal/rows"
)

// TestOutside looks for free ports beside ranges that leave some or none.
func TestOutside(t *testing.T) {
	tests := []struct {
		name      string
		low, high int
		first     uint16 // of those that it may be; 0: the system's choice
		last      uint16
	}{
		{"below and above", 32768, 60999, 1024, 65535},
		{"below", 32768, 65535, 1024, 32767},
		{"above", 1, 60999, 61000, 65535},
		{"all of root's", 1, 1000, 1024, 65535},
		{"none", 1024, 65535, 0, 0},
		{"none at all", 0, 65535, 0, 0},
	}
	for _, test := range tests {
		for range 20 {
			got := netip.MustParseAddrPort(rows.Outside(test.low, test.high))
			in := int(got.Port()) >= test.low && int(got.Port()) <= test.high
			if got.Addr().String() != "127.0.0.1" || got.Port() < test.first || got.Port() > test.last || in && test.first > 0 {
				t.Errorf("%s: %v", test.name, got)
			}
		}
	}
}

// TestOutsideWhatIsTaken leaves the one port that somebody listens on.
func TestOutsideWhatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp4", rows.Outside(1025, 65534))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	switch port := l.Addr().(*net.TCPAddr).Port; port {
	case 1024:
		if got := rows.Outside(1025, 65535); got != "127.0.0.1:0" {
			t.Errorf("%s, where 1024 is taken", got)
		}
	case 65535:
		if got := rows.Outside(1024, 65534); got != "127.0.0.1:0" {
			t.Errorf("%s, where 65535 is taken", got)
		}
	default:
		t.Skipf("both are taken: port %d", port)
	}
}

// TestOriginArgs looks where the server of the poem is told to listen.
func TestOriginArgs(t *testing.T) {
	args := rows.OriginArgs()
	if len(args) != 5 || !slices.Equal(args[:4], []string{"poem", "-poem", "3072", "-addr"}) {
		t.Fatalf("the server of the poem is run with %q", args)
	}
	addr := netip.MustParseAddrPort(args[4])
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	var low, high uint16
	if _, scanned := fmt.Sscan(string(text), &low, &high); err != nil || scanned != nil {
		if addr.Port() != 0 {
			t.Errorf("%v, where the range is not known", addr)
		}
		return
	}
	if addr.Port() >= low && addr.Port() <= high {
		t.Errorf("%v is in the range of %d to %d", addr, low, high)
	}
}
