package systemd_test

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred/clock"
)

// The watchdog hears from the loop twice in its time, from the beginning to the
// end.
func TestWatch(t *testing.T) {
	m := manage(t, path(t))
	t.Setenv("WATCHDOG_USEC", "10000000")
	n, c := open(t), clock.NewFake()
	stop := n.Watch(c)
	m.wants("WATCHDOG=1")
	c.Advance(4900 * time.Millisecond)
	m.silent()
	c.Advance(100 * time.Millisecond)
	m.wants("WATCHDOG=1")
	c.Pump(5*time.Second, 5*time.Second)
	m.wants("WATCHDOG=1", "WATCHDOG=1")
	stop()
	c.Advance(time.Minute)
	m.silent()
	if c.Pending() != 0 {
		t.Errorf("%d timers are left", c.Pending())
	}
}

// The shortest watchdog there is does not keep the loop busy with itself.
func TestWatchOfAnImpatientWatchdog(t *testing.T) {
	m := manage(t, path(t))
	t.Setenv("WATCHDOG_USEC", "1")
	n, c := open(t), clock.NewFake()
	defer n.Watch(c)()
	m.wants("WATCHDOG=1")
	c.Advance(time.Millisecond - 1)
	m.silent()
}

// fill sends until systemd's socket takes no more, as one that systemd does not
// read, and returns how many messages it has.
func fill(t *testing.T, name string) int {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for n := 0; ; n++ {
		_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := conn.Write([]byte("X=1")); err != nil {
			return n
		}
	}
}

// A systemd that does not read holds up nobody, and gets in the end what is
// still true: not each state that there was.
func TestFullSocket(t *testing.T) {
	for _, watched := range []bool{true, false} {
		name := path(t)
		m := manage(t, name)
		n, c := open(t), clock.NewFake()
		if watched {
			defer n.Watch(c)()
		}
		full := fill(t, name)
		began := time.Now()
		for range 1000 {
			n.Ready()
			n.Reloading()
			n.Status("one")
			n.Alive()
			n.Status("two")
			n.MainPID(7)
			n.Ready()
			c.Advance(time.Second)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v to tell nobody", took)
		}
		for range full {
			m.wants("X=1")
		}
		m.silent()
		if watched {
			c.Advance(time.Second)
		} else {
			n.Status("two") // the next message has all that was not sent
		}
		got := m.next()
		for _, want := range []string{"READY=1", "STATUS=two", "MAINPID=7", "WATCHDOG=1"} {
			if strings.Count(" "+got+" ", " "+want+" ") != 1 {
				t.Errorf("%q has not one %s", got, want)
			}
		}
		if strings.Contains(got, "RELOADING") || strings.Contains(got, "one") {
			t.Errorf("%q is partly old", got)
		}
		m.silent()
	}
}

// When systemd's socket is gone the log hears it once, and when there is a new
// one it is found.
func TestSocketThatIsOpenedAnew(t *testing.T) {
	name := path(t)
	m := manage(t, name)
	n, c := open(t), clock.NewFake()
	var log bytes.Buffer
	n.Log = zerolog.New(&log)
	defer n.Watch(c)()
	for range 2 {
		_ = m.Close()
		_ = os.Remove(name)
		log.Reset()
		n.Ready()
		n.Status("alone")
		c.Advance(10 * time.Second)
		if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "trying again") {
			t.Errorf("the log has %d lines:\n%s", got, log.String())
		}
		m = manage(t, name)
		c.Advance(10 * time.Second)
		m.wants("READY=1 STATUS=alone")
		n.Stopping()
		m.wants("STOPPING=1")
	}
}
