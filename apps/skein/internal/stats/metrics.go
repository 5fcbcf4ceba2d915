package stats

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// metrics returns the text that Prometheus reads, version 0.0.4.
func (s *Site) metrics() []byte {
	var b bytes.Buffer
	snaps := s.gather()
	family(&b, "skein_info", "What runs, as the label name.")
	for i := range snaps {
		fmt.Fprintf(&b, "skein_info%s 1\n", labels(snaps, i, "name", snaps[i].Name))
	}
	for _, g := range groups(s.Clock.Now()) {
		for _, m := range g.measures {
			if !slices.ContainsFunc(snaps, m.known) {
				continue
			}
			family(&b, m.name, m.help)
			for i := range snaps {
				if m.known(snaps[i]) {
					fmt.Fprintf(&b, "%s%s %s\n", m.name, labels(snaps, i), strconv.FormatFloat(m.value(&snaps[i]), 'f', -1, 64))
				}
			}
		}
	}
	return b.Bytes()
}

// known reports whether the system has told the number.
func (m *measure) known(s Snapshot) bool { return !m.maybe || m.value(&s) != 0 }

// family writes what precedes the values of a name.
func family(b *bytes.Buffer, name, help string) {
	kind := "gauge"
	if strings.HasSuffix(name, "_total") {
		kind = "counter"
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, escapeHelp(help), name, kind)
}

// labels returns the labels of one snapshot's values: the worker's, where there
// are several or will be, and those that are given as names and values.
func labels(snaps []Snapshot, i int, more ...string) string {
	var pairs []string
	if len(snaps) > 1 || snaps[i].Worker != 0 {
		pairs = append(pairs, `worker="`+snaps[i].worker()+`"`)
	}
	for j := 0; j+1 < len(more); j += 2 {
		pairs = append(pairs, more[j]+`="`+escapeLabel(more[j+1])+`"`)
	}
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// worker names a process among several.
func (s *Snapshot) worker() string {
	if s.Worker == 0 {
		return "supervisor"
	}
	return strconv.Itoa(s.Worker)
}

// The format's escapes.
var (
	inLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	inHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

// escapeLabel escapes a label's value; it has to be UTF-8.
func escapeLabel(value string) string {
	return inLabel.Replace(strings.ToValidUTF8(value, "\uFFFD"))
}

// escapeHelp escapes a help text.
func escapeHelp(text string) string { return inHelp.Replace(text) }
