package poetry_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"skein/apps/poetry"
	"skein/protocol"
	"skein/protocol/protocoltest"
)

var testPoem = poetry.Poem{Title: "test.txt", Text: []byte("twenty-six bytes of poetry")}

func TestFastServerSendsThePoemAndCloses(t *testing.T) {
	f := &poetry.Factory{Poem: testPoem}
	client := &protocoltest.Recorder{}
	protocoltest.NewPair(client, f.BuildProtocol(nil)).Pump()
	want := []string{
		"MakeConnection", "ConnectionMade",
		`DataReceived("twenty-six bytes of poetry")`,
		"ConnectionLost(connection was closed cleanly)",
	}
	if got := client.Calls(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the client saw %q, want %q", got, want)
	}
}

func TestFastServerSharesThePoem(t *testing.T) {
	f := &poetry.Factory{Poem: testPoem}
	tr := &copyCounter{StringTransport: protocoltest.StringTransport{TB: t}}
	p := f.BuildProtocol(nil)
	p.MakeConnection(tr)
	p.ConnectionMade()
	if tr.copied != 0 || string(tr.Value()) != string(testPoem.Text) {
		t.Errorf("%d bytes were copied, and %q was sent", tr.copied, tr.Value())
	}
	if !tr.Disconnecting() {
		t.Error("the connection was left open")
	}
}

// copyCounter counts the bytes that are written by copying.
type copyCounter struct {
	protocoltest.StringTransport
	copied int
}

func (c *copyCounter) Write(p []byte) (int, error) {
	c.copied += len(p)
	return c.StringTransport.Write(p)
}

func TestServersIgnoreInput(t *testing.T) {
	for name, p := range map[string]protocol.Protocol{
		"fast": (&poetry.Factory{Poem: testPoem}).BuildProtocol(nil),
		"slow": slowFactory(nil).BuildProtocol(nil),
	} {
		t.Run(name, func(t *testing.T) {
			tr := &protocoltest.StringTransport{TB: t}
			p.MakeConnection(tr)
			p.DataReceived([]byte("GET / HTTP/1.0\r\n\r\n"))
			if got := tr.Value(); len(got) > 0 || tr.Disconnecting() {
				t.Errorf("it answered %q", got)
			}
		})
	}
}

func TestServersLogEachClient(t *testing.T) {
	reset := protocol.CloseReason(protocol.ErrConnectionLost, syscall.ECONNRESET)
	tests := []struct {
		name   string
		reason error
		want   string
	}{
		{
			"whole", protocol.ErrConnectionDone,
			`{"level":"info","poem":"test.txt","bytes":26,"peer":"192.168.1.1:54321","message":"Served a poem."}`,
		},
		{
			"cut", reset,
			`{"level":"warn","poem":"test.txt","peer":"192.168.1.1:54321","reason":"` + reset.Error() +
				`","message":"A client did not get the whole poem."}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fastLog, fastLines := logTo()
			slowLog, slowLines := logTo()
			slow := slowFactory(nil)
			slow.Log = slowLog
			for _, p := range []protocol.Protocol{
				(&poetry.Factory{Poem: testPoem, Log: fastLog}).BuildProtocol(nil),
				slow.BuildProtocol(nil),
			} {
				p.MakeConnection(&protocoltest.StringTransport{TB: t})
				p.ConnectionLost(test.reason)
			}
			for name, got := range map[string]string{"fast": fastLines.String(), "slow": slowLines.String()} {
				if strings.TrimSpace(got) != test.want {
					t.Errorf("the %s server logged %s, want %s", name, got, test.want)
				}
			}
		})
	}
}
