package policies_test

import (
	"testing"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// receiver stands for a receiver of another package: it embeds Base, so the
// mixin's ConnectionLost wins.
type receiver struct{ protocol.Base }

// session is a protocol with a timeout of its own.
type session struct {
	receiver
	policies.TimeoutMixin
	clock *clock.Fake
}

func (s *session) ConnectionMade() { s.BindTimeout(s.clock, s.Transport, s) }

func (s *session) DataReceived([]byte) { s.ResetTimeout() }

// newSession returns a connected session.
func newSession() (*clock.Fake, *session, *protocoltest.StringTransport) {
	c, tr := clock.NewFake(), protocoltest.NewStringTransport()
	s := &session{clock: c}
	connect(s, tr)
	return c, s, tr
}

func TestSetTimeoutReturnsThePrevious(t *testing.T) {
	c, s, _ := newSession()
	want(t, "before the first", s.SetTimeout(time.Second), 0)
	want(t, "before the second", s.SetTimeout(time.Minute), time.Second)
	want(t, "before the end", s.SetTimeout(0), time.Minute)
	want(t, "after the end", s.SetTimeout(0), 0)
	want(t, "calls that wait", c.Pending(), 0)
}

func TestTimeoutMixin(t *testing.T) {
	cases := []struct {
		name    string
		live    func(c *clock.Fake, s *session)
		expired bool
	}{
		{"it comes", func(c *clock.Fake, s *session) { s.SetTimeout(time.Second); c.Advance(time.Second) }, true},
		{"not early", func(c *clock.Fake, s *session) { s.SetTimeout(time.Second); c.Advance(time.Second - 1) }, false},
		{"a reset puts it off", func(c *clock.Fake, s *session) {
			s.SetTimeout(time.Second)
			for range 5 {
				c.Advance(time.Second - 1)
				s.DataReceived([]byte("x"))
			}
		}, false},
		{"0 ends it", func(c *clock.Fake, s *session) { s.SetTimeout(time.Second); s.SetTimeout(0); c.Advance(time.Hour) }, false},
		{"a reset without one does nothing", func(c *clock.Fake, s *session) { s.ResetTimeout(); c.Advance(time.Hour) }, false},
		{"the end of the connection ends it", func(c *clock.Fake, s *session) {
			s.SetTimeout(time.Second)
			s.ConnectionLost(protocol.ErrConnectionDone)
			c.Advance(time.Hour)
		}, false},
		{"after the end none is set", func(c *clock.Fake, s *session) {
			s.ConnectionLost(protocol.ErrConnectionDone)
			s.SetTimeout(time.Second)
			c.Advance(time.Hour)
		}, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, s, tr := newSession()
			tc.live(c, s)
			want(t, "closed", tr.Disconnecting(), tc.expired)
			if tc.expired {
				expectTimeout(t, tr.Cause(), policies.IdleTimeout, time.Second)
			}
			s.ConnectionLost(protocol.ErrConnectionDone)
			want(t, "calls that wait after the end", c.Pending(), 0)
		})
	}
}

func TestTheMixinAbortsAfterTheGrace(t *testing.T) {
	c, s, tr := newSession()
	s.TimeoutGrace = 3 * time.Second
	s.SetTimeout(time.Second)
	c.Advance(time.Second)
	s.ResetTimeout() // too late
	c.Advance(3*time.Second - 1)
	want(t, "aborted within the grace", tr.Aborted(), false)
	c.Advance(1)
	want(t, "aborted after it", tr.Aborted(), true)
	want(t, "calls that wait", c.Pending(), 0)
}

func TestATimeoutDoesNotDisturbAClose(t *testing.T) {
	c, s, tr := newSession()
	s.SetTimeout(time.Second)
	tr.LoseConnection()
	c.Advance(time.Hour)
	want(t, "aborted", tr.Aborted(), false)
	want(t, "the cause", tr.Cause(), nil)
}

// patient is a session that asks before it hangs up.
type patient struct {
	session
	causes []error
}

func (p *patient) ConnectionMade() { p.BindTimeout(p.clock, p.Transport, p) }

func (p *patient) TimeoutConnection(cause error) { p.causes = append(p.causes, cause) }

func TestTheHookReplacesTheClose(t *testing.T) {
	c, tr := clock.NewFake(), protocoltest.NewStringTransport()
	p := &patient{session: session{clock: c}}
	connect(p, tr)
	p.SetTimeout(time.Second)
	c.Advance(time.Second)
	want(t, "calls of the hook", len(p.causes), 1)
	expectTimeout(t, p.causes[0], policies.IdleTimeout, time.Second)
	want(t, "closed", tr.Disconnecting(), false)
	want(t, "calls that wait", c.Pending(), 0)
}

func TestSetTimeoutBeforeBinding(t *testing.T) {
	var s session
	want(t, "the panic", expectPanic(t, func() { s.SetTimeout(time.Second) }), any(policies.ErrNotBound))
}
