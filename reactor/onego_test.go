package reactor_test

import (
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skein/protocol"
	"skein/reactor"
)

// inTurns is a protocol that notes in which turn each of its calls came.
type inTurns struct {
	protocol.Base
	r     *reactor.Reactor
	made  func()
	calls []string
	turns []uint64
}

func (p *inTurns) note(call string) {
	p.calls = append(p.calls, call)
	p.turns = append(p.turns, p.r.Stats().Turns)
}

func (p *inTurns) ConnectionMade() {
	p.note("ConnectionMade")
	if p.made != nil {
		p.made()
	}
}

func (p *inTurns) DataReceived(data []byte) { p.note("DataReceived " + string(data)) }

func (p *inTurns) ConnectionLost(reason error) {
	p.note("ConnectionLost")
	if !errors.Is(reason, protocol.ErrConnectionDone) {
		p.note(reason.Error())
	}
	_ = p.r.Stop()
}

// inOneGo reports calls that are not these, or of which those from the first one on
// did not all come between two turns.
func (p *inTurns) inOneGo(t *testing.T, first int, calls ...string) {
	t.Helper()
	if !slices.Equal(p.calls, calls) {
		t.Fatalf("the calls were %q, want %q", p.calls, calls)
	}
	if turns := slices.Compact(p.turns[first:]); len(turns) != 1 {
		t.Errorf("the calls came in turns %d, want one", turns)
	}
}

// oneClient returns a reactor with a port, the protocol that serves there, and its one
// client.
func oneClient(t *testing.T) (*reactor.Reactor, *inTurns, net.Conn) {
	t.Helper()
	r, err := reactor.New(reactor.WithoutSignals())
	if err != nil {
		t.Fatal(err)
	}
	p := &inTurns{r: r}
	_, addr := listen(t, r, build(func() protocol.Protocol { return p }))
	peer, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return r, p, peer
}

// TestTheEndIsReadRightBehindTheLastBytes sends a client's last bytes and its end while
// the loop is busy: both are there when it looks.
func TestTheEndIsReadRightBehindTheLastBytes(t *testing.T) {
	r, p, peer := oneClient(t)
	p.made = func() {
		r.CallLater(0, func() { // it is watched now
			_, err := peer.Write([]byte("the last"))
			if err := errors.Join(err, peer.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	p.inOneGo(t, 1, "ConnectionMade", "DataReceived the last", "ConnectionLost")
}

// TestTheEndBehindUrgentData has urgent data cut the last bytes in two: what stands
// behind the first short read is not the end yet.
func TestTheEndBehindUrgentData(t *testing.T) {
	r, p, peer := oneClient(t)
	r.CallLater(10*time.Second, func() {
		t.Error("the end has not come")
		r.Crash()
	})
	p.made = func() {
		r.CallLater(0, func() {
			_, first := peer.Write([]byte("the "))
			raw, err := peer.(*net.TCPConn).SyscallConn()
			if err != nil {
				t.Error(err)
				return
			}
			failed := raw.Control(func(fd uintptr) { err = unix.Send(int(fd), []byte("!"), unix.MSG_OOB) })
			_, second := peer.Write([]byte("last"))
			if err := errors.Join(first, failed, err, second, peer.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	p.inOneGo(t, len(p.calls)-1, "ConnectionMade", "DataReceived the ", "DataReceived last", "ConnectionLost")
}

// TestWhatAQuickPeerHasSentComesWithTheConnection connects to one who has sent
// everything by the time the loop hears of the connection.
func TestWhatAQuickPeerHasSentComesWithTheConnection(t *testing.T) {
	r, err := reactor.New(reactor.WithoutSignals())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := &inTurns{r: r}
	r.ConnectTCP(ln.Addr().String(), &client{t: t, p: p})
	r.CallFromThread(func() { // behind the attempt's beginning, in the same turn
		peer, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		_, err = peer.Write([]byte("a poem"))
		if err := errors.Join(err, peer.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	p.inOneGo(t, 0, "ConnectionMade", "DataReceived a poem", "ConnectionLost")
}
