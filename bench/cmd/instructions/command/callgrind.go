package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// instructions reads a file that callgrind has written, and returns how many
// instructions were run in all. That is said in its last line, so that a file
// that is cut short is an error.
func instructions(file io.Reader) (int64, error) {
	counts := false
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadString('\n')
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch fields := strings.Fields(value); {
		case key == "events" && len(fields) > 0:
			if fields[0] != "Ir" { // others may follow, if the user's settings ask for them
				return 0, fmt.Errorf("callgrind counted %s, and not instructions (Ir) first: are there options in VALGRIND_OPTS or .valgrindrc?", value)
			}
			counts = true
		case key == "totals" && len(fields) > 0 && counts:
			n, err := strconv.ParseInt(fields[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("callgrind's total: %w", err)
			}
			return n, nil
		}
		if errors.Is(err, io.EOF) {
			return 0, errors.New("callgrind's file has no total: it is none, or it is cut short")
		}
		if err != nil {
			return 0, err
		}
	}
}
