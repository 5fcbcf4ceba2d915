package producers_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"pgregory.net/rapid"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
	"skein/protocol"
	"skein/protocol/producers"
	"skein/protocol/protocoltest"
)

// errDisk is what a source fails with.
var errDisk = errors.New("the disk is on fire")

// pieces returns a source of these pieces.
func pieces(all ...string) func() ([]byte, error) {
	return func() ([]byte, error) {
		if len(all) == 0 {
			return nil, io.EOF
		}
		p := all[0]
		all = all[1:]
		return []byte(p), nil
	}
}

// ways are the two ways to send what a source returns. Both are to behave the
// same, but for when they ask.
var ways = map[string]func(t protocol.Transport, c *clock.Fake, next func() ([]byte, error)) *deferred.Deferred{
	"Pull": func(t protocol.Transport, _ *clock.Fake, next func() ([]byte, error)) *deferred.Deferred {
		return producers.Pull(t, next)
	},
	"Push": func(t protocol.Transport, c *clock.Fake, next func() ([]byte, error)) *deferred.Deferred {
		return producers.Push(t, c, next)
	},
}

// run lets both the pair and the clock do what there is to do.
func run(pair *protocoltest.Pair, c *clock.Fake) {
	for pair.Pump() > 0 || c.Pending() > 0 {
		c.Advance(0)
	}
}

func TestSending(t *testing.T) {
	cases := []struct {
		name  string
		first []string // the pieces, and then
		last  string   // one more, with
		end   error
		want  string
	}{
		{"some pieces", []string{"one", "two", "three"}, "", io.EOF, "onetwothree"},
		{"none", nil, "", io.EOF, ""},
		{"an empty one in between", []string{"one", "", "", "two"}, "", io.EOF, "onetwo"},
		{"the last one with the end", []string{"one"}, "last", io.EOF, "onelast"},
		{"an error", nil, "", errDisk, ""},
		{"a piece with an error", []string{"one"}, "part", errDisk, "onepart"},
	}
	for way, send := range ways {
		for _, tc := range cases {
			t.Run(way+" "+tc.name, func(t *testing.T) {
				from, to, pair := connected()
				c := clock.NewFake()
				next := pieces(tc.first...)
				d := send(from.Transport, c, func() ([]byte, error) {
					if p, err := next(); err == nil {
						return p, nil
					}
					return []byte(tc.last), tc.end
				})
				deferredtest.NoResult(t, d)
				want(t, "sent before the callback returned", pair.Client.Buffered(), 0)
				run(pair, c)
				want(t, "what came", string(to.Received()), tc.want)
				if tc.end == io.EOF {
					want(t, "the result", deferredtest.ResultOf[int64](t, d), int64(len(tc.want)))
				} else {
					expectSendError(t, deferredtest.ErrorResultOf(t, d), int64(len(tc.want)), tc.end)
				}
				if err := from.Transport.RegisterProducer(producers.Funcs{}, true); err != nil {
					t.Errorf("the transport is not free again: %v", err)
				}
				want(t, "open", from.Lost() || from.Transport.Disconnecting(), false)
			})
		}
	}
}

func TestSendingThatEndsEarly(t *testing.T) {
	endless := func() ([]byte, error) { return []byte("more "), nil }
	cases := []struct {
		name    string
		end     func(d *deferred.Deferred, pair *protocoltest.Pair)
		targets []error
		open    bool
	}{
		{"cancelled", func(d *deferred.Deferred, _ *protocoltest.Pair) { d.Cancel() }, []error{deferred.ErrCancelled}, true},
		{"reset by the peer", func(_ *deferred.Deferred, p *protocoltest.Pair) { p.Server.AbortConnection() }, []error{net.ErrClosed}, false},
		{"aborted", func(_ *deferred.Deferred, p *protocoltest.Pair) { p.Client.AbortConnection() }, []error{net.ErrClosed}, false},
	}
	for way, send := range ways {
		for _, tc := range cases {
			t.Run(way+" "+tc.name, func(t *testing.T) {
				from, to, pair := connected()
				c := clock.NewFake()
				d := send(from.Transport, c, endless)
				for len(to.Received()) < 10 {
					pair.Step()
					c.Advance(0)
				}
				deferredtest.NoResult(t, d)
				tc.end(d, pair)
				run(pair, c)
				var e *producers.SendError
				err := deferredtest.ErrorResultOf(t, d)
				expectErr(t, "the error", err, tc.targets...)
				want(t, "it tells how far it came", errors.As(err, &e) && e.Sent >= 10 && e.Sent%5 == 0, true)
				want(t, "open", !from.Lost(), tc.open)
				if tc.open {
					want(t, "the transport is free again", from.Transport.RegisterProducer(producers.Funcs{}, true), nil)
				}
			})
		}
	}
}

func TestSendingToOneThatIsBusyOrOver(t *testing.T) {
	for way, send := range ways {
		t.Run(way, func(t *testing.T) {
			from, to, pair := connected()
			c := clock.NewFake()
			_ = from.Transport.RegisterProducer(producers.Funcs{}, true)
			expectSendError(t, deferredtest.ErrorResultOf(t, send(from.Transport, c, pieces("x"))), 0, protocol.ErrProducerRegistered)
			from.Transport.UnregisterProducer()
			from.Transport.LoseConnection()
			expectSendError(t, deferredtest.ErrorResultOf(t, send(from.Transport, c, pieces("x"))), 0, net.ErrClosed)
			run(pair, c)
			want(t, "what came", string(to.Received()), "")
			func() {
				defer func() { want(t, "the panic", recover(), any(deferred.ErrNilFunc)) }()
				send(from.Transport, c, nil)
			}()
		})
	}
}

func TestATransportThatStopsItsProducerWithoutAWord(t *testing.T) {
	tr := protocoltest.NewStringTransport()
	d := producers.Pull(tr, pieces("x"))
	p, _ := tr.Producer()
	p.ResumeProducing()
	p.StopProducing()
	p.StopProducing() // once is enough
	expectSendError(t, deferredtest.ErrorResultOf(t, d), 1, producers.ErrStopped, net.ErrClosed, protocol.ErrConnectionLost)
}

func TestPullAsksOnlyWhenAllIsSent(t *testing.T) {
	from, _, pair := connected()
	asked := 0
	d := producers.Pull(from.Transport, func() ([]byte, error) {
		want(t, "queued when asked", from.Transport.Buffered(), 0)
		if asked++; asked > 50 {
			return nil, io.EOF
		}
		return count(1000), nil
	})
	pair.Pump()
	want(t, "the result", deferredtest.ResultOf[int64](t, d), 50_000)
}

func TestPullGivesUpOnASourceWithoutProgress(t *testing.T) {
	from, _, pair := connected()
	d := producers.Pull(from.Transport, func() ([]byte, error) { return nil, nil })
	pair.Pump()
	expectSendError(t, deferredtest.ErrorResultOf(t, d), 0, io.ErrNoProgress)
}

func TestAWrappedEOFIsAFailure(t *testing.T) {
	for way, send := range ways {
		t.Run(way, func(t *testing.T) {
			from, _, pair := connected()
			c := clock.NewFake()
			cut := fmt.Errorf("the origin was cut: %w", io.EOF)
			d := send(from.Transport, c, func() ([]byte, error) { return nil, cut })
			run(pair, c)
			expectSendError(t, deferredtest.ErrorResultOf(t, d), 0, cut)
		})
	}
}

func TestATransformMayDropPieces(t *testing.T) {
	for passes, sent := range map[int]int64{2: 10_000, 500: 40, 1000: 20} { // one in so many
		from, _, pair := connected()
		pieces := 0
		sender := producers.FileSender{Chunk: 10, Transform: func(piece []byte) []byte {
			if pieces++; pieces%passes != 0 {
				return nil
			}
			return piece
		}}
		d := sender.Send(bytes.NewReader(make([]byte, 20_000)), from.Transport)
		pair.Pump()
		want(t, "the result", deferredtest.ResultOf[int64](t, d), sent)
	}
}

func TestATransformThatDropsEverythingIsGivenUp(t *testing.T) {
	from, _, pair := connected()
	source := bytes.NewReader(make([]byte, 20_000))
	d := producers.FileSender{Chunk: 10, Transform: func([]byte) []byte { return nil }}.Send(source, from.Transport)
	pair.Pump()
	expectSendError(t, deferredtest.ErrorResultOf(t, d), 0, io.ErrNoProgress)
	want(t, "bytes read in the one turn", 20_000-source.Len(), 10_000)
}

func TestAReaderWithoutProgressIsGivenUp(t *testing.T) {
	from, _, pair := connected()
	d := producers.FileSender{}.Send(stuck{}, from.Transport)
	pair.Pump()
	expectSendError(t, deferredtest.ErrorResultOf(t, d), 0, io.ErrNoProgress)
}

// stuck is a reader that never gets anywhere.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestASourceMayCancelItsOwnSending(t *testing.T) {
	for way, send := range ways {
		t.Run(way, func(t *testing.T) {
			from, to, pair := connected()
			c := clock.NewFake()
			var d *deferred.Deferred
			d = send(from.Transport, c, func() ([]byte, error) { d.Cancel(); return []byte("unwanted"), nil })
			run(pair, c)
			expectSendError(t, deferredtest.ErrorResultOf(t, d), 0, deferred.ErrCancelled)
			want(t, "what came", string(to.Received()), "")
		})
	}
}

func TestPushStopsAtTheHighWaterMark(t *testing.T) {
	from, to, pair := connected()
	c, sent := clock.NewFake(), 0
	d := producers.Push(from.Transport, c, func() ([]byte, error) { sent += 1000; return count(1000), nil })
	c.Advance(0)
	want(t, "bytes at the mark", sent, 66_000)
	want(t, "calls that wait while paused", c.Pending(), 0)
	pair.Pump()
	c.Advance(0)
	want(t, "bytes after it has drained", sent, 2*66_000)
	d.Cancel()
	want(t, "calls that wait when cancelled", c.Pending(), 0)
	run(pair, c)
	want(t, "what came", len(to.Received()), sent)
	expectSendError(t, deferredtest.ErrorResultOf(t, d), int64(sent))
}

func TestAPanicOfPushsSourceCostsTheConnection(t *testing.T) {
	from, _, pair := connected()
	c := clock.NewFake()
	d := producers.Push(from.Transport, c, func() ([]byte, error) { panic("no") })
	func() {
		defer func() { want(t, "the panic", recover(), any("no")) }()
		c.Advance(0)
	}()
	pair.Pump()
	expectErr(t, "the reason", from.Reason(), producers.ErrPanicked, protocol.ErrConnectionAborted)
	expectSendError(t, deferredtest.ErrorResultOf(t, d), 0, net.ErrClosed)
}

func TestFuncs(t *testing.T) {
	var told []string
	note := func(s string) func() { return func() { told = append(told, s) } }
	f := producers.Funcs{Pause: note("pause"), Resume: note("resume"), Stop: note("stop")}
	f.PauseProducing()
	f.ResumeProducing()
	f.StopProducing()
	want(t, "told", slices.Equal(told, []string{"pause", "resume", "stop"}), true)
	f = producers.Funcs{}
	f.PauseProducing() // nothing to call, and no panic
	f.ResumeProducing()
	f.StopProducing()
}

func TestFileSender(t *testing.T) {
	poem := strings.Repeat("a line of verse\n", 5000)
	files := fstest.MapFS{"poem": {Data: []byte(poem)}, "empty": {}}
	cases := []struct {
		name, file string
		sender     producers.FileSender
		want       string
	}{
		{"a file", "poem", producers.FileSender{}, poem},
		{"an empty file", "empty", producers.FileSender{}, ""},
		{"in small pieces", "poem", producers.FileSender{Chunk: 7}, poem},
		{"transformed", "poem", producers.FileSender{Transform: bytes.ToUpper}, strings.ToUpper(poem)},
		{"shortened", "poem", producers.FileSender{Chunk: 16, Transform: func(p []byte) []byte { return p[:1] }}, strings.Repeat("a", 5000)},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			from, to, pair := connected()
			f, err := files.Open(tc.file)
			if err != nil {
				t.Fatal(err)
			}
			d := tc.sender.Send(f, from.Transport)
			from.Transport.LoseConnection() // waits
			pair.Pump()
			want(t, "the result", deferredtest.ResultOf[int64](t, d), int64(len(tc.want)))
			want(t, "what came", string(to.Received()), tc.want)
			want(t, "over", from.Lost(), true)
			_ = f.Close()
		})
	}
}

func TestFileSenderTakesWhateverAReaderDoes(t *testing.T) {
	poem := count(3000)
	readers := map[string]func(io.Reader) io.Reader{
		"one byte at a time":      iotest.OneByteReader,
		"half of what fits":       iotest.HalfReader,
		"the end with the data":   iotest.DataErrReader,
		"its end is not the file": func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(errDisk)) },
	}
	for name, wrap := range readers {
		t.Run(name, func(t *testing.T) {
			from, to, pair := connected()
			d := producers.FileSender{Chunk: 100}.Send(wrap(bytes.NewReader(poem)), from.Transport)
			pair.Pump()
			want(t, "all came", bytes.Equal(to.Received(), poem), true)
			if strings.HasPrefix(name, "its end") {
				expectSendError(t, deferredtest.ErrorResultOf(t, d), 3000, errDisk)
			} else {
				want(t, "the result", deferredtest.ResultOf[int64](t, d), 3000)
			}
		})
	}
}

// TestAnyFileArrives tries sizes, pieces and chunks of the network.
func TestAnyFileArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		poem := count(rapid.IntRange(0, 5000).Draw(t, "size"))
		from, to, pair := connected()
		pair.Chunk = protocoltest.Fixed(rapid.IntRange(1, 3000).Draw(t, "chunk"))
		sender := producers.FileSender{Chunk: rapid.IntRange(1, 6000).Draw(t, "piece")}
		var sent any
		sender.Send(bytes.NewReader(poem), from.Transport).AddCallback(func(n any) (any, error) { sent = n; return nil, nil })
		pair.Pump()
		if sent != int64(len(poem)) || !bytes.Equal(to.Received(), poem) {
			t.Fatalf("sent %v, came %d, of %d bytes", sent, len(to.Received()), len(poem))
		}
	})
}
