package transform

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/task"
)

// DefaultPause is how long a slow transformation takes.
const DefaultPause = time.Second

// Service transforms poems. It knows nothing of networks, and the poems are
// valid UTF-8: whoever calls it has seen to that.
//
// Twisted: TransformService of twisted-server-1/transformedpoetry.py.
type Service struct {
	// Clock runs the slow transformation; a reactor, or a fake clock. Only
	// Slowly needs it.
	Clock clock.Scheduler
	// Pause is how long Slowly takes; 0: [DefaultPause].
	Pause time.Duration
}

// Cummingsify writes a poem as e. e. cummings would: in lower case, by the full
// rules of Unicode. It may be longer than before.
//
// Twisted: TransformService.cummingsify.
func (s *Service) Cummingsify(poem string) string { return lower(poem) }

// Shout writes a poem in upper case, letter by letter.
func (s *Service) Shout(poem string) string { return strings.ToUpper(poem) }

// Reverse writes each line of a poem from its end to its beginning. Marks stay
// with the letter that they belong to.
func (s *Service) Reverse(poem string) string {
	lines := strings.Split(poem, "\n")
	for i, line := range lines {
		lines[i] = reverse(line)
	}
	return strings.Join(lines, "\n")
}

// reverse turns one line around.
func reverse(line string) string {
	letters := make([]string, 0, len(line))
	start := 0
	for i, r := range line {
		if i > 0 && !unicode.Is(unicode.M, r) {
			letters = append(letters, line[start:i])
			start = i
		}
	}
	letters = append(letters, line[start:])
	slices.Reverse(letters)
	return strings.Join(letters, "")
}

// Gobbledegook turns the inside of each word around: the first letter and the
// last stay, and the wrod can slitl be raed.
//
// Twisted: the engines of get-poetry 5.x, where it is a failure.
func (s *Service) Gobbledegook(poem string) string {
	letters := []rune(poem)
	for start := 0; start < len(letters); {
		end := start
		for end < len(letters) && unicode.IsLetter(letters[end]) {
			end++
		}
		if end-start > 3 {
			slices.Reverse(letters[start+1 : end-1])
		}
		start = end + 1 // what stands at the end is no letter
	}
	return string(letters)
}

// Slowly does what Cummingsify does, and takes its time. It returns a Deferred
// that fires with a string. Cancelling it stops the work.
func (s *Service) Slowly(poem string) *deferred.Deferred {
	pause := s.Pause
	if pause == 0 {
		pause = DefaultPause
	}
	return task.DeferLater(s.Clock, pause, func() (any, error) { return lower(poem), nil })
}
