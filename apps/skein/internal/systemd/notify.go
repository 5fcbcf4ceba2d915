package systemd

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"skein/deferred/clock"
)

// The variables by which systemd says where it listens and what it expects.
const (
	socketVariable      = "NOTIFY_SOCKET"
	watchdogVariable    = "WATCHDOG_USEC"
	watchdogPIDVariable = "WATCHDOG_PID"
)

// ErrVariable is the error of a variable whose value systemd cannot have set.
var ErrVariable = errors.New("an environment variable makes no sense")

// Notifier tells systemd how this process is. A nil one, which is what there is
// where nobody asks, does nothing, so that callers need no ifs.
//
// Nothing here waits. What systemd's socket does not take at once is kept, the
// newest of each kind, and goes with the next message or, while [Notifier.Watch]
// runs, a moment later.
//
// Twisted: has none; see sd_notify(3).
type Notifier struct {
	// Log hears of messages that cannot be sent. The zero value is silent.
	Log zerolog.Logger

	addr     string
	interval time.Duration
	fd       int // a connected datagram socket; -1: none

	unsent []line
	told   bool // the log knows that messages cannot be sent

	clock clock.Scheduler    // while Watch runs
	retry *clock.DelayedCall // sends what is unsent; nil if not set
}

// line is one assignment of a message.
type line struct {
	kind  kind
	key   string
	value string
}

// kind says which lines replace each other as long as they have not been sent.
type kind uint8

const (
	state kind = iota // READY, RELOADING, STOPPING: only the last one is true
	status
	mainPID
	alive
)

// Open returns the notifier for the socket that NOTIFY_SOCKET names, or nil
// without one. It takes the variables out of the environment, so that no child
// speaks for this process by mistake; a successor gets them by
// [Notifier.Environ].
//
// It is for the start, before chroot and before privileges are given up: its
// socket then serves to the end. An error is an [ErrVariable] or that of the
// socket; nobody hears of the process then, which may run all the same.
func Open() (*Notifier, error) {
	addr := take(socketVariable)
	usec, pid := take(watchdogVariable), take(watchdogPIDVariable)
	if addr == "" {
		return nil, nil
	}
	interval, err := watchdog(usec, pid)
	if err != nil {
		return nil, err
	}
	n := &Notifier{addr: addr, interval: interval, fd: -1}
	if err := n.connect(); err != nil {
		return nil, fmt.Errorf("systemd: %s=%q: %w", socketVariable, addr, err)
	}
	return n, nil
}

// Ready says that the process serves, or that a reload is over.
func (n *Notifier) Ready() { n.send(line{state, "READY", "1"}) }

// Reloading says that a reload begins. Ready follows.
func (n *Notifier) Reloading() { n.send(line{state, "RELOADING", "1"}) }

// Stopping says that the end has begun.
func (n *Notifier) Stopping() { n.send(line{state, "STOPPING", "1"}) }

// Status says in a few words, for people, what the process is doing. It becomes
// one line.
func (n *Notifier) Status(text string) { n.send(line{status, "STATUS", oneLine(text)}) }

// MainPID says that from now on another process is the service.
func (n *Notifier) MainPID(pid int) { n.send(line{mainPID, "MAINPID", strconv.Itoa(pid)}) }

// Alive is the sign of life that [Notifier.Watch] gives. Without one for
// [Notifier.Watchdog], systemd restarts the service.
func (n *Notifier) Alive() { n.send(line{alive, "WATCHDOG", "1"}) }

// Watchdog returns how long systemd waits for a sign of life; 0: it does not.
func (n *Notifier) Watchdog() time.Duration {
	if n == nil {
		return 0
	}
	return n.interval
}

// Environ returns the variables that make a successor find the same socket and
// the same watchdog. WATCHDOG_PID is left out: its number is not known yet, and
// without one the watchdog is whoever's that reads it.
func (n *Notifier) Environ() []string {
	if n == nil {
		return nil
	}
	env := []string{socketVariable + "=" + n.addr}
	if n.interval > 0 {
		env = append(env, watchdogVariable+"="+strconv.FormatInt(n.interval.Microseconds(), 10))
	}
	return env
}

// take returns a variable's value and removes the variable.
func take(name string) string {
	value := os.Getenv(name)
	_ = os.Unsetenv(name) // it fails for a name that cannot be one
	return value
}

// watchdog returns how often systemd wants a sign of life; 0: never, or from
// another process.
func watchdog(usec, pid string) (time.Duration, error) {
	if usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/int64(time.Microsecond) {
		return 0, fmt.Errorf("systemd: %w: %s=%q is no number of microseconds", ErrVariable, watchdogVariable, usec)
	}
	return time.Duration(n) * time.Microsecond, nil
}

// maxStatus bounds a status, in bytes.
const maxStatus = 500

// oneLine makes one line of text, since a line more would be another message,
// and valid UTF-8, which systemd asks for.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }), " ")
	if len(text) > maxStatus {
		cut := maxStatus
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return strings.ToValidUTF8(text, "?")
}
