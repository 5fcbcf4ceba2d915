package policies_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// logFile is a log in memory; failing makes its writes and its Close fail.
type logFile struct {
	strings.Builder
	closed  int
	failing error
}

func (f *logFile) Write(p []byte) (int, error) {
	if f.failing != nil {
		return 0, f.failing
	}
	return f.Builder.Write(p)
}

func (f *logFile) Close() error { f.closed++; return f.failing }

// talk has a short conversation behind the log.
func talk(t *testing.T, l *policies.TrafficLog) {
	t.Helper()
	server := &protocoltest.HalfRecorder{}
	server.OnData = func([]byte) {
		tr := server.Transport
		_, _ = tr.Write([]byte("one"))
		_, _ = tr.Write(nil)
		_ = tr.WriteSequence([][]byte{[]byte("two"), []byte("\n")})
		_ = tr.WriteShared([]byte("four"))
	}
	server.OnReadLost = func() {
		server.Transport.LoseConnection()
		_, _ = server.Transport.Write([]byte("too late"))
		_ = server.Transport.WriteSequence([][]byte{[]byte("too late")})
		_ = server.Transport.WriteShared([]byte("too late"))
	}
	client := &protocoltest.HalfRecorder{}
	client.OnMade = func() { _, _ = client.Transport.Write([]byte("hi")); client.Transport.LoseWriteConnection() }
	l.Factory = build(server)
	protocoltest.NewPair(client, l.BuildProtocol(addr)).Pump()
	want(t, "what the client got", string(client.Received()), "onetwo\nfour")
	expectSound(t, "the server", &server.Recorder)
}

const talkLog = `1 + 192.0.2.1:1234
1 < "hi"
1 > "one"
1 > "two"
1 > "\n"
1 > "four"
1 < end
1 - connection was closed cleanly
`

func TestTrafficLog(t *testing.T) {
	var all logFile
	var own []*logFile
	var events []string
	l := &policies.TrafficLog{
		Writer: &all,
		Open: func(n int, peer net.Addr) (io.WriteCloser, error) {
			want(t, "the connection's number", n, len(own)+1)
			want(t, "the peer", peer, addr)
			own = append(own, &logFile{})
			return own[n-1], nil
		},
		Func:   func(e policies.Traffic) { events = append(events, e.String()) },
		Failed: func(n int, err error) { t.Errorf("connection %d: %v", n, err) },
	}
	talk(t, l)
	want(t, "the log of all", all.String(), talkLog)
	want(t, "the connection's log", own[0].String(), talkLog)
	want(t, "what the function got", strings.Join(events, "\n")+"\n", talkLog)
	talk(t, l)
	want(t, "the second's log", own[1].String(), strings.ReplaceAll(talkLog, "1 ", "2 "))
	want(t, "closings of the log of all", all.closed, 0)
	for i, f := range own {
		if f.closed != 1 {
			t.Errorf("log %d was closed %d times", i+1, f.closed)
		}
	}
}

func TestALogThatFailsDoesNotHurtTheConnection(t *testing.T) {
	full := errors.New("disk full")
	cases := []struct {
		name string
		log  policies.TrafficLog
	}{
		{"Open fails", policies.TrafficLog{Open: func(int, net.Addr) (io.WriteCloser, error) { return nil, full }}},
		{"its writes fail", policies.TrafficLog{Open: func(int, net.Addr) (io.WriteCloser, error) { return &logFile{failing: full}, nil }}},
		{"the writer of all fails", policies.TrafficLog{Writer: &logFile{failing: full}}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var told []error
			var lines int
			tc.log.Func = func(policies.Traffic) { lines++ }
			tc.log.Failed = func(_ int, err error) { told = append(told, err) }
			talk(t, &tc.log)
			want(t, "errors told", len(told), 1)
			want(t, "the error", told[0], full)
			want(t, "what the function got", lines, strings.Count(talkLog, "\n"))
			tc.log.Failed = nil // nobody to tell, and no panic
			talk(t, &tc.log)
		})
	}
}

func TestOneLogFailsTheOtherGoesOn(t *testing.T) {
	own := &logFile{}
	talk(t, &policies.TrafficLog{
		Writer: &logFile{failing: errors.New("disk full")},
		Open:   func(int, net.Addr) (io.WriteCloser, error) { return own, nil },
	})
	want(t, "the connection's log", own.String(), talkLog)
	want(t, "closings", own.closed, 1)
}

func TestALogIsClosedEvenIfTheProtocolPanics(t *testing.T) {
	own := &logFile{}
	l := &policies.TrafficLog{Factory: build(&angry{}), Open: func(int, net.Addr) (io.WriteCloser, error) { return own, nil }}
	p := accept(l, addr)
	expectPanic(t, func() { p.ConnectionLost(protocol.ErrConnectionDone) })
	want(t, "closings", own.closed, 1)
}

func TestARefusalOpensNoLog(t *testing.T) {
	opened := 0
	l := &policies.TrafficLog{Factory: refuse, Open: func(int, net.Addr) (io.WriteCloser, error) { opened++; return &logFile{}, nil }}
	accept(l, addr)
	want(t, "logs", opened, 0)
}
