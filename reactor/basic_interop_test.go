package reactor_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/basic"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// talk is what a handler of the interop tests does, whatever its receiver: the
// same as the acts of basic_peer.py.
type talk struct {
	say  []int  // the lengths of the strings to send at once
	raw  []byte // bytes to send
	echo bool   // send each string back

	got  bytes.Buffer // the strings that came, as netstrings
	due  int          // how many of them will come
	lost *deferred.Deferred
}

// talkString returns the string of n bytes; no two bytes of it are a line's end.
func talkString(n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = byte((i*31 + n) % 251)
	}
	return s
}

// talkStrings returns what got must be after strings of these lengths.
func talkStrings(lengths ...int) []byte {
	var all bytes.Buffer
	for _, n := range lengths {
		fmt.Fprintf(&all, "%d:%s,", n, talkString(n))
	}
	return all.Bytes()
}

// begin is called by the handler's ConnectionMade.
func (k *talk) begin(tr protocol.Transport, send func([]byte) error) {
	k.due = len(k.say)
	for _, n := range k.say {
		_ = send(talkString(n))
	}
	_, _ = tr.Write(k.raw)
}

// took is called by the handler with a string.
func (k *talk) took(s []byte, tr protocol.Transport, send func([]byte) error) {
	fmt.Fprintf(&k.got, "%d:%s,", len(s), s)
	if k.echo {
		_ = send(s)
	} else if k.due--; k.due == 0 {
		tr.LoseConnection()
	}
}

// ConnectionLost makes every handler that embeds a talk a basic.LostHandler.
func (k *talk) ConnectionLost(reason error) { k.lost.Callback(reason) }

// The handlers, one for each receiver.
type (
	netstringTalk struct {
		basic.NetstringReceiver
		*talk
	}
	lineTalk struct {
		basic.LineReceiver
		*talk
	}
	int32Talk struct {
		basic.Int32StringReceiver
		*talk
	}
)

func (h *netstringTalk) ConnectionMade()         { h.begin(h.Transport, h.SendString) }
func (h *netstringTalk) StringReceived(s []byte) { h.took(s, h.Transport, h.SendString) }
func (h *lineTalk) ConnectionMade()              { h.begin(h.Transport, h.SendLine) }
func (h *lineTalk) LineReceived(line []byte)     { h.took(line, h.Transport, h.SendLine) }
func (h *int32Talk) ConnectionMade()             { h.begin(h.Transport, h.SendString) }
func (h *int32Talk) StringReceived(s []byte)     { h.took(s, h.Transport, h.SendString) }

// talkCase is a conversation between a client that speaks and a server that
// echoes.
type talkCase struct {
	name     string
	receiver string
	handler  func(*talk) protocol.Protocol

	say    []int  // what the client sends,
	raw    []byte // or these bytes
	got    []byte // what the server gets of it
	refuse error  // why the server closes, where it does
}

// act returns the client's part as basic_peer.py has it.
func (tc *talkCase) act() string {
	if tc.raw != nil {
		return "raw=" + hex.EncodeToString(tc.raw)
	}
	return "say=" + strings.Trim(strings.ReplaceAll(fmt.Sprint(tc.say), " ", ","), "[]")
}

// talkCases returns the conversations: at the limits, over them, and malformed.
func talkCases() (cases []talkCase) {
	for _, r := range []struct {
		name      string
		handler   func(*talk) protocol.Protocol
		limit     int
		malformed []byte
		refuse    error
	}{
		{"netstring", func(k *talk) protocol.Protocol { return basic.BindString(&netstringTalk{talk: k}) },
			basic.DefaultMaxString, []byte("1:\x01,5:hello."), basic.ErrMalformed},
		{"line", func(k *talk) protocol.Protocol { return basic.BindLine(&lineTalk{talk: k}) },
			basic.DefaultMaxLine, []byte("\x01\r\n" + strings.Repeat("x", basic.DefaultMaxLine+2)), basic.ErrTooLong},
		{"int32", func(k *talk) protocol.Protocol { return basic.BindString(&int32Talk{talk: k}) },
			basic.DefaultMaxString, []byte("\x00\x00\x00\x01\x01\xff\xff\xff\xffx"), basic.ErrTooLong},
	} {
		sizes := []int{0, 1, r.limit - 1, r.limit}
		cases = append(cases,
			talkCase{r.name + ", up to the limit", r.name, r.handler, sizes, nil, talkStrings(sizes...), nil},
			talkCase{r.name + ", over the limit", r.name, r.handler,
				[]int{1, r.limit + 1, 1}, nil, talkStrings(1), basic.ErrTooLong},
			talkCase{r.name + ", malformed", r.name, r.handler, nil, r.malformed, talkStrings(1), r.refuse},
		)
	}
	return cases
}

// TestBasicTwistedClient lets Twisted's receivers talk to servers of ours. What
// was answered before a close arrives in each case, and each close is clean.
func TestBasicTwistedClient(t *testing.T) {
	needTwisted(t)
	for _, tc := range talkCases() {
		t.Run(tc.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				server := &talk{echo: true, lost: deferred.New()}
				port, addr := listen(t, r, build(func() protocol.Protocol { return tc.handler(server) }))
				_, number, _ := net.SplitHostPort(addr)
				ran := r.DeferToThread(func() (any, error) {
					client := twisted(t, "basic_peer.py", tc.receiver, "client", number, tc.act())
					got, err := client.cmd.Output()
					if err != nil {
						return nil, client.explain(err)
					}
					return nil, errors.Join(
						wantBytes(got, tc.got),
						want("Twisted's reason", strings.TrimSpace(client.stderr.String()), "ConnectionDone"))
				})
				deferred.Then(server.lost, func(reason error) (any, error) {
					if !errors.Is(reason, protocol.ErrConnectionDone) || tc.refuse != nil && !errors.Is(reason, tc.refuse) {
						return nil, fmt.Errorf("our reason is %w", reason)
					}
					return nil, wantBytes(server.got.Bytes(), tc.got)
				})
				return closing(port, deferred.GatherResults([]*deferred.Deferred{ran, server.lost}))
			})
		})
	}
}

// TestBasicTwistedServer lets receivers of ours talk to Twisted's servers. A
// Twisted that closes with input unread resets the connection, so there our end
// may be unclean, and the answers lost.
func TestBasicTwistedServer(t *testing.T) {
	needTwisted(t)
	for _, tc := range talkCases() {
		t.Run(tc.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				server := twisted(t, "basic_peer.py", tc.receiver, "server", "echo")
				return deferred.ThenDeferred(r.DeferToThread(server.start), func(port string) *deferred.Deferred {
					ours := &talk{say: tc.say, raw: tc.raw, lost: deferred.New()}
					r.ConnectTCP("127.0.0.1:"+port, &client{t: t, p: tc.handler(ours)})
					deferred.Then(ours.lost, func(reason error) (any, error) {
						if tc.refuse != nil {
							return nil, nil
						}
						return nil, errors.Join(
							want("a clean end", errors.Is(reason, protocol.ErrConnectionDone), true),
							wantBytes(ours.got.Bytes(), tc.got))
					})
					ended := r.DeferToThread(server.end)
					deferred.Then(ended, func(got string) (any, error) { return nil, wantBytes([]byte(got), tc.got) })
					return deferred.GatherResults([]*deferred.Deferred{ours.lost, ended})
				})
			})
		})
	}
}
