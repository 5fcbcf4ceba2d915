package command_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/skein/command"
	"skein/bench/load"
)

// The processes of a load log as their parent does.
func TestChildLogsAsItsParent(t *testing.T) {
	for _, format := range []string{"console", "json"} {
		args := command.ChildArgs(format)
		if at := slices.Index(args, "--log-format"); at < 0 || args[at+1] != format {
			t.Errorf("a child of one that logs as %s is %q", format, args)
		}
	}
}

// On a terminal, a line of the log takes the place of the line of progress.
func TestProgressMakesWay(t *testing.T) {
	var b bytes.Buffer
	p := &load.Progress{Out: &b, Rewrite: true}
	log := command.MakingWay(zerolog.New(&b).Level(zerolog.InfoLevel), p)
	p.Write(load.NewTotal(load.Options{}, "", 1), time.Second)
	b.Reset()
	log.Debug().Msg("not written")
	if b.Len() > 0 {
		t.Errorf("for a line that is not written: %q", b.String())
	}
	log.Info().Msg("first")
	log.Info().Msg("second")
	const clear = "\r\x1b[K{"
	if got := b.String(); !bytes.HasPrefix(b.Bytes(), []byte(clear)) || bytes.Count(b.Bytes(), []byte("\x1b")) != 1 {
		t.Errorf("it is %q", got)
	}
}
